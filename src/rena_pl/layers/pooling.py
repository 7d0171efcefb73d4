"""Pooling over height and width."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rena_pl.architecture import Shape
from rena_pl.layers.geometry import strided
from rena_pl.layers.registry import LayerType, choice, register

if TYPE_CHECKING:
    from torch import nn


@register
@dataclass(frozen=True)
class Pool(LayerType):
    """The maximum or average of windows that tile the map; those at the edge may be smaller."""

    kind: ClassVar[str] = "pool"
    strides = None
    mode: str = choice("max", "average")
    height: int = choice(2, 1, 3)
    width: int = choice(2, 1, 3)

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """`(channels, height / window height, width / window width)`, rounded up."""
        ((channels, height, width),) = inputs
        return (channels, strided(height, self.height), strided(width, self.width))

    def passes(self, inputs: tuple[Shape, ...]) -> tuple[int, ...]:
        """The input's channels."""
        return (0,)

    def pass_on(self, module: nn.Module, inputs: tuple[Shape, ...]) -> bool:
        """Every channel stands for itself."""
        return True

    def is_identity(self, inputs: tuple[Shape, ...], nonnegative: bool) -> bool:
        """Where the window is a single value."""
        return self.output_shape(inputs) == inputs[0]

    def nonnegative(self, inputs: tuple[bool, ...]) -> bool:
        """As the input."""
        return all(inputs)

    def build(self, inputs: tuple[Shape, ...]) -> nn.Module:
        """One pooling module, its window cut to the map."""
        from torch import nn

        ((_, height, width),) = inputs
        window = (min(self.height, height), min(self.width, width))
        if self.mode == "max":
            return nn.MaxPool2d(window, ceil_mode=True)
        return nn.AvgPool2d(window, ceil_mode=True)
