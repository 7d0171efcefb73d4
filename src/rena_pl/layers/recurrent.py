"""Recurrent layers over width (time)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rena_pl.architecture import Shape
from rena_pl.layers.registry import IN, OUT, LayerType, choice, register

if TYPE_CHECKING:
    from torch import nn


@register
@dataclass(frozen=True)
class Gru(LayerType):
    """A gated recurrent unit (arXiv 1406.1078) that reads channels and height at every step."""

    kind: ClassVar[str] = "gru"
    cell: ClassVar[str] = "GRU"
    """Its class in `torch.nn`."""
    stage_scaled: ClassVar[str | None] = "units"
    merges_height: ClassVar[bool] = True
    grows: ClassVar[frozenset[str]] = frozenset({"units"})
    units: int = choice(32, 8, 16, 24, 48, 64, 96, 128)

    def flows(self) -> Mapping[str, tuple[str, str]]:
        """The cell reads the input and its own output."""
        return {"cell": (IN, OUT)}

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """`(units, 1, width)`: one vector for every step."""
        ((_, _, width),) = inputs
        return (self.units, 1, width)

    def build(self, inputs: tuple[Shape, ...]) -> nn.Module:
        """The cell between the two changes of layout."""
        from torch import nn

        from rena_pl.layers.modules.recurrent import OverTime

        ((channels, height, _),) = inputs
        return OverTime(getattr(nn, self.cell), channels * height, self.units)


@register
@dataclass(frozen=True)
class Lstm(Gru):
    """A long short-term memory (Hochreiter and Schmidhuber, 1997) that reads as `Gru` does."""

    kind: ClassVar[str] = "lstm"
    cell: ClassVar[str] = "LSTM"


@register
@dataclass(frozen=True)
class AttentionGru(Gru):
    """A GRU whose steps are weighed by a softmax over time and summed (arXiv 1803.10916)."""

    kind: ClassVar[str] = "attention_gru"
    flattens: ClassVar[bool] = True

    def flows(self) -> Mapping[str, tuple[str, str]]:
        """The cell, and the score of its steps."""
        return {"cell": (IN, OUT), "score": (OUT, "score")}

    @classmethod
    def custom_ops(cls) -> dict[type[nn.Module], Callable[..., None]]:
        """The weighed sum is a product that thop does not see."""
        from rena_pl.layers.modules.attention import WeightedSum, count_weighted_sum

        return {WeightedSum: count_weighted_sum}

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """`(units, 1, 1)`."""
        return (self.units, 1, 1)

    def build(self, inputs: tuple[Shape, ...]) -> nn.Module:
        """The GRU and the attention over its steps."""
        from rena_pl.layers.modules.recurrent import AttentionOverTime

        ((channels, height, _),) = inputs
        return AttentionOverTime(channels * height, self.units)
