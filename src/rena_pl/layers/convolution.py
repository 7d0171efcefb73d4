"""Convolutions: plain, depthwise-separable, dilated, and temporal (one-dimensional over time)."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, ClassVar

from rena_pl.architecture import Shape
from rena_pl.layers.registry import LayerType, choice, register

if TYPE_CHECKING:
    from torch import nn

CHANNELS = (16, 4, 8, 12, 24, 32, 48, 64, 96, 128, 196, 256)
"""Channel counts of both spaces of the RENA paper (recalled), filled up; the default first."""
ACTIVATIONS = ("relu", "elu", "selu", "swish", "hard_swish")
NORMS = ("batch", "none")


def strided(extent: int, stride: int) -> int:
    """The extent after a stride: divided, rounded up."""
    return -(-extent // stride)


def useful_kernel(kernel: int, extent: int, dilation: int = 1) -> int:
    """The part of a kernel that can ever see data: at most `extent - 1` steps to either side.

    Without this cut, a wide kernel over a small map would hold parameters that only ever meet
    padding, and count them against the budget.
    """
    return min(kernel, 2 * ((extent - 1) // dilation) + 1)


@register
@dataclass(frozen=True)
class Conv2d(LayerType):
    """Convolution over height and width, then normalisation and activation."""

    kind: ClassVar[str] = "conv2d"
    channels: int = choice(*CHANNELS)
    kernel_height: int = choice(3, 1, 4, 5, 7, 8, 10)
    kernel_width: int = choice(3, 1, 4, 5, 7, 8, 16, 20)
    stride_height: int = choice(1, 2, 3, 4, 5)
    stride_width: int = choice(1, 2, 4, 8, 10)
    activation: str = choice(*ACTIVATIONS)
    norm: str = choice(*NORMS)

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """`(channels, height / stride, width / stride)`, rounded up."""
        ((_, height, width),) = inputs
        return (
            self.channels,
            strided(height, self.stride_height),
            strided(width, self.stride_width),
        )

    def build(self, inputs: tuple[Shape, ...]) -> nn.Module:
        """Convolution, norm, activation."""
        from torch import nn

        from rena_pl.layers.modules import normed_convolution

        ((in_channels, _, _),) = inputs
        return nn.Sequential(
            *normed_convolution(
                in_channels,
                self.channels,
                self.kernel(inputs),
                (self.stride_height, self.stride_width),
                norm=self.norm,
                activation=self.activation,
            )
        )

    def kernel(self, inputs: tuple[Shape, ...]) -> tuple[int, int]:
        """The part of the kernel that can see data."""
        ((_, height, width),) = inputs
        return useful_kernel(self.kernel_height, height), useful_kernel(self.kernel_width, width)


@register
@dataclass(frozen=True)
class DepthwiseSeparable(Conv2d):
    """One filter per channel, then a 1x1 convolution across channels (MobileNet; DS-CNN)."""

    kind: ClassVar[str] = "depthwise_separable"

    def build(self, inputs: tuple[Shape, ...]) -> nn.Module:
        """Depthwise convolution and pointwise convolution, each with norm and activation."""
        from torch import nn

        from rena_pl.layers.modules import normed_convolution

        ((in_channels, _, _),) = inputs
        return nn.Sequential(
            *normed_convolution(
                in_channels,
                in_channels,
                self.kernel(inputs),
                (self.stride_height, self.stride_width),
                groups=in_channels,
                norm=self.norm,
                activation=self.activation,
            ),
            *normed_convolution(
                in_channels, self.channels, (1, 1), norm=self.norm, activation=self.activation
            ),
        )


@register
@dataclass(frozen=True)
class Dilated(LayerType):
    """Convolution whose taps stand `dilation` apart in height and width, for a wider view."""

    kind: ClassVar[str] = "dilated"
    channels: int = choice(*CHANNELS)
    kernel_height: int = choice(3, 1, 5)
    kernel_width: int = choice(3, 1, 5)
    dilation: int = choice(2, 1, 4, 8)
    activation: str = choice(*ACTIVATIONS)
    norm: str = choice(*NORMS)

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """`(channels, height, width)`: height and width stay."""
        ((_, height, width),) = inputs
        return (self.channels, height, width)

    def build(self, inputs: tuple[Shape, ...]) -> nn.Module:
        """Dilated convolution, norm, activation."""
        from torch import nn

        from rena_pl.layers.modules import normed_convolution

        ((in_channels, height, width),) = inputs
        kernel = (
            useful_kernel(self.kernel_height, height, self.dilation),
            useful_kernel(self.kernel_width, width, self.dilation),
        )
        return nn.Sequential(
            *normed_convolution(
                in_channels,
                self.channels,
                kernel,
                dilation=(self.dilation, self.dilation),
                norm=self.norm,
                activation=self.activation,
            )
        )


@register
@dataclass(frozen=True)
class Temporal(LayerType):
    """Convolution over width (time) alone; channels and height become its input channels.

    The idea of TC-ResNet (arXiv 1904.03814): every filter sees all frequencies, and the map
    loses its height at once, so that it costs little.
    """

    kind: ClassVar[str] = "temporal"
    channels: int = choice(*CHANNELS)
    kernel: int = choice(9, 3, 5, 7, 15)
    stride: int = choice(1, 2, 4)
    activation: str = choice(*ACTIVATIONS)
    norm: str = choice(*NORMS)

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """`(channels, 1, width / stride)`, rounded up."""
        ((_, _, width),) = inputs
        return (self.channels, 1, strided(width, self.stride))

    def build(self, inputs: tuple[Shape, ...]) -> nn.Module:
        """Channels and height merged, convolution over width, norm, activation."""
        from torch import nn

        from rena_pl.layers.modules import merge_height, normed_convolution

        ((in_channels, height, width),) = inputs
        return nn.Sequential(
            *merge_height(in_channels * height),
            *normed_convolution(
                in_channels * height,
                self.channels,
                (1, useful_kernel(self.kernel, width)),
                (1, self.stride),
                norm=self.norm,
                activation=self.activation,
            ),
        )


@register
@dataclass(frozen=True)
class TemporalResidual(LayerType):
    """The block of TC-ResNet (arXiv 1904.03814): two convolutions over time and a shortcut.

    The shortcut passes the input on where its shape allows it, else through a 1x1 convolution.
    """

    kind: ClassVar[str] = "temporal_residual"
    channels: int = choice(*CHANNELS)
    kernel: int = choice(9, 3, 5, 7, 15)
    stride: int = choice(1, 2, 4)
    activation: str = choice(*ACTIVATIONS)

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """`(channels, 1, width / stride)`, rounded up."""
        ((_, _, width),) = inputs
        return (self.channels, 1, strided(width, self.stride))

    def held_values(self, inputs: tuple[Shape, ...]) -> int:
        """The input, while the branch runs; the branch's output, while the shortcut does."""
        return max(prod(inputs[0]), prod(self.output_shape(inputs)))

    def build(self, inputs: tuple[Shape, ...]) -> nn.Module:
        """The block, after channels and height are merged."""
        from rena_pl.layers.residual_modules import TemporalResidualBlock

        ((in_channels, height, width),) = inputs
        return TemporalResidualBlock(
            in_channels * height,
            self.channels,
            useful_kernel(self.kernel, width),
            useful_kernel(self.kernel, strided(width, self.stride)),
            self.stride,
            self.activation,
        )
