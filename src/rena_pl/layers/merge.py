"""Merges: two branches become one.

The second branch is brought to the shape of the first: rows and columns are picked that stand
nearest (a stride, where the extent shrinks evenly), channels go through a 1x1 convolution.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

from rena_pl.architecture import Shape
from rena_pl.layers.registry import IN2, OUT, LayerType, choice, register

if TYPE_CHECKING:
    from torch import nn

MOST_CHANNELS = 1024
"""What concatenation comes to at most: each one could double the channels of the one before."""


@register
@dataclass(frozen=True)
class Add(LayerType):
    """The sum of two branches, the second with a norm of its own or, where it fits, as it is."""

    kind: ClassVar[str] = "add"
    sources: ClassVar[int] = 2
    activation: str = choice("none", "relu", "swish", "hard_swish")
    norm: str = choice("batch", "none")

    def flows(self) -> Mapping[str, tuple[str, str]]:
        """Only the second branch meets weights."""
        return {"branch": (IN2, OUT)}

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """The shape of the first branch."""
        return inputs[0]

    def passes(self, inputs: tuple[Shape, ...]) -> tuple[int, ...]:
        """The channels of the first branch."""
        return (0,)

    def held_values(self, inputs: tuple[Shape, ...]) -> int:
        """The first branch, while the second is brought to its shape."""
        return prod(inputs[0])

    def build(self, inputs: tuple[Shape, ...]) -> nn.Module:
        """Resize, projection and norm of the second branch, sum, activation."""
        from rena_pl.layers.modules.merge import Sum

        return Sum(inputs[0], inputs[1], self.norm, self.activation)

    def pass_on(self, module: Any, inputs: tuple[Shape, ...]) -> bool:
        """The second branch gives nothing, where it has weights."""
        module.pass_on()
        return True

    def is_identity(self, inputs: tuple[Shape, ...], nonnegative: bool) -> bool:
        """Where the second branch has weights that can give nothing."""
        weighed = self.norm == "batch" or inputs[0][0] != inputs[1][0]
        keeps = self.activation == "none" or (nonnegative and self.activation == "relu")
        return weighed and keeps

    def alongside(self, inputs: tuple[Shape, ...]) -> tuple[int, ...]:
        """The second branch, where it needs no projection."""
        return (1,) if inputs[0][0] == inputs[1][0] else ()


@register
@dataclass(frozen=True)
class Concat(LayerType):
    """The channels of two branches side by side, the second cut off where there are too many."""

    kind: ClassVar[str] = "concat"
    sources: ClassVar[int] = 2

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """The channels of both, height and width of the first."""
        (first, height, width), (second, _, _) = inputs
        return (max(first, min(first + second, MOST_CHANNELS)), height, width)

    def held_values(self, inputs: tuple[Shape, ...]) -> int:
        """The first branch and the output, where the second must be brought to another shape."""
        return prod(inputs[0]) + prod(self.output_shape(inputs))

    def passes(self, inputs: tuple[Shape, ...]) -> tuple[int, ...]:
        """The channels of both."""
        return (0, 1)

    def build(self, inputs: tuple[Shape, ...]) -> nn.Module:
        """Resize of the second branch, concatenation."""
        from rena_pl.layers.modules.merge import Concatenation

        return Concatenation(inputs[0], inputs[1], self.output_shape(inputs)[0])

    def pass_on(self, module: nn.Module, inputs: tuple[Shape, ...]) -> bool:
        """The channels of the first branch come first as they are."""
        return True

    def is_identity(self, inputs: tuple[Shape, ...], nonnegative: bool) -> bool:
        """Its first channels are the first branch."""
        return True

    def nonnegative(self, inputs: tuple[bool, ...]) -> bool:
        """Where both branches are."""
        return all(inputs)
