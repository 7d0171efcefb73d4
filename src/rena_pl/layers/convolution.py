"""Convolutions: plain, depthwise-separable, dilated, and temporal (one-dimensional over time)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rena_pl.architecture import Shape, Value
from rena_pl.layers.geometry import strided, strided_extent
from rena_pl.layers.registry import IN, OUT, LayerType, choice, register

if TYPE_CHECKING:
    from torch import nn

CHANNELS = (16, 4, 8, 12, 20, 24, 32, 48, 64, 96, 128, 196, 256)
"""Channel counts of both spaces of the RENA paper (recalled), filled up; the default first."""
ACTIVATIONS = ("relu", "crelu", "elu", "selu", "swish", "hard_swish", "none")
NORMS = ("batch", "sub_spectral", "none")
NORM_EXCHANGES = frozenset(
    {("none", "batch"), ("none", "sub_spectral"), ("batch", "none"), ("batch", "sub_spectral")}
)
"""What a norm can become without a change of function; bands cannot be made one again."""


def filters(channels: int, activation: str) -> int:
    """Filters of a convolution with so many channels after its activation; crelu doubles them."""
    return -(-channels // 2) if activation == "crelu" else channels


def channels_of(channels: int, activation: str) -> int:
    """Channels after the activation; an odd number is rounded up where crelu makes pairs."""
    return 2 * filters(channels, activation) if activation == "crelu" else channels


def keeps_values(activation: str, nonnegative: bool) -> bool:
    """Whether an activation passes on what it is known to read."""
    return activation == "none" or (nonnegative and activation in ("relu", "crelu"))


@dataclass(frozen=True)
class NormedLayer(LayerType):
    """What the convolutions share: channels, activation, norm, and how they take over weights."""

    stage_scaled: ClassVar[str | None] = "channels"
    norm: str

    def flows(self) -> Mapping[str, tuple[str, str]]:
        """One convolution from input to output."""
        return {"": (IN, OUT)}

    def keeps_function(self, name: str, old: Value) -> bool:
        """A norm may also come, go into the convolution, or be divided into bands."""
        exchanged = name == "norm" and (old, self.norm) in NORM_EXCHANGES
        return exchanged or super().keeps_function(name, old)

    def pass_on(self, module: nn.Module, inputs: tuple[Shape, ...]) -> bool:
        """Every filter gives the channel of its number."""
        from rena_pl.layers.modules.convolution import NormedConvolution

        for part in module.modules():
            if isinstance(part, NormedConvolution):
                part.pass_on()
        return True


@register
@dataclass(frozen=True)
class Conv2d(NormedLayer):
    """Convolution over height and width, then normalisation and activation."""

    kind: ClassVar[str] = "conv2d"
    grows: ClassVar[frozenset[str]] = frozenset({"channels", "kernel_height", "kernel_width"})
    channels: int = choice(*CHANNELS)
    kernel_height: int = choice(3, 1, 4, 5, 7, 8, 10)
    kernel_width: int = choice(3, 1, 4, 5, 7, 8, 16, 20)
    stride_height: int = choice(1, 2, 3, 4, 5)
    stride_width: int = choice(1, 2, 4, 8, 10)
    activation: str = choice(*ACTIVATIONS)
    norm: str = choice(*NORMS)

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """`(channels, height / stride, width / stride)`, rounded up."""
        extent = strided_extent(inputs[0], self.stride_height, self.stride_width)
        return (channels_of(self.channels, self.activation), *extent)

    def build(self, inputs: tuple[Shape, ...]) -> nn.Module:
        """Convolution, norm, activation."""
        from rena_pl.layers.modules.convolution import NormedConvolution

        ((in_channels, height, width),) = inputs
        return NormedConvolution(
            in_channels,
            filters(self.channels, self.activation),
            (height, width),
            (self.kernel_height, self.kernel_width),
            (self.stride_height, self.stride_width),
            norm=self.norm,
            activation=self.activation,
        )

    def is_identity(self, inputs: tuple[Shape, ...], nonnegative: bool) -> bool:
        """Without a stride, and with an activation that keeps what it reads."""
        unmoved = inputs[0][1:] == self.output_shape(inputs)[1:]
        return unmoved and keeps_values(self.activation, nonnegative)


@register
@dataclass(frozen=True)
class DepthwiseSeparable(Conv2d):
    """One filter per channel, then a 1x1 convolution across channels (MobileNet; DS-CNN).

    Both have the norm and the activation; in place of crelu, the first has relu.
    """

    kind: ClassVar[str] = "depthwise_separable"

    def flows(self) -> Mapping[str, tuple[str, str]]:
        """Within channels, then across them."""
        return {"depthwise": (IN, IN), "pointwise": (IN, OUT)}

    def build(self, inputs: tuple[Shape, ...]) -> nn.Module:
        """Depthwise convolution and pointwise convolution, each with norm and activation."""
        from collections import OrderedDict

        from torch import nn

        from rena_pl.layers.modules.convolution import NormedConvolution

        ((in_channels, height, width),) = inputs
        depthwise = NormedConvolution(
            in_channels,
            in_channels,
            (height, width),
            (self.kernel_height, self.kernel_width),
            (self.stride_height, self.stride_width),
            groups=in_channels,
            norm=self.norm,
            activation="relu" if self.activation == "crelu" else self.activation,
        )
        pointwise = NormedConvolution(
            in_channels,
            filters(self.channels, self.activation),
            self.output_shape(inputs)[1:],
            norm=self.norm,
            activation=self.activation,
        )
        return nn.Sequential(OrderedDict(depthwise=depthwise, pointwise=pointwise))


@register
@dataclass(frozen=True)
class Dilated(NormedLayer):
    """Convolution whose taps stand `dilation` apart in height and width, for a wider view."""

    kind: ClassVar[str] = "dilated"
    grows: ClassVar[frozenset[str]] = frozenset({"channels", "kernel_height", "kernel_width"})
    channels: int = choice(*CHANNELS)
    kernel_height: int = choice(3, 1, 5)
    kernel_width: int = choice(3, 1, 5)
    dilation: int = choice(2, 1, 4, 8)
    activation: str = choice(*ACTIVATIONS)
    norm: str = choice(*NORMS)

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """`(channels, height, width)`: height and width stay."""
        ((_, height, width),) = inputs
        return (channels_of(self.channels, self.activation), height, width)

    def build(self, inputs: tuple[Shape, ...]) -> nn.Module:
        """Dilated convolution, norm, activation."""
        from rena_pl.layers.modules.convolution import NormedConvolution

        ((in_channels, height, width),) = inputs
        return NormedConvolution(
            in_channels,
            filters(self.channels, self.activation),
            (height, width),
            (self.kernel_height, self.kernel_width),
            dilation=(self.dilation, self.dilation),
            norm=self.norm,
            activation=self.activation,
        )

    def is_identity(self, inputs: tuple[Shape, ...], nonnegative: bool) -> bool:
        """With an activation that keeps what it reads."""
        return keeps_values(self.activation, nonnegative)


@register
@dataclass(frozen=True)
class Temporal(NormedLayer):
    """Convolution over width (time) alone; channels and height become its input channels.

    The idea of TC-ResNet (arXiv 1904.03814): every filter sees all frequencies, and the map
    loses its height at once, so that it costs little.
    """

    kind: ClassVar[str] = "temporal"
    merges_height: ClassVar[bool] = True
    grows: ClassVar[frozenset[str]] = frozenset({"channels", "kernel"})
    channels: int = choice(*CHANNELS)
    kernel: int = choice(9, 3, 5, 7, 15)
    stride: int = choice(1, 2, 4)
    activation: str = choice(*ACTIVATIONS)
    norm: str = choice("batch", "none")

    def flows(self) -> Mapping[str, tuple[str, str]]:
        """One convolution from input to output."""
        return {"convolution": (IN, OUT)}

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """`(channels, 1, width / stride)`, rounded up."""
        ((_, _, width),) = inputs
        return (channels_of(self.channels, self.activation), 1, strided(width, self.stride))

    def build(self, inputs: tuple[Shape, ...]) -> nn.Module:
        """Channels and height merged, convolution over width, norm, activation."""
        from collections import OrderedDict

        from torch import nn

        from rena_pl.layers.modules.convolution import NormedConvolution, merge_height

        ((in_channels, height, width),) = inputs
        convolution = NormedConvolution(
            in_channels * height,
            filters(self.channels, self.activation),
            (1, width),
            (1, self.kernel),
            (1, self.stride),
            norm=self.norm,
            activation=self.activation,
        )
        return nn.Sequential(
            OrderedDict(merge=merge_height(in_channels * height), convolution=convolution)
        )

    def is_identity(self, inputs: tuple[Shape, ...], nonnegative: bool) -> bool:
        """Without height and stride, and with an activation that keeps what it reads."""
        unmoved = inputs[0][1:] == self.output_shape(inputs)[1:]
        return unmoved and keeps_values(self.activation, nonnegative)
