"""Convolutions as a CPU trains them fastest."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from rena_pl.layers.modules.layout import layout_of


def convolve(convolution: nn.Conv2d, maps: Tensor) -> Tensor:
    """What the convolution gives, by the way that takes a CPU least time forth and back."""
    if _slow_in_bfloat16(convolution, maps):
        with torch.autocast("cpu", enabled=False):
            return _convolve(convolution, maps.to(convolution.weight.dtype))
    return _convolve(convolution, maps)


def _slow_in_bfloat16(convolution: nn.Conv2d, maps: Tensor) -> bool:
    """Whether autocast would have a CPU convolve in bfloat16 what is faster in float32.

    A depthwise kernel wider or higher than 3 takes it up to three times as long, and one with a
    stride up to ten times, most of it for the gradient.
    """
    return (
        torch.is_autocast_enabled("cpu")
        and maps.device.type == "cpu"
        and convolution.groups > 1
        and (max(convolution.kernel_size) > 3 or max(convolution.stride) > 1)
    )


def _convolve(convolution: nn.Conv2d, maps: Tensor) -> Tensor:
    if convolution.training and _is_dilated_over_time(convolution, maps):
        return _convolve_interleaved(convolution, maps)
    convolved: Tensor = convolution(maps)
    return convolved


def _is_dilated_over_time(convolution: nn.Conv2d, maps: Tensor) -> bool:
    """Whether the gradient takes a CPU ten times as long as without the dilation."""
    (height, taps), (_, dilation) = convolution.kernel_size, convolution.dilation
    return (
        maps.device.type == "cpu"
        and convolution.groups > 1
        and dilation > 1
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
