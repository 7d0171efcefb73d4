"""Convolutions, depthwise ones as a CPU trains them fastest."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from rena_pl.layers.modules.depthwise import DepthwiseConvolution, is_slow_in_torch
from rena_pl.layers.modules.layout import layout_of


def convolve(convolution: nn.Conv2d, maps: Tensor) -> Tensor:
    """What the convolution gives, by the way that takes a CPU least time forth and back.

    Where that is not torch's way, in training, hooks of the convolution do not run.
    """
    if convolution.training and maps.device.type == "cpu" and _is_depthwise(convolution):
        if _is_dilated_over_time(convolution, maps):
            return _convolve_interleaved(convolution, maps)
        if _has_slow_gradient(convolution, maps):
            return _convolve_with_fast_gradient(convolution, maps)
    convolved: Tensor = convolution(maps)
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
    dtype = _computed_in(convolution, maps)
    if convolution.dilation != (1, 1) or dtype is None:
        return False
    return is_slow_in_torch(convolution.kernel_size[1], convolution.stride, maps.numel(), dtype)


def _computed_in(convolution: nn.Conv2d, maps: Tensor) -> torch.dtype | None:
    """The type that torch would convolve in; none if it would refuse to."""
    types = {maps.dtype, convolution.weight.dtype}
    if torch.is_autocast_enabled("cpu") and torch.float64 not in types:
        return torch.get_autocast_dtype("cpu")
    return maps.dtype if len(types) == 1 else None


def _convolve_with_fast_gradient(convolution: nn.Conv2d, maps: Tensor) -> Tensor:
    dtype, bias = _computed_in(convolution, maps), convolution.bias
    convolved: Tensor = DepthwiseConvolution.apply(
        maps.to(dtype), convolution.weight, convolution.stride, convolution.padding
    )
    return convolved if bias is None else convolved + bias.to(dtype)[:, None, None]
