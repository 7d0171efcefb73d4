"""Changes of runs of like layers, which is how people change networks that they design.

A run is layers of one type and width, each of which reads the one before: a stage of a ResNet.
Only its first layer makes the map smaller. Every change is a series of actions, none of them where
there is nothing to change.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from rena_pl.architecture import Architecture, Layer, Value
from rena_pl.layers.registry import decode, layer_type
from rena_pl.space.actions import Insert, Scale, first_source
from rena_pl.space.search_space import SearchSpace

Change: TypeAlias = Callable[[SearchSpace, Architecture, random.Random], Architecture]
"""Makes another architecture of the space from one, at random."""


def runs(architecture: Architecture) -> list[range]:
    """The indices of the layers of every run, from the input on; together they are all layers."""
    layers, found, first = architecture.layers, [], 0
    for place in range(1, len(layers) + 1):
        if place == len(layers) or not _goes_on(layers[place - 1], layers[place], place):
            found.append(range(first, place))
            first = place
    return found


def act(space: SearchSpace, architecture: Architecture, rng: random.Random) -> Architecture:
    """A random action."""
    return space.random_action(architecture, rng).apply(architecture)


def exchange_run(
    space: SearchSpace, architecture: Architecture, rng: random.Random
) -> Architecture:
    """A run gives way to one of another type: a `Remove` and an `Insert` in every place.

    The new layers are alike. They keep the hyper-parameters that both types have, as far as their
    choices allow.
    """
    layers = list(architecture.layers)
    possible = [
        (run, kind)
        for run in runs(architecture)
        for kind in space.choices
        if all(_exchangeable(layers[index], kind) for index in run)
        and (len(run) == 1 or _unstrided(space, kind) is not None)
    ]
    if not possible:
        return architecture
    run, kind = rng.choice(possible)
    drawn, unstrided = dict(space.random_hyper(kind, rng)), _unstrided(space, kind)
    for index in run:
        old = layers[index]
        kept = {n: v for n, v in old.values.items() if v in space.choices[kind].get(n, ())}
        later = unstrided if unstrided and index > run.start else {}
        layers[index] = Layer.of(kind, {**drawn, **kept, **later}, old.inputs)
    return replace(architecture, layers=tuple(layers))


def scale_run(space: SearchSpace, architecture: Architecture, rng: random.Random) -> Architecture:
    """A hyper-parameter of a run gets another value: a `Scale` of each layer.

    Of the first layer only if it is a stride.
    """
    run = rng.choice(runs(architecture))
    first = architecture.layers[run.start]
    possible = [
        (name, value)
        for name, values in space.choices[first.kind].items()
        for value in values
        if value != first.values[name]
    ]
    if possible:
        name, value = rng.choice(possible)
        for index in run[:1] if name in (layer_type(first.kind).strides or ()) else run:
            architecture = Scale(index, name, value).apply(architecture)
    return architecture


def lengthen_run(
    space: SearchSpace, architecture: Architecture, rng: random.Random
) -> Architecture:
    """A run gets one layer more, like its last one but for strides: an `Insert`."""
    last = rng.choice(runs(architecture)).stop - 1
    layer = architecture.layers[last]
    unstrided = _unstrided(space, layer.kind)
    full = len(architecture.layers) >= space.max_layers
    if full or unstrided is None or first_source(architecture, last + 1, 0) != last + 1:
        return architecture
    hyper = {**dict(layer.hyper), **unstrided}
    return Insert(last + 1, layer.kind, tuple(sorted(hyper.items()))).apply(architecture)


def remove_layer(
    space: SearchSpace, architecture: Architecture, rng: random.Random
) -> Architecture:
    """A layer less, and what only it reads."""
    removals = list(space.remove_actions(architecture))
    return rng.choice(removals).apply(architecture) if removals else architecture


def spliced(
    space: SearchSpace, one: Architecture, other: Architecture, rng: random.Random
) -> Architecture:
    """The first layers of one network and the last ones of another.

    Either is cut between two runs, where nothing but the output of the last layer is read behind.
    Where the two parts make no network of the space, `one` itself.
    """
    front = one.layers[: rng.choice(_cuts(one))]
    cut = rng.choice(_cuts(other))
    back = other.layers[cut:]
    moved = len(front) - cut
    fits = space.min_layers <= len(front) + len(back) <= space.max_layers
    if not fits or (any(_flattens(front)) and not all(_flattens(back))):
        return one
    behind = tuple(layer.reading(*(number + moved for number in layer.inputs)) for layer in back)
    return replace(one, layers=(*front, *behind))


def _cuts(architecture: Architecture) -> list[int]:
    """How many layers may stand before a cut: all of a run or of several, at least one."""
    layers = architecture.layers
    ends = [run.stop for run in runs(architecture)]
    return [end for end in ends if all(min(layer.inputs) >= end for layer in layers[end:])]


def _flattens(layers: Sequence[Layer]) -> list[bool]:
    return [decode(layer).flattens for layer in layers]


def _goes_on(one: Layer, other: Layer, number: int) -> bool:
    """Whether a layer continues the run of the one before, whose number is given."""
    if one.kind != other.kind or other.inputs != (number,):
        return False
    width = layer_type(one.kind).stage_scaled
    return width is None or one.values[width] == other.values[width]


def _exchangeable(layer: Layer, kind: str) -> bool:
    old, new = decode(layer), layer_type(kind)
    return kind != layer.kind and old.sources == new.sources and old.flattens == new.flattens


def _unstrided(space: SearchSpace, kind: str) -> dict[str, Value] | None:
    """The strides with which a layer of a type leaves maps as large as they are; none if it can't.

    A type that merges two inputs cannot stand behind itself.
    """
    strides = layer_type(kind).strides
    if strides is None or space.sources(kind) > 1:
        return None
    chosen = [name for name in strides if name in space.choices[kind]]
    possible = all(1 in space.choices[kind][name] for name in chosen)
    return dict.fromkeys(chosen, 1) if possible else None
