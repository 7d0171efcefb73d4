"""What the policy sees of an architecture, and which decisions are open to it, as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from math import log

import torch
from torch import Tensor

from rena_pl.architecture import Architecture, Layer, Value
from rena_pl.objective import Objective
from rena_pl.resources.resources import LAYER_NUMBERS, Resources
from rena_pl.space.actions import Action, Insert, Remove, Scale, first_source
from rena_pl.space.search_space import SearchSpace, second_sources

SCALE, INSERT, REMOVE = range(3)
ACTION_TYPES = 3
SLOTS = 2
"""The most inputs a layer has; site `reader * SLOTS + slot` is where one of them is."""
USAGE_NUMBERS = 4
"""Per profile entry: is there an upper bound, how full is it, and the same for the lower one."""
USAGE_RANGE = 3.0


@dataclass(frozen=True)
class States:
    """A batch of architectures as the policy reads them; B states, at most L layers, V values.

    Attributes:
        lengths: Layers of each architecture, `(B,)`.
        values: Per layer a multi-hot of its hyper-parameters' places in the vocabulary,
            `(B, L, V)` float.
        kinds: Kind of each layer, `(B, L)`; 0 where there is none.
        numbers: What the resources say of each layer, `(B, L, LAYER_NUMBERS)`.
        usage: Bounds and how much of each is used, `(B, USAGE_NUMBERS * entries)`.
        types_open: Which types of action are legal, `(B, 3)` bool.
        scales_open: Which values each layer can be given, `(B, L, V)` bool.
        removals_open: Which layers can be removed, `(B, L)` bool.
        sites_open: Which kinds can be inserted where, `(B, SLOTS * (L + 1), kinds)` bool.
        site_sources: What is read there, `(B, SLOTS * (L + 1))`: 0 the input, `i` layer `i`.
        seconds_open: What a merge there can read besides, `(B, SLOTS * (L + 1), L + 1)` bool.
        reads: Which of input, layers and output reads which, `(B, L + 2, L + 2)` bool.
    """

    lengths: Tensor
    values: Tensor
    kinds: Tensor
    numbers: Tensor
    usage: Tensor
    types_open: Tensor
    scales_open: Tensor
    removals_open: Tensor
    sites_open: Tensor
    site_sources: Tensor
    seconds_open: Tensor
    reads: Tensor

    def __len__(self) -> int:
        return self.lengths.shape[0]

    @classmethod
    def cat(cls, parts: Sequence[States]) -> States:
        """Several batches as one."""
        return cls(
            **{
                item.name: torch.cat([getattr(part, item.name) for part in parts])
                for item in fields(cls)
            }
        )

    def rows(self, numbers: Sequence[int]) -> States:
        """Some of the states."""
        return States(
            **{item.name: getattr(self, item.name)[list(numbers)] for item in fields(self)}
        )

    def to(self, device: torch.device) -> States:
        """The same states on `device`."""
        return States(**{item.name: getattr(self, item.name).to(device) for item in fields(self)})


class Encoder:
    """Turns architectures into `States`, and decisions of the policy into actions and back.

    Args:
        space: The search space; its vocabulary gives every value its place.
        objective: The bounds that the policy is told of.
        resources: What is known of architectures.
    """

    def __init__(self, space: SearchSpace, objective: Objective, resources: Resources) -> None:
        self.space = space
        self.objective = objective
        self.resources = resources
        self.kinds = list(space.choices)
        self.place = {entry: place for place, entry in enumerate(space.vocabulary)}

    @cached_property
    def hyper_steps(self) -> int:
        """The most hyper-parameters of any kind: the longest insertion."""
        return max(len(hyper) for hyper in self.space.choices.values())

    def hyper_open(self) -> Tensor:
        """The values open at each step of inserting each kind, `(kinds, steps, V)` bool."""
        table = torch.zeros(
            len(self.kinds), self.hyper_steps, len(self.space.vocabulary), dtype=torch.bool
        )
        for row, kind in enumerate(self.kinds):
            for step, (name, values) in enumerate(self.space.choices[kind].items()):
                for value in values:
                    table[row, step, self.place[kind, name, value]] = True
        return table

    def merges(self) -> Tensor:
        """Which kinds have a second source, `(kinds,)` bool."""
        return torch.tensor([self.space.sources(kind) == 2 for kind in self.kinds])

    def encode(self, architectures: Sequence[Architecture]) -> States:
        """The states of some architectures."""
        batch, longest = len(architectures), self.space.max_layers
        vocabulary, sites = len(self.space.vocabulary), SLOTS * (longest + 1)
        states = States(
            lengths=torch.tensor([len(architecture.layers) for architecture in architectures]),
            values=torch.zeros(batch, longest, vocabulary),
            kinds=torch.zeros(batch, longest, dtype=torch.long),
            numbers=torch.zeros(batch, longest, LAYER_NUMBERS),
            usage=torch.stack(
                [self._usage(self.resources.profile(made)) for made in architectures]
            ),
            types_open=torch.zeros(batch, ACTION_TYPES, dtype=torch.bool),
            scales_open=torch.zeros(batch, longest, vocabulary, dtype=torch.bool),
            removals_open=torch.zeros(batch, longest, dtype=torch.bool),
            sites_open=torch.zeros(batch, sites, len(self.kinds), dtype=torch.bool),
            site_sources=torch.zeros(batch, sites, dtype=torch.long),
            seconds_open=torch.zeros(batch, sites, longest + 1, dtype=torch.bool),
            reads=torch.zeros(batch, longest + 2, longest + 2, dtype=torch.bool),
        )
        for row, architecture in enumerate(architectures):
            self._describe(architecture, row, states)
            self._open(architecture, row, states)
        return states

    def _describe(self, architecture: Architecture, row: int, states: States) -> None:
        for index, layer in enumerate(architecture.layers):
            states.kinds[row, index] = self.kinds.index(layer.kind)
            states.values[row, index, self.places(layer)] = 1.0
            states.reads[row, index + 1, list(layer.inputs)] = True
        numbers = self.resources.layers(architecture)
        states.numbers[row, : len(numbers)] = torch.tensor(numbers)
        states.reads[row, len(architecture.layers) + 1, len(architecture.layers)] = True

    def places(self, layer: Layer) -> list[int]:
        """The vocabulary places of a layer's values; the nearest for those that are no choice."""
        current = layer.values
        return [
            self.place[layer.kind, name, _nearest(current[name], values)]
            for name, values in self.space.choices[layer.kind].items()
        ]

    def _usage(self, use: dict[str, float]) -> Tensor:
        numbers = torch.zeros(len(self.resources.entries), USAGE_NUMBERS)
        for constraint in self.objective.constraints:
            value = use[constraint.entry]
            row = numbers[self.resources.entries.index(constraint.entry)]
            if constraint.max is not None:
                row[0], row[1] = 1.0, _log_usage(value, constraint.max)
            if constraint.min is not None:
                row[2], row[3] = 1.0, _log_usage(constraint.min, value)
        return numbers.flatten()

    def _open(self, architecture: Architecture, row: int, states: States) -> None:
        for scale in self.space.scale_actions(architecture):
            kind = architecture.layers[scale.index].kind
            states.scales_open[row, scale.index, self.place[kind, scale.name, scale.value]] = True
        for removal in self.space.remove_actions(architecture):
            states.removals_open[row, removal.index] = True
        for reader, slot, kind in self.space.insert_sites(architecture):
            site = reader * SLOTS + slot
            if not states.sites_open[row, site].any():
                states.site_sources[row, site] = first_source(architecture, reader, slot)
                seconds = list(second_sources(architecture, reader, slot))
                states.seconds_open[row, site, seconds] = True
            states.sites_open[row, site, self.kinds.index(kind)] = True
        states.types_open[row, SCALE] = states.scales_open[row].any()
        states.types_open[row, INSERT] = states.sites_open[row].any()
        states.types_open[row, REMOVE] = states.removals_open[row].any()

    def action(self, decisions: Sequence[int]) -> Action:
        """The action that a row of the policy's decisions stands for."""
        type_, scale, removal, site, kind, second, *hyper = decisions
        if type_ == SCALE:
            index, place = divmod(scale, len(self.space.vocabulary))
            _, name, value = self.space.vocabulary[place]
            return Scale(index, name, value)
        if type_ == REMOVE:
            return Remove(removal)
        name = self.kinds[kind]
        chosen = [self.space.vocabulary[place] for place in hyper[: len(self.space.choices[name])]]
        values = tuple(sorted((hyper_name, value) for _, hyper_name, value in chosen))
        source = second if self.space.sources(name) == 2 else None
        return Insert(site // SLOTS, name, values, site % SLOTS, source)


def _log_usage(part: float, whole: float) -> float:
    """log(part / whole), within the range that a network likes to read."""
    if part <= 0:
        return -USAGE_RANGE
    if whole <= 0:
        return USAGE_RANGE
    return max(-USAGE_RANGE, min(USAGE_RANGE, log(part / whole)))


def _nearest(value: Value, choices: tuple[Value, ...]) -> Value:
    if value in choices or isinstance(value, bool | str):
        return value if value in choices else choices[0]
    return min(choices, key=lambda choice: abs(float(choice) - float(value)))
