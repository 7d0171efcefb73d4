"""The three actions of RENA as data, and what each makes of an architecture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

from rena_pl.architecture import Architecture, Layer, Value
from rena_pl.space.skeletons import skeleton


@dataclass(frozen=True)
class Scale:
    """Give one hyper-parameter of the layer at `index` (counted from 0) another value."""

    index: int
    name: str
    value: Value

    def apply(self, architecture: Architecture) -> Architecture:
        """The architecture with the layer changed."""
        layer = architecture.layers[self.index]
        changed = replace(
            layer, hyper=tuple(sorted({**layer.values, self.name: self.value}.items()))
        )
        layers = architecture.layers
        return _rebuilt(architecture, (*layers[: self.index], changed, *layers[self.index + 1 :]))

    def __str__(self) -> str:
        return f"scale layer {self.index + 1}: {self.name}={self.value}"


@dataclass(frozen=True)
class Insert:
    """Put a new layer so that it stands at `index`, between its source and what read from it."""

    index: int
    kind: str
    hyper: tuple[tuple[str, Value], ...]

    def apply(self, architecture: Architecture) -> Architecture:
        """The architecture with one more layer."""
        layers = architecture.layers
        new = Layer(self.kind, self.hyper)
        return _rebuilt(architecture, (*layers[: self.index], new, *layers[self.index :]))

    def __str__(self) -> str:
        return f"insert at {self.index + 1}: {Layer(self.kind, self.hyper)}"


@dataclass(frozen=True)
class Remove:
    """Take the layer at `index` away; its reader reads from its source."""

    index: int

    def apply(self, architecture: Architecture) -> Architecture:
        """The architecture with one layer fewer."""
        layers = architecture.layers
        return _rebuilt(architecture, (*layers[: self.index], *layers[self.index + 1 :]))

    def __str__(self) -> str:
        return f"remove layer {self.index + 1}"


Action: TypeAlias = Scale | Insert | Remove


def _rebuilt(architecture: Architecture, layers: Iterable[Layer]) -> Architecture:
    connected = skeleton(architecture.skeleton).connect(layers)
    return replace(architecture, layers=connected)
