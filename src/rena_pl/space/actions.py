"""The three actions of RENA as data, and what each makes of an architecture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from rena_pl.architecture import Architecture, Layer, Value


@dataclass(frozen=True)
class Scale:
    """Give one hyper-parameter of the layer at `index` (counted from 0) another value."""

    index: int
    name: str
    value: Value

    def apply(self, architecture: Architecture) -> Architecture:
        """The architecture with the layer changed."""
        layers = list(architecture.layers)
        layers[self.index] = layers[self.index].having(self.name, self.value)
        return replace(architecture, layers=tuple(layers))

    def __str__(self) -> str:
        return f"scale layer {self.index + 1}: {self.name}={self.value}"


@dataclass(frozen=True)
class Insert:
    """Put a new layer between a layer, its reader, and one of those that it reads.

    Attributes:
        reader: Index of the layer before which the new one stands (counted from 0); the number
            of layers for the network's output.
        kind: The new layer's type.
        hyper: Its hyper-parameters, sorted by name.
        slot: Which of the reader's inputs is meant; the new layer's source 1 is what that reads.
        second: Source 2 of a merge: 0 for the network's input, `i` for the output of layer `i`
            (counted from 1).
    """

    reader: int
    kind: str
    hyper: tuple[tuple[str, Value], ...]
    slot: int = 0
    second: int | None = None

    def apply(self, architecture: Architecture) -> Architecture:
        """The architecture with one more layer."""
        layers = architecture.layers
        first = first_source(architecture, self.reader, self.slot)
        inputs = (first,) if self.second is None else (first, self.second)
        number = self.reader + 1
        later = [_renumbered(layer, lambda n: n + (n >= number)) for layer in layers[self.reader :]]
        if later:
            sources = list(later[0].inputs)
            sources[self.slot] = number
            later[0] = later[0].reading(*sources)
        new = Layer(self.kind, self.hyper, inputs)
        return replace(architecture, layers=(*layers[: self.reader], new, *later))

    def __str__(self) -> str:
        second = "" if self.second is None else f" with {self.second}"
        return f"insert at {self.reader + 1}: {Layer(self.kind, self.hyper)}{second}"


@dataclass(frozen=True)
class Remove:
    """Take the layer at `index` away; its readers read its source 1.

    What nobody reads any more, such as the second branch of a merge, goes along.
    """

    index: int

    def apply(self, architecture: Architecture) -> Architecture:
        """The architecture without the layer, and without what nobody reads then.

        Raises:
            ArchitectureError: Nothing is left.
        """
        layers = architecture.layers
        number, source = self.index + 1, layers[self.index].inputs[0]
        rewired = [_renumbered(layer, lambda n: source if n == number else n) for layer in layers]
        output = source if number == len(layers) else len(layers)
        return replace(architecture, layers=_only_read(rewired, output))

    def __str__(self) -> str:
        return f"remove layer {self.index + 1}"


Action: TypeAlias = Scale | Insert | Remove


def first_source(architecture: Architecture, reader: int, slot: int) -> int:
    """What a layer, or the network's output behind the last one, reads in a slot."""
    layers = architecture.layers
    return layers[reader].inputs[slot] if reader < len(layers) else len(layers)


def _renumbered(layer: Layer, number: Callable[[int], int]) -> Layer:
    return layer.reading(*map(number, layer.inputs))


def _only_read(layers: Sequence[Layer], output: int) -> tuple[Layer, ...]:
    """The layers that the output depends on, numbered anew; `output` becomes the last."""
    read = {output}
    for number in range(output, 0, -1):
        if number in read:
            read.update(layers[number - 1].inputs)
    kept = sorted(read - {0})
    numbers = {0: 0, **{old: new for new, old in enumerate(kept, start=1)}}
    return tuple(_renumbered(layers[old - 1], numbers.__getitem__) for old in kept)
