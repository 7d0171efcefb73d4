"""The search space: allowed layer types and choices, limits, and which actions are legal."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rena_pl.architecture import Architecture, ArchitectureError, Shape, Value
from rena_pl.errors import RenaError
from rena_pl.layers.registry import check_value, decode, layer_type, layer_types
from rena_pl.layers.shapes import layer_shapes
from rena_pl.space.actions import Action, Insert, Remove, Scale
from rena_pl.space.skeletons import skeleton


@dataclass(frozen=True)
class SearchSpace:
    """What a search may build.

    Attributes:
        layers: Allowed layer types by kind, each with the hyper-parameters whose choices differ
            from the type's own, for example `{conv2d: {channels: [16, 32]}, pool: {}}`. All
            registered types with their own choices when left out.
        max_layers: The most layers an architecture may have.
        min_layers: The fewest.
    """

    layers: Mapping[str, Mapping[str, Sequence[Value]] | None] | None = None
    max_layers: int = 12
    min_layers: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.min_layers <= self.max_layers:
            raise RenaError(
                f"min_layers ({self.min_layers}) must lie between 1 and "
                f"max_layers ({self.max_layers})"
            )
        if not self.choices:
            raise RenaError("the search space allows no layer type")

    @cached_property
    def choices(self) -> dict[str, dict[str, tuple[Value, ...]]]:
        """The choices of every hyper-parameter of every allowed layer type."""
        chosen = dict.fromkeys(sorted(layer_types())) if self.layers is None else self.layers
        return {kind: _choices(kind, given or {}) for kind, given in chosen.items()}

    @cached_property
    def vocabulary(self) -> tuple[tuple[str, str, Value], ...]:
        """Every (kind, hyper-parameter, value) of the space, in a fixed order."""
        return tuple(
            (kind, name, value)
            for kind, hyper in self.choices.items()
            for name, values in hyper.items()
            for value in values
        )

    def check(self, architecture: Architecture, input_shape: Shape) -> None:
        """Raise a `RenaError` unless a search in this space can start from the architecture."""
        skeleton(architecture.skeleton).check(architecture)
        layer_shapes(architecture, input_shape)
        for number, layer in enumerate(architecture.layers, start=1):
            if layer.kind not in self.choices:
                raise ArchitectureError(
                    f"layer {number} ({layer.kind}) is of a type that the search space leaves out"
                )
        if not self.min_layers <= len(architecture.layers) <= self.max_layers:
            raise ArchitectureError(
                f"it has {len(architecture.layers)} layers, "
                f"the search space allows {self.min_layers} to {self.max_layers}"
            )

    def scale_actions(self, architecture: Architecture) -> Iterator[Scale]:
        """Every legal `Scale`."""
        for index, layer in enumerate(architecture.layers):
            current = layer.values
            for name, values in self.choices[layer.kind].items():
                for value in values:
                    if value != current[name]:
                        yield Scale(index, name, value)

    def remove_actions(self, architecture: Architecture) -> Iterator[Remove]:
        """Every legal `Remove`."""
        if len(architecture.layers) > self.min_layers:
            yield from map(Remove, range(len(architecture.layers)))

    def insert_sites(self, architecture: Architecture) -> Iterator[tuple[int, str]]:
        """Every legal (index, kind) of an `Insert`; its hyper-parameters are free.

        A layer that flattens the map may stand only before layers that do so too, and after one
        nothing else may stand.
        """
        if len(architecture.layers) >= self.max_layers:
            return
        flattens = [decode(layer).flattens for layer in architecture.layers]
        first_flat = flattens.index(True) if True in flattens else len(flattens)
        for index in range(len(architecture.layers) + 1):
            for kind in self.choices:
                if index >= first_flat if layer_type(kind).flattens else index <= first_flat:
                    yield index, kind

    def legal_actions(self, architecture: Architecture, rng: random.Random) -> Iterator[Action]:
        """Every legal action, each insertion with one random choice of hyper-parameters."""
        yield from self.scale_actions(architecture)
        yield from self.remove_actions(architecture)
        for index, kind in self.insert_sites(architecture):
            yield Insert(index, kind, self.random_hyper(kind, rng))

    def random_action(self, architecture: Architecture, rng: random.Random) -> Action:
        """A legal action: its type at random among those possible, then the rest at random.

        Raises:
            RenaError: The space is a single point.
        """
        scales = list(self.scale_actions(architecture))
        removals = list(self.remove_actions(architecture))
        sites = list(self.insert_sites(architecture))
        possible: list[list[Any]] = [options for options in (scales, removals, sites) if options]
        if not possible:
            raise RenaError("the search space allows no action: it is a single architecture")
        chosen = rng.choice(rng.choice(possible))
        if isinstance(chosen, Scale | Remove):
            return chosen
        index, kind = chosen
        return Insert(index, kind, self.random_hyper(kind, rng))

    def random_hyper(self, kind: str, rng: random.Random) -> tuple[tuple[str, Value], ...]:
        """A random value for every hyper-parameter of a layer type, sorted by name."""
        return tuple(
            sorted((name, rng.choice(values)) for name, values in self.choices[kind].items())
        )


def _choices(kind: str, given: Mapping[str, Sequence[Value]]) -> dict[str, tuple[Value, ...]]:
    """The choices of one layer type, with those of the config in place of its own."""
    choices = layer_type(kind).choices()
    for name, values in given.items():
        if name not in choices:
            raise RenaError(
                f"search space: {kind} has no hyper-parameter '{name}'; it has {', '.join(choices)}"
            )
        if not isinstance(values, Sequence) or isinstance(values, str) or not values:
            raise RenaError(f"search space: {kind}.{name} must be a list of values, not {values!r}")
        for value in values:
            check_value(kind, name, value, choices[name])
    return {
        name: tuple(dict.fromkeys(given[name])) if name in given else values
        for name, values in choices.items()
    }
