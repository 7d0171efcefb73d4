"""The networks a search can start from by name."""

from __future__ import annotations

from pathlib import Path

from rena_pl.architecture import Architecture
from rena_pl.errors import RenaError
from rena_pl.layers.registry import layer_type
from rena_pl.space.search_space import SearchSpace

RUDIMENTARY = "rudimentary"


def start_architecture(start: str, space: SearchSpace) -> Architecture:
    """The architecture of that name, or the one in that file.

    Args:
        start: `rudimentary`, or the path of an architecture's JSON file.
        space: The space to start in.

    Raises:
        RenaError: There is no such name and no such file.
    """
    if start == RUDIMENTARY:
        return rudimentary(space)
    if not Path(start).is_file():
        raise RenaError(f"no start network '{start}': give '{RUDIMENTARY}' or an architecture file")
    return Architecture.load(Path(start))


def rudimentary(space: SearchSpace) -> Architecture:
    """The simplest network of a space: layers of its first type, with the first of each choice."""
    kind, choices = next(iter(space.choices.items()))
    layer = layer_type(kind)(**{name: values[0] for name, values in choices.items()})
    return Architecture(tuple(layer.as_layer(number) for number in range(space.min_layers)))
