from __future__ import annotations

import pytest
import torch

from rena_pl.layers.modules.convolution import NormedConvolution


@pytest.mark.parametrize(
    ("kernel", "groups", "expected"),
    [
        ((3, 3), 8, torch.bfloat16),
        ((3, 5), 8, torch.float32),
        ((1, 9), 8, torch.float32),
        ((5, 5), 1, torch.bfloat16),
    ],
)
def test_under_autocast_only_wide_depthwise_kernels_are_float32(kernel, groups, expected) -> None:
    block = NormedConvolution(8, 8, (10, 12), kernel, groups=groups)
    types = []
    block.convolution.register_forward_hook(lambda *given: types.append(given[-1].dtype))
    maps = torch.randn(2, 8, 10, 12)
    with torch.autocast("cpu", torch.bfloat16):
        block(maps.bfloat16()).sum().backward()
    assert types == [expected]
    assert block.convolution.weight.grad.dtype == torch.float32
    assert torch.equal(block.eval()(maps), block.norm(block.convolution(block.pad(maps))))


def test_a_network_of_another_type_keeps_it_under_autocast() -> None:
    block = NormedConvolution(8, 8, (10, 12), (3, 5), groups=8).double()
    with torch.autocast("cpu", torch.bfloat16):
        assert block(torch.randn(2, 8, 10, 12).double()).dtype == torch.float64


def test_a_strided_depthwise_convolution_is_float32_under_autocast() -> None:
    block = NormedConvolution(8, 8, (10, 12), (3, 3), (2, 1), groups=8)
    types = []
    block.convolution.register_forward_hook(lambda *given: types.append(given[-1].dtype))
    with torch.autocast("cpu", torch.bfloat16):
        block(torch.randn(2, 8, 10, 12).bfloat16())
    assert types == [torch.float32]


@pytest.mark.parametrize("kernel", [3, 5, 9])
@pytest.mark.parametrize("dilation", [2, 4, 8])
@pytest.mark.parametrize("width", [16, 21])
def test_a_dilated_convolution_over_time_trains_as_torch_does_it(kernel, dilation, width) -> None:
    block = NormedConvolution(4, 4, (1, width), (1, kernel), dilation=(1, dilation), groups=4)
    block.double()
    calls = []
    block.convolution.register_forward_hook(lambda *_: calls.append(1))
    maps = torch.randn(3, 4, 1, width, dtype=torch.float64, requires_grad=True)
    ours = block(maps)
    assert not calls
    plain = block.norm(block.convolution(maps))
    assert torch.allclose(ours, plain, atol=1e-12)
    last = maps.detach().contiguous(memory_format=torch.channels_last)
    assert block(last).is_contiguous(memory_format=torch.channels_last)
    weights = torch.randn_like(plain)
    wanted = [maps, *block.parameters()]
    for own, other in zip(
        torch.autograd.grad(ours, wanted, weights),
        torch.autograd.grad(plain, wanted, weights),
        strict=True,
    ):
        assert torch.allclose(own, other, atol=1e-10)
