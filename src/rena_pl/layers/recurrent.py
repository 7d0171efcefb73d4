"""Recurrent layers over width (time)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rena_pl.architecture import Shape
from rena_pl.layers.registry import LayerType, choice, register

if TYPE_CHECKING:
    from torch import nn


@register
@dataclass(frozen=True)
class Gru(LayerType):
    """A gated recurrent unit that reads channels and height at every step of time."""

    kind: ClassVar[str] = "gru"
    units: int = choice(32, 8, 16, 24, 48, 64, 96, 128)

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """`(units, 1, width)`: one vector for every step."""
        ((_, _, width),) = inputs
        return (self.units, 1, width)

    def build(self, inputs: tuple[Shape, ...]) -> nn.Module:
        """A GRU between the two changes of layout."""
        from rena_pl.layers.recurrent_modules import GruOverTime

        ((channels, height, _),) = inputs
        return GruOverTime(channels * height, self.units)
