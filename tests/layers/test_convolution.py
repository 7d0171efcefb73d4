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
