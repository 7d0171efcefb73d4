from __future__ import annotations

import pytest
import torch
from torch import Tensor

from rena_pl.layers.modules import convolve
from rena_pl.layers.modules.convolution import NormedConvolution


def _gradients(out: Tensor, wanted: list[Tensor], weights: Tensor) -> tuple[Tensor, ...]:
    return torch.autograd.grad(out, wanted, weights.to(out.dtype))


@pytest.mark.parametrize("extent", [(1, 16), (10, 12), (9, 13)])
@pytest.mark.parametrize("kernel", [(1, 9), (3, 5), (5, 7), (4, 6), (3, 3), (5, 1)])
@pytest.mark.parametrize("stride", [(1, 1), (2, 1), (1, 2), (5, 3)])
@pytest.mark.parametrize("norm", ["batch", "none"])
def test_a_depthwise_convolution_trains_as_torch_does_it(extent, kernel, stride, norm) -> None:
    block = NormedConvolution(6, 6, extent, kernel, stride, groups=6, norm=norm).double()
    maps = torch.randn(3, 6, *extent, dtype=torch.float64, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        ours = block(maps)
    plain = block.norm(block.convolution(block.pad(maps)))
    assert ours.dtype == torch.float64
    assert torch.allclose(ours, plain, atol=1e-12)
    wanted, weights = [maps, *block.parameters()], torch.randn_like(plain)
    for own, other in zip(
        _gradients(ours, wanted, weights), _gradients(plain, wanted, weights), strict=True
    ):
        assert torch.allclose(own, other, atol=1e-10)


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize(
    ("kernel", "stride", "groups"),
    [((3, 3), 1, 8), ((3, 5), 1, 8), ((1, 9), 2, 8), ((3, 3), 2, 8), ((5, 5), 1, 1)],
)
def test_under_autocast_convolutions_are_bfloat16(kernel, stride, groups, layout) -> None:
    block = NormedConvolution(
        8, 8, (10, 12), kernel, (stride, stride), groups=groups, norm="none"
    ).to(memory_format=layout)
    maps = torch.randn(2, 8, 10, 12).contiguous(memory_format=layout).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        ours = block(maps)
    plain = block.convolution(block.pad(maps))
    assert ours.dtype == torch.bfloat16
    assert ours.is_contiguous(memory_format=layout)
    wanted, weights = [maps, *block.parameters()], torch.randn_like(plain)
    for own, other in zip(
        _gradients(ours, wanted, weights), _gradients(plain, wanted, weights), strict=True
    ):
        assert own.dtype == torch.float32
        assert (own - other).norm() < 0.01 * other.norm()


@pytest.mark.parametrize("kernel", [(3, 3), (3, 5)])
def test_maps_too_large_for_a_cache_are_worked_through_in_parts(kernel, monkeypatch) -> None:
    block = NormedConvolution(6, 6, (9, 12), kernel, groups=6).double()
    maps = torch.randn(5, 6, 9, 12, dtype=torch.float64)
    given = torch.randn_like(maps)
    whole = _gradients(block(maps), [block.convolution.weight], given)
    monkeypatch.setattr(convolve, "IN_CACHE", 2 * maps[0].numel())
    parts = _gradients(block(maps), [block.convolution.weight], given)
    assert not torch.equal(*whole, *parts)
    assert torch.allclose(*whole, *parts, atol=1e-10)


@pytest.mark.parametrize(("stride", "slow"), [((1, 1), True), ((2, 1), False)])
def test_torch_itself_works_out_what_it_is_fast_at(stride, slow) -> None:
    block = NormedConvolution(8, 8, (10, 12), (3, 5), stride, groups=8)
    calls = []
    block.convolution.register_forward_hook(lambda *_: calls.append(1))
    block(torch.randn(2, 8, 10, 12))
    assert bool(calls) is not slow
    block.eval()(torch.randn(2, 8, 10, 12))
    assert len(calls) == 2 - slow


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
        _gradients(ours, wanted, weights), _gradients(plain, wanted, weights), strict=True
    ):
        assert torch.allclose(own, other, atol=1e-10)
