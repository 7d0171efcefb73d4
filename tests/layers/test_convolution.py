from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from rena_pl.layers.modules import depthwise
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
    examples = []
    of_kernel = depthwise._of_kernel

    def counted(maps: Tensor, *others: Any) -> Tensor:
        examples.append(len(maps))
        return of_kernel(maps, *others)

    monkeypatch.setattr(depthwise, "_of_kernel", counted)
    monkeypatch.setattr(depthwise, "IN_CACHE", 2 * maps[0].numel())
    parts = _gradients(block(maps), [block.convolution.weight], given)
    assert examples == [2, 2, 1]
    assert torch.allclose(*whole, *parts, atol=1e-10)


def test_parts_are_summed_exactly_whatever_the_type_of_the_weight(monkeypatch) -> None:
    block = NormedConvolution(4, 4, (5, 8), (1, 5), groups=4, norm="none").bfloat16()
    maps = torch.randn(64, 4, 5, 8).bfloat16()
    monkeypatch.setattr(depthwise, "IN_CACHE", maps[0].numel())
    (own,) = _gradients(block(maps), [block.convolution.weight], torch.ones_like(maps))
    exact = block.float().convolution(maps.float())
    (other,) = _gradients(exact, [block.convolution.weight], torch.ones_like(exact))
    assert own.dtype == torch.bfloat16
    assert (own - other).norm() < 0.01 * other.norm()


@pytest.mark.parametrize(
    ("stride", "autocast", "own"),
    [((1, 1), False, True), ((2, 1), False, False), ((1, 1), True, True), ((2, 1), True, True)],
)
def test_torch_itself_works_out_what_it_is_fast_at(stride, autocast, own) -> None:
    block = NormedConvolution(8, 8, (10, 12), (3, 5), stride, groups=8)
    calls = []
    block.convolution.register_forward_hook(lambda *_: calls.append(1))
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        block(torch.randn(2, 8, 10, 12))
        assert bool(calls) is not own
        block.eval()(torch.randn(2, 8, 10, 12))
    assert len(calls) == 2 - own


def test_a_gradient_that_nobody_wants_is_not_worked_out() -> None:
    block = NormedConvolution(6, 6, (9, 12), (3, 5), groups=6)
    maps = torch.randn(2, 6, 9, 12)
    block(maps).sum().backward()
    block.convolution.weight.grad = None
    block.convolution.requires_grad_(False)
    block(maps.requires_grad_()).sum().backward()
    assert block.convolution.weight.grad is None
    assert maps.grad is not None


def test_no_examples_have_no_gradient() -> None:
    block = NormedConvolution(6, 6, (9, 12), (3, 5), groups=6, norm="none")
    block(torch.randn(0, 6, 9, 12)).sum().backward()
    assert not block.convolution.weight.grad.any()


def test_a_gradient_is_exact_under_autocast_too() -> None:
    block = NormedConvolution(6, 6, (9, 12), (3, 5), groups=6, norm="none")
    maps = torch.randn(2, 6, 9, 12, requires_grad=True)
    ours, plain = block(maps), block.convolution(maps)
    given = torch.randn_like(plain)
    with torch.autocast("cpu", torch.bfloat16):
        (own,) = _gradients(ours, [maps], given)
        (other,) = _gradients(plain, [maps], given)
    assert torch.allclose(own, other, atol=1e-5)


def test_weights_of_another_type_than_the_maps_are_as_torch_has_them() -> None:
    block = NormedConvolution(6, 6, (9, 12), (3, 5), groups=6, norm="none")
    with pytest.raises(RuntimeError, match="type"):
        block(torch.randn(2, 6, 9, 12).bfloat16())
    with torch.autocast("cpu", torch.bfloat16):
        out = block.bfloat16()(torch.randn(2, 6, 9, 12))
    out.sum().backward()
    assert out.dtype == block.convolution.weight.grad.dtype == torch.bfloat16


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
