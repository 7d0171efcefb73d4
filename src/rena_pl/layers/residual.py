"""Blocks with a shortcut: over time (TC-ResNet), and inverted (MobileNetV3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

from rena_pl.architecture import Shape
from rena_pl.layers.convolution import CHANNELS
from rena_pl.layers.geometry import strided, strided_extent
from rena_pl.layers.registry import IN, OUT, LayerType, choice, register

if TYPE_CHECKING:
    from torch import nn

ACTIVATIONS = ("relu", "elu", "selu", "swish", "hard_swish")


@dataclass(frozen=True)
class ResidualLayer(LayerType):
    """What the blocks share: the branch is silenced, the shortcut passes the input on."""

    stage_scaled: ClassVar[str | None] = "channels"

    def pass_on(self, module: Any, inputs: tuple[Shape, ...]) -> bool:
        """The branch gives nothing; the block knows how."""
        module.pass_on()
        return True


@register
@dataclass(frozen=True)
class TemporalResidual(ResidualLayer):
    """The block of TC-ResNet (arXiv 1904.03814): two convolutions over time and a shortcut.

    The shortcut passes the input on where its shape allows it, else through a 1x1 convolution.
    """

    kind: ClassVar[str] = "temporal_residual"
    merges_height: ClassVar[bool] = True
    grows: ClassVar[frozenset[str]] = frozenset({"channels", "kernel"})
    channels: int = choice(*CHANNELS)
    kernel: int = choice(9, 3, 5, 7, 15)
    stride: int = choice(1, 2, 4)
    activation: str = choice(*ACTIVATIONS)

    def flows(self) -> Mapping[str, tuple[str, str]]:
        """Through the branch, and beside it."""
        return {"first": (IN, "inside"), "second": ("inside", OUT), "shortcut": (IN, OUT)}

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """`(channels, 1, width / stride)`, rounded up."""
        ((_, _, width),) = inputs
        return (self.channels, 1, strided(width, self.stride))

    def passes(self, inputs: tuple[Shape, ...]) -> tuple[int, ...]:
        """The input's channels, where the shortcut is plain."""
        ((channels, height, _),) = inputs
        return (0,) if channels * height == self.channels and self.stride == 1 else ()

    def held_values(self, inputs: tuple[Shape, ...]) -> int:
        """The input while the second convolution runs, the branch's output while the shortcut does.

        While the larger of the two is read or written anyway, the smaller is held.
        """
        return min(prod(inputs[0]), prod(self.output_shape(inputs)))

    def build(self, inputs: tuple[Shape, ...]) -> nn.Module:
        """The block, after channels and height are merged."""
        from rena_pl.layers.modules.residual import TemporalResidualBlock

        ((channels, height, width),) = inputs
        return TemporalResidualBlock(
            channels * height, self.channels, width, self.kernel, self.stride, self.activation
        )

    def is_identity(self, inputs: tuple[Shape, ...], nonnegative: bool) -> bool:
        """Without height and stride, and where relu keeps what it reads."""
        unmoved = inputs[0][1:] == self.output_shape(inputs)[1:]
        return unmoved and nonnegative and self.activation == "relu"

    def agrees_when_projected(self, inputs: tuple[Shape, ...], nonnegative: bool) -> bool:
        """Where the projection's relu keeps what it reads."""
        return nonnegative and self.activation == "relu" and self.stride == 1


@register
@dataclass(frozen=True)
class InvertedResidual(ResidualLayer):
    """Expand, filter each channel, weigh channels, project (MobileNetV3, arXiv 1905.02244)."""

    kind: ClassVar[str] = "inverted_residual"
    grows: ClassVar[frozenset[str]] = frozenset(
        {"channels", "expansion", "kernel_height", "kernel_width"}
    )
    channels: int = choice(*CHANNELS)
    expansion: int = choice(2, 1, 3, 4, 6)
    kernel_height: int = choice(3, 1, 5)
    kernel_width: int = choice(3, 1, 5, 7, 9)
    stride_height: int = choice(1, 2)
    stride_width: int = choice(1, 2)
    squeeze_excitation: bool = choice(True, False)
    activation: str = choice(*ACTIVATIONS)

    def flows(self) -> Mapping[str, tuple[str, str]]:
        """Through the wide inside."""
        return {
            "expand": (IN, "inside"),
            "depthwise": ("inside", "inside"),
            "weigh.reduce": ("inside", "squeezed"),
            "weigh.expand": ("squeezed", "inside"),
            "project": ("inside", OUT),
        }

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """`(channels, height / stride, width / stride)`, rounded up."""
        extent = strided_extent(inputs[0], self.stride_height, self.stride_width)
        return (self.channels, *extent)

    def passes(self, inputs: tuple[Shape, ...]) -> tuple[int, ...]:
        """The input's channels, where it is added."""
        moved = (self.stride_height, self.stride_width) != (1, 1)
        return () if moved or inputs[0][0] != self.channels else (0,)

    def held_values(self, inputs: tuple[Shape, ...]) -> int:
        """The input, where it is added in the end, and the weights of the channels."""
        ((channels, _, _),) = inputs
        weights = self.expansion * channels if self.squeeze_excitation else 0
        return weights + (prod(inputs[0]) if self.passes(inputs) else 0)

    def build(self, inputs: tuple[Shape, ...]) -> nn.Module:
        """The block."""
        from rena_pl.layers.modules.residual import InvertedResidualBlock

        ((channels, height, width),) = inputs
        return InvertedResidualBlock(
            channels,
            self.channels,
            (height, width),
            self.expansion,
            (self.kernel_height, self.kernel_width),
            (self.stride_height, self.stride_width),
            self.squeeze_excitation,
            self.activation,
        )

    def pass_on(self, module: Any, inputs: tuple[Shape, ...]) -> bool:
        """Where the input is added, the branch gives nothing."""
        return bool(self.passes(inputs)) and super().pass_on(module, inputs)

    def is_identity(self, inputs: tuple[Shape, ...], nonnegative: bool) -> bool:
        """Where the input is added."""
        return bool(self.passes(inputs))

    def nonnegative(self, inputs: tuple[bool, ...]) -> bool:
        """It ends without an activation."""
        return False
