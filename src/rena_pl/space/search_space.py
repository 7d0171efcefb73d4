"""The search space: allowed layer types and choices, limits, and which actions are legal."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rena_pl.architecture import (
    Architecture,
    ArchitectureError,
    Layer,
    Shape,
    Skeleton,
    Value,
)
from rena_pl.errors import RenaError
from rena_pl.layers.registry import check_value, decode, layer_type, layer_types, named_kind
from rena_pl.layers.shapes import layer_shapes
from rena_pl.space.actions import Action, Insert, Remove, Scale, first_source
from rena_pl.space.skeletons import expand, skeleton

LONGEST_WALK = 6
"""The most actions that a random architecture is away from the start network."""


@dataclass(frozen=True)
class SearchSpace:
    """What a search may build.

    Attributes:
        layers: Allowed layer types by kind or class path, each with the hyper-parameters whose
            choices differ from the type's own, for example `{conv2d: {channels: [16, 32]},
            my_layers.Shuffle: {}}`. All registered types with their own choices when left out.
        max_layers: The most layers an architecture may have.
        min_layers: The fewest.
        skeleton: How the layers become a network: its `kind`, `chain` or `stack`, and its settings,
            for example `{kind: stack, stages: 3, repeats: 2}`.
    """

    layers: Mapping[str, Mapping[str, Sequence[Value]] | None] | None = None
    max_layers: int = 12
    min_layers: int = 1
    skeleton: Mapping[str, Value] | None = None

    def __post_init__(self) -> None:
        skeleton(self.skeleton_data)  # refuses unknown kinds and settings
        if not 1 <= self.min_layers <= self.max_layers:
            raise RenaError(
                f"min_layers ({self.min_layers}) must lie between 1 and "
                f"max_layers ({self.max_layers})"
            )
        if not self.choices:
            raise RenaError("the search space allows no layer type")

    @cached_property
    def skeleton_data(self) -> Skeleton:
        """The skeleton as every architecture of the space has it.

        Raises:
            RenaError: It has no kind.
        """
        settings = dict(self.skeleton or {"kind": "chain"})
        kind = settings.pop("kind", None)
        if not isinstance(kind, str):
            raise RenaError("search space: the skeleton needs a kind, chain or stack")
        return Skeleton(kind, tuple(sorted(settings.items())))

    @cached_property
    def choices(self) -> dict[str, dict[str, tuple[Value, ...]]]:
        """The choices of every hyper-parameter of every allowed layer type."""
        chosen = dict.fromkeys(sorted(layer_types())) if self.layers is None else self.layers
        kinds = [named_kind(name) for name in chosen]
        if len(set(kinds)) < len(kinds):
            raise RenaError(f"search space: one layer type is named twice: {', '.join(chosen)}")
        return {
            kind: _choices(kind, given or {})
            for kind, given in zip(kinds, chosen.values(), strict=True)
        }

    @cached_property
    def vocabulary(self) -> tuple[tuple[str, str, Value], ...]:
        """Every (kind, hyper-parameter, value) of the space, in a fixed order."""
        return tuple(
            (kind, name, value)
            for kind, hyper in self.choices.items()
            for name, values in hyper.items()
            for value in values
        )

    def holds(self, architecture: Architecture) -> bool:
        """Whether what the actions make is part of the space; here all of it is."""
        return True

    def sources(self, kind: str) -> int:
        """How many inputs a layer of a kind has."""
        return layer_type(kind).sources

    def check(self, architecture: Architecture, input_shape: Shape) -> None:
        """Raise a `RenaError` unless a search in this space can start from the architecture."""
        if skeleton(architecture.skeleton) != skeleton(self.skeleton_data):
            raise ArchitectureError(
                f"its skeleton is {_described(architecture.skeleton)}, "
                f"that of the search space {_described(self.skeleton_data)}"
            )
        layer_shapes(expand(architecture).layers, input_shape)
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
            for removal in map(Remove, range(len(architecture.layers))):
                if self._leaves_enough(removal, architecture):
                    yield removal

    def insert_sites(self, architecture: Architecture) -> Iterator[tuple[int, int, str]]:
        """Every legal (reader, slot, kind) of an `Insert`; its hyper-parameters are free.

        A layer that flattens the map may stand only before layers that do so too, and after one
        nothing else may stand. A merge needs a second source, see `second_sources`.
        """
        if len(architecture.layers) >= self.max_layers:
            return
        flattens = [False, *(decode(layer).flattens for layer in architecture.layers)]
        for reader, slot in edges(architecture):
            after_flat = flattens[first_source(architecture, reader, slot)]
            before_flat = reader == len(architecture.layers) or flattens[reader + 1]
            for kind in self.choices:
                if self._may_stand(kind, after_flat, before_flat) and (
                    self.sources(kind) == 1
                    or any(True for _ in second_sources(architecture, reader, slot))
                ):
                    yield reader, slot, kind

    def _may_stand(self, kind: str, after_flat: bool, before_flat: bool) -> bool:
        """Whether a layer may, behind one that flattens or not, and before such or not."""
        if layer_type(kind).flattens:
            return before_flat and self.may_flatten
        return not after_flat

    @cached_property
    def may_flatten(self) -> bool:
        """Whether the skeleton lets a layer leave no height and width."""
        return skeleton(self.skeleton_data).may_flatten

    def _leaves_enough(self, removal: Remove, architecture: Architecture) -> bool:
        if len(architecture.layers[removal.index].inputs) == 1:  # nothing else goes along
            return True
        try:
            return len(removal.apply(architecture).layers) >= self.min_layers
        except ArchitectureError:
            return False

    def legal_actions(self, architecture: Architecture, rng: random.Random) -> Iterator[Action]:
        """Every legal action, each insertion with one random choice of hyper-parameters."""
        yield from self.scale_actions(architecture)
        yield from self.remove_actions(architecture)
        for site in self.insert_sites(architecture):
            yield self._random_insert(architecture, site, rng)

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
        return self._random_insert(architecture, chosen, rng)

    def _random_insert(
        self, architecture: Architecture, site: tuple[int, int, str], rng: random.Random
    ) -> Insert:
        reader, slot, kind = site
        second = None
        if self.sources(kind) == 2:
            second = rng.choice(list(second_sources(architecture, reader, slot)))
        return Insert(reader, kind, self.random_hyper(kind, rng), slot, second)

    def draw(self, start: Architecture | None, rng: random.Random) -> Architecture:
        """A few random actions from `start`."""
        if start is None:
            raise RenaError("a space of networks is searched from a start network")
        architecture = start
        for _ in range(rng.randint(1, LONGEST_WALK)):
            architecture = self.random_action(architecture, rng).apply(architecture)
        return architecture

    @property
    def listed(self) -> Sequence[Architecture]:
        """All architectures, where they are few enough to be listed; else none."""
        return ()

    def compose(self, decide: Callable[[str, Sequence[Value]], Value]) -> Architecture:
        """An architecture from a sequence of decisions, for searchers that make such.

        Args:
            decide: Is given a decision's name and its options, and chooses one of them.
        """
        count = int(decide("layers", range(self.min_layers, self.max_layers + 1)))
        layers: list[Layer] = []
        for number in range(1, count + 1):
            kinds = list(self._kinds_after(layers))
            if not kinds:
                raise RenaError(
                    f"the search space has no layer type for layer {number}: "
                    f"{', '.join(self.choices)} alone make no network"
                )
            kind = str(decide(f"{number} after {','.join(kinds)}", kinds))
            hyper = {
                name: decide(f"{number} {kind} {name}", values)
                for name, values in self.choices[kind].items()
            }
            inputs = [number - 1]
            if self.sources(kind) == 2:
                inputs.append(int(decide(f"{number} source 2", range(number - 1))))
            layers.append(Layer.of(kind, hyper, tuple(inputs)))
        return Architecture(tuple(layers), self.skeleton_data)

    def _kinds_after(self, layers: Sequence[Layer]) -> Iterator[str]:
        """What may stand behind some layers: after one that flattens only such."""
        flat = bool(layers) and decode(layers[-1]).flattens
        for kind in self.choices:
            joins = self.sources(kind) == 1 or bool(layers)
            if joins and self._may_stand(kind, after_flat=flat, before_flat=True):
                yield kind

    def random_hyper(self, kind: str, rng: random.Random) -> tuple[tuple[str, Value], ...]:
        """A random value for every hyper-parameter of a layer type, sorted by name."""
        return tuple(
            sorted((name, rng.choice(values)) for name, values in self.choices[kind].items())
        )


def edges(architecture: Architecture) -> Iterator[tuple[int, int]]:
    """Every place where a layer can be put in, as (reader, slot); the network's output last."""
    for reader, layer in enumerate(architecture.layers):
        for slot in range(len(layer.inputs)):
            yield reader, slot
    yield len(architecture.layers), 0


def second_sources(architecture: Architecture, reader: int, slot: int) -> Iterator[int]:
    """What a merge that is put there can read besides: all that stands before, and is a map."""
    first = first_source(architecture, reader, slot)
    for source in range(reader + 1):
        flat = source > 0 and decode(architecture.layers[source - 1]).flattens
        if source != first and not flat:
            yield source


def _described(skeleton: Skeleton) -> str:
    settings = ", ".join(f"{name}={value}" for name, value in skeleton.hyper)
    return f"{skeleton.kind}({settings})"


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
