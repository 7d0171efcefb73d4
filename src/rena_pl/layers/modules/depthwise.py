"""A depthwise convolution whose gradient a CPU computes fast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.grad import conv2d_weight

Pair = tuple[int, int]

NARROW = 3
"""Columns of the widest depthwise kernel whose gradient a CPU works out fast."""
IN_CACHE = 2**20
"""Values of maps that a cache holds, beside as many of their gradient."""


def is_slow_in_torch(width: int, stride: Sequence[int], values: int, dtype: torch.dtype) -> bool:
    """Whether `DepthwiseConvolution` has its gradient sooner than torch.

    A stride takes torch three to fourteen times as long in bfloat16 as in float32.

    Args:
        width: Of the kernel.
        stride: In height and width.
        values: Of the maps.
        dtype: What is computed in.
    """
    if max(stride) > 1:
        return dtype == torch.bfloat16
    return width > NARROW or values > 2 * IN_CACHE


class DepthwiseConvolution(torch.autograd.Function):
    """A depthwise convolution, in the type of the maps, whose gradient a CPU computes fast.

    That of the maps is a convolution without a stride, with the kernel turned round.
    """

    @staticmethod
    def forward(ctx: Any, maps: Tensor, weight: Tensor, stride: Pair, padding: Pair) -> Tensor:
        """Maps `(batch, channels, height, width)`, each channel with its own kernel.

        Args:
            ctx: What the gradient is told.
            maps: Of any layout.
            weight: `(channels, 1, height, width)`.
            stride: In height and width.
            padding: Zeros on both sides, in height and width.
        """
        ctx.save_for_backward(maps, weight)
        ctx.stride, ctx.padding = stride, padding
        kernel = weight.to(maps.dtype)
        return functional.conv2d(maps, kernel, None, stride, padding, groups=len(weight))

    @staticmethod
    @torch.autocast("cpu", enabled=False)  # type: ignore[untyped-decorator]  # torch's own
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        """The gradients of maps and weight, none where nobody wants it."""
        maps, weight = ctx.saved_tensors
        sides = zip(maps.shape[2:], weight.shape[2:], ctx.padding, strict=True)
        whole = [size + 2 * zeros - taps + 1 for size, taps, zeros in sides]
        gradient = _without_stride(gradient, ctx.stride, whole)
        wants_maps, wants_weight, *_ = ctx.needs_input_grad
        of_maps = _of_maps(weight.to(maps.dtype), gradient, ctx.padding) if wants_maps else None
        of_weight = _of_weight(maps, gradient, weight, ctx.padding) if wants_weight else None
        return of_maps, of_weight, None, None


def _without_stride(gradient: Tensor, stride: Pair, extent: Sequence[int]) -> Tensor:
    """The gradient of what a convolution would give without its stride, zero where it skips."""
    if max(stride) == 1:
        return gradient
    batch, channels = gradient.shape[:2]
    whole = gradient.new_zeros(batch, *extent, channels).permute(0, 3, 1, 2)
    whole[:, :, :: stride[0], :: stride[1]] = gradient
    return whole


def _of_maps(weight: Tensor, gradient: Tensor, padding: Pair) -> Tensor:
    rest = [taps - 1 - zeros for taps, zeros in zip(weight.shape[2:], padding, strict=True)]
    return functional.conv2d(gradient, weight.flip(2, 3), padding=rest, groups=len(weight))


def _of_weight(maps: Tensor, gradient: Tensor, weight: Tensor, padding: Pair) -> Tensor:
    """The gradient of the weight, summed over as many examples as a cache holds at a time."""
    exact = torch.promote_types(weight.dtype, torch.float32)
    total = torch.zeros_like(weight, dtype=exact)
    examples = max(1, IN_CACHE // max(1, maps.shape[1:].numel()))
    parts = zip(torch.split(maps, examples), torch.split(gradient, examples), strict=True)
    for some, theirs in parts:
        total = total + _of_kernel(some, theirs, weight.shape, padding)
    return total.to(weight.dtype)


def _of_kernel(maps: Tensor, gradient: Tensor, shape: Sequence[int], padding: Pair) -> Tensor:
    """The same for some examples and a weight of that shape, `NARROW` columns at a time."""
    channels, _, height, width = shape
    if width <= NARROW:
        return _of_columns(maps, gradient, shape, padding)
    maps = functional.pad(maps, (padding[1], padding[1]))
    parts = []
    for first in range(0, width, NARROW):
        columns = min(NARROW, width - first)
        seen = maps[..., first : first + gradient.shape[3] + columns - 1]
        part = _of_columns(seen, gradient, (channels, 1, height, columns), (padding[0], 0))
        parts.append(part)
    return torch.cat(parts, 3)


def _of_columns(maps: Tensor, gradient: Tensor, shape: Sequence[int], padding: Pair) -> Tensor:
    of_weight: Tensor = conv2d_weight(  # type: ignore[no-untyped-call]  # torch leaves it untyped
        maps, shape, gradient, padding=padding, groups=shape[0]
    )
    return of_weight
