"""Convolutions, depthwise ones as a CPU trains them fastest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.grad import conv2d_weight

from rena_pl.layers.modules.layout import layout_of

Pair = tuple[int, int]

NARROW = 3
"""Columns of the widest depthwise kernel whose gradient a CPU works out fast."""
IN_CACHE = 2**20
"""Values of maps that a cache holds, beside as many of their gradient."""


def convolve(convolution: nn.Conv2d, maps: Tensor) -> Tensor:
    """What the convolution gives, by the way that takes a CPU least time forth and back.

    Where that is not torch's way, in training, hooks of the convolution do not run.
    """
    if not (convolution.training and maps.device.type == "cpu" and _is_depthwise(convolution)):
        convolved: Tensor = convolution(maps)
    elif _is_dilated_over_time(convolution, maps):
        convolved = _convolve_interleaved(convolution, maps)
    elif _has_slow_gradient(convolution, maps):
        convolved = _convolve_with_fast_gradient(convolution, maps)
    else:
        convolved = convolution(maps)
    return convolved


def _is_depthwise(convolution: nn.Conv2d) -> bool:
    return 1 < convolution.groups == convolution.in_channels == convolution.out_channels


def _is_dilated_over_time(convolution: nn.Conv2d, maps: Tensor) -> bool:
    """Whether the gradient takes a CPU ten times as long as without the dilation."""
    (height, taps), (_, dilation) = convolution.kernel_size, convolution.dilation
    return (
        dilation > 1
        and height == maps.shape[2] == 1
        and convolution.stride == (1, 1)
        and convolution.padding == (0, dilation * (taps // 2))
        and taps % 2 == 1
    )


def _convolve_interleaved(convolution: nn.Conv2d, maps: Tensor) -> Tensor:
    """The same: each of the series that the dilation takes apart, convolved without dilation."""
    batch, channels, _, steps = maps.shape
    taps, dilation = convolution.kernel_size[1], convolution.dilation[1]
    missing = -steps % dilation
    series = functional.pad(maps, (0, missing)).reshape(batch, channels, -1, dilation)
    weight = convolution.weight.transpose(2, 3)
    convolved = functional.conv2d(
        series, weight, convolution.bias, padding=(taps // 2, 0), groups=convolution.groups
    )
    whole = convolved.reshape(batch, -1, 1, steps + missing)
    return whole[..., :steps].contiguous(memory_format=layout_of(maps))


def _has_slow_gradient(convolution: nn.Conv2d, maps: Tensor) -> bool:
    """Whether `_Depthwise` has its gradient sooner than torch.

    A stride takes torch three to fourteen times as long in bfloat16 as in float32.
    """
    dtype = _computed_in(convolution, maps)
    if convolution.dilation != (1, 1) or dtype is None:
        return False
    if max(convolution.stride) > 1:
        return dtype == torch.bfloat16
    return convolution.kernel_size[1] > NARROW or maps.numel() > 2 * IN_CACHE


def _computed_in(convolution: nn.Conv2d, maps: Tensor) -> torch.dtype | None:
    """The type that torch would convolve in; none if it would refuse to."""
    types = {maps.dtype, convolution.weight.dtype}
    if torch.is_autocast_enabled("cpu") and torch.float64 not in types:
        return torch.get_autocast_dtype("cpu")
    return maps.dtype if len(types) == 1 else None


def _convolve_with_fast_gradient(convolution: nn.Conv2d, maps: Tensor) -> Tensor:
    dtype, bias = _computed_in(convolution, maps), convolution.bias
    convolved: Tensor = _Depthwise.apply(
        maps.to(dtype), convolution.weight, convolution.stride, convolution.padding
    )
    return convolved if bias is None else convolved + bias.to(dtype)[:, None, None]


class _Depthwise(torch.autograd.Function):
    """A depthwise convolution, in the type of the maps, whose gradient a CPU computes fast.

    That of the maps is a convolution without a stride, with the kernel turned round.
    """

    @staticmethod
    def forward(ctx: Any, maps: Tensor, weight: Tensor, stride: Pair, padding: Pair) -> Tensor:
        ctx.save_for_backward(maps, weight)
        ctx.stride, ctx.padding = stride, padding
        kernel = weight.to(maps.dtype)
        return functional.conv2d(maps, kernel, None, stride, padding, groups=len(weight))

    @staticmethod
    @torch.autocast("cpu", enabled=False)  # type: ignore[untyped-decorator]  # torch's own
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
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
