"""The networks a search can start from by name."""

from __future__ import annotations

from pathlib import Path

from rena_pl.architecture import Architecture
from rena_pl.errors import RenaError
from rena_pl.layers.registry import layer_type
from rena_pl.space.named import NAMED
from rena_pl.space.search_space import SearchSpace

RUDIMENTARY = "rudimentary"


def start_architecture(start: str, space: SearchSpace) -> Architecture:
    """The architecture of that name, or the one in that file.

    Args:
        start: `rudimentary`, the name of a published network such as `bc_resnet_1`, or the path
            of an architecture's JSON file.
        space: The space to start in.

    Raises:
        RenaError: There is no such name and no such file.
    """
    if start == RUDIMENTARY:
        return rudimentary(space)
    if start in NAMED:
        return NAMED[start]()
    if not Path(start).is_file():
        names = ", ".join((RUDIMENTARY, *NAMED))
        raise RenaError(f"no start network '{start}': give an architecture file or one of {names}")
    return Architecture.load(Path(start))


def rudimentary(space: SearchSpace) -> Architecture:
    """The simplest network of a space: its first type that can stand alone, with first choices.

    Raises:
        RenaError: There is no such type.
    """
    for kind, choices in space.choices.items():
        made = layer_type(kind)
        if made.sources == 1 and (space.may_flatten or not made.flattens):
            layer = made(**{name: values[0] for name, values in choices.items()})
            layers = tuple(layer.as_layer(number) for number in range(space.min_layers))
            return Architecture(layers, space.skeleton_data)
    raise RenaError(
        f"the search space has no layer type to start a {space.skeleton_data.kind} with: "
        f"{', '.join(space.choices)} alone make no network"
    )
