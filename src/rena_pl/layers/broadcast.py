"""The broadcast-residual block of BC-ResNet, for keyword spotting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, ClassVar

from rena_pl.architecture import Shape, Value
from rena_pl.layers.convolution import CHANNELS, NORM_EXCHANGES
from rena_pl.layers.geometry import strided_extent
from rena_pl.layers.registry import IN, OUT, choice, register
from rena_pl.layers.residual import ResidualLayer

if TYPE_CHECKING:
    from torch import nn


@register
@dataclass(frozen=True)
class BroadcastResidual(ResidualLayer):
    """A branch over frequency, and one over time that is broadcast (arXiv 2106.04140).

    Where channels or extents change, a 1x1 convolution comes first and the input is not added.
    """

    kind: ClassVar[str] = "broadcast_residual"
    grows: ClassVar[frozenset[str]] = frozenset({"channels", "kernel_height", "kernel_width"})
    channels: int = choice(*CHANNELS)
    kernel_height: int = choice(3, 1, 5)
    kernel_width: int = choice(3, 5, 7, 9)
    stride_height: int = choice(1, 2)
    stride_width: int = choice(1, 2)
    dilation: int = choice(1, 2, 4, 8)
    norm: str = choice("sub_spectral", "batch")

    def flows(self) -> Mapping[str, tuple[str, str]]:
        """Across channels first, then within them, then across them over time."""
        return {
            "transition": (IN, OUT),
            "frequency": (OUT, OUT),
            "time": (OUT, OUT),
            "mix": (OUT, OUT),
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
        """The time branch, before it is broadcast, and the input where it is added."""
        channels, _, steps = self.output_shape(inputs)
        shortcut = prod(inputs[0]) if self.passes(inputs) else 0
        return shortcut + channels * steps

    def build(self, inputs: tuple[Shape, ...]) -> nn.Module:
        """The block."""
        from rena_pl.layers.modules.residual import BroadcastResidualBlock

        ((channels, height, width),) = inputs
        return BroadcastResidualBlock(
            channels,
            self.channels,
            (height, width),
            self.kernel_height,
            self.kernel_width,
            (self.stride_height, self.stride_width),
            self.dilation,
            self.norm,
        )

    def keeps_function(self, name: str, old: Value) -> bool:
        """A norm may also be divided into bands."""
        exchanged = name == "norm" and (old, self.norm) in NORM_EXCHANGES
        return exchanged or super().keeps_function(name, old)

    def is_identity(self, inputs: tuple[Shape, ...], nonnegative: bool) -> bool:
        """Without a stride, and where relu keeps what it reads."""
        return nonnegative and inputs[0][1:] == self.output_shape(inputs)[1:]

    def nonnegative(self, inputs: tuple[bool, ...]) -> bool:
        """It ends in relu."""
        return True
