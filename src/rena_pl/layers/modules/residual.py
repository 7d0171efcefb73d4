"""Blocks with a shortcut."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rena_pl.layers.geometry import strided
from rena_pl.layers.modules.activation import activation
from rena_pl.layers.modules.average import Average
from rena_pl.layers.modules.convolution import NormedConvolution, Pair, merge_height
from rena_pl.layers.modules.norm import silence


class TemporalResidualBlock(nn.Module):
    """Two convolutions over time and a shortcut, the block of TC-ResNet (arXiv 1904.03814).

    Maps `(batch, channels, height, time)` to `(batch, out_channels, 1, time / stride)`. The
    shortcut passes the input on where its shape allows it, else through a 1x1 convolution.

    Args:
        features: Channels times height of the input.
        out_channels: Of both convolutions.
        width: Time steps of the input.
        kernel: Taps of both.
        stride: Of the first convolution and the shortcut.
        activation_name: After the first convolution, the shortcut's and the sum.
    """

    def __init__(
        self,
        features: int,
        out_channels: int,
        width: int,
        kernel: int,
        stride: int,
        activation_name: str,
    ) -> None:
        super().__init__()
        after = (1, strided(width, stride))
        self.merge = merge_height(features)
        self.first = NormedConvolution(
            features,
            out_channels,
            (1, width),
            (1, kernel),
            (1, stride),
            activation=activation_name,
        )
        self.second = NormedConvolution(out_channels, out_channels, after, (1, kernel))
        passes = features == out_channels and stride == 1
        self.shortcut = (
            nn.Identity()
            if passes
            else NormedConvolution(
                features, out_channels, (1, width), (1, 1), (1, stride), activation=activation_name
            )
        )
        self.activation = activation(activation_name)

    def forward(self, maps: Tensor) -> Tensor:
        """The sum of branch and shortcut, activated."""
        maps = self.merge(maps)
        out: Tensor = self.activation(self.second(self.first(maps)) + self.shortcut(maps))
        return out

    def pass_on(self) -> None:
        """Silence the branch and let the shortcut pass its input on."""
        silence(self.second)
        if isinstance(self.shortcut, NormedConvolution):
            self.shortcut.pass_on()


class SqueezeExcitation(nn.Module):
    """Weighs channels by what the whole map holds (arXiv 1709.01507).

    Args:
        channels: Of the maps.
        squeezed: Of the bottleneck.
    """

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.average = Average(2, 3)
        self.reduce = nn.Conv2d(channels, squeezed, 1)
        self.activation = nn.ReLU()
        self.expand = nn.Conv2d(squeezed, channels, 1)
        self.gate = nn.Hardsigmoid()

    def forward(self, maps: Tensor) -> Tensor:
        """Maps `(batch, channels, height, width)`, every channel weighed."""
        weights: Tensor = self.gate(self.expand(self.activation(self.reduce(self.average(maps)))))
        return maps * weights


class InvertedResidualBlock(nn.Module):
    """Expand, filter each channel, weigh channels, project (MobileNetV2 and V3, arXiv 1905.02244).

    A shortcut passes the input on where its shape allows it.

    Args:
        in_channels: Of the input.
        out_channels: Of the output.
        extent: Height and width of the input.
        expansion: Channels inside, as a multiple of the input's.
        kernel: Of the depthwise convolution.
        stride: Of the depthwise convolution.
        squeeze_excitation: Whether channels are weighed.
        activation_name: After the first two convolutions.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        extent: Pair,
        expansion: int,
        kernel: Pair,
        stride: Pair,
        squeeze_excitation: bool,
        activation_name: str,
    ) -> None:
        super().__init__()
        inside = expansion * in_channels
        after = (strided(extent[0], stride[0]), strided(extent[1], stride[1]))
        self.expand = NormedConvolution(in_channels, inside, extent, activation=activation_name)
        self.depthwise = NormedConvolution(
            inside, inside, extent, kernel, stride, groups=inside, activation=activation_name
        )
        self.weigh = (
            SqueezeExcitation(inside, max(1, inside // 4)) if squeeze_excitation else nn.Identity()
        )
        self.project = NormedConvolution(inside, out_channels, after)
        self.passes = in_channels == out_channels and stride == (1, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """The block's output, with the input added where the shapes agree."""
        out: Tensor = self.project(self.weigh(self.depthwise(self.expand(maps))))
        return out + maps if self.passes else out

    def pass_on(self) -> None:
        """Silence the branch, where there is a shortcut beside it."""
        if self.passes:
            silence(self.project)


class BroadcastResidualBlock(nn.Module):
    """The block of BC-ResNet: frequency in two dimensions, time in one, broadcast back.

    y = relu(x + f2(x) + f1(mean of f2(x) over frequency)), where f2 filters frequency and f1 time
    (arXiv 2106.04140, section 2). Where the shape changes, a 1x1 convolution comes first and the
    input is not added.

    Args:
        in_channels: Of the input.
        out_channels: Of the output.
        extent: Height and width of the input.
        kernel_height: Of the depthwise convolution over frequency.
        kernel_width: Of the one over time.
        stride: Of the convolution over frequency.
        dilation: Of the convolution over time.
        norm: After the convolution over frequency.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        extent: Pair,
        kernel_height: int,
        kernel_width: int,
        stride: Pair,
        dilation: int,
        norm: str,
    ) -> None:
        super().__init__()
        self.passes = in_channels == out_channels and stride == (1, 1)
        self.transition = (
            nn.Identity()
            if self.passes
            else NormedConvolution(in_channels, out_channels, extent, activation="relu")
        )
        self.frequency = NormedConvolution(
            out_channels,
            out_channels,
            extent,
            (kernel_height, 1),
            stride,
            groups=out_channels,
            norm=norm,
        )
        after = (1, strided(extent[1], stride[1]))
        self.average = Average(2)
        self.time = NormedConvolution(
            out_channels,
            out_channels,
            after,
            (1, kernel_width),
            dilation=(1, dilation),
            groups=out_channels,
            activation="swish",
        )
        self.mix = nn.Conv2d(out_channels, out_channels, 1, bias=False)
        self.activation = nn.ReLU()

    def forward(self, maps: Tensor) -> Tensor:
        """Input, frequency branch and broadcast time branch, added and activated."""
        frequency = self.frequency(self.transition(maps))
        out = frequency + self.mix(self.time(self.average(frequency)))
        if self.passes:
            out = out + maps
        activated: Tensor = self.activation(out)
        return activated

    @torch.no_grad()
    def pass_on(self) -> None:
        """Silence the time branch, and the frequency branch where the input is added."""
        self.mix.weight.zero_()
        if isinstance(self.transition, NormedConvolution):
            self.transition.pass_on()
            self.frequency.pass_on()
        else:
            silence(self.frequency)
