"""Architectures as the model of the reward compares them, from the encoding the policy reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import reduce

import torch
from torch import Tensor

from rena_pl.architecture import Architecture, Layer
from rena_pl.search.policy.encoding import Encoder

LARGEST = 3.0
"""Sizes beyond so many deviations make no difference: no trend is known to go on out there."""
MOST_NEW = 5
"""New layers beyond these make no difference: by then little of the parent is left."""


@dataclass(frozen=True)
class Descriptions:
    """Some architectures; N of them.

    Attributes:
        places: Number of the layer at each place, `(N, places)`.
        counts: How many layers are of each kind and have each value, `(N, kinds + values + 1)`.
        output: What the resources say of the last layer, `(N, LAYER_NUMBERS)`.
        size: How large each is: the logarithms of what gives it capacity, in deviations from what
            is usual, at most `LARGEST`, `(N,)`.
        training: Logarithm of half the child-epochs that each has had and one, 0 for one, `(N,)`.
        heir: 1 for each that inherits, 0 for the others, `(N,)`.
        new: How many layers set it apart from what it inherits from, up to `MOST_NEW`, `(N,)`.
    """

    places: Tensor
    counts: Tensor
    output: Tensor
    size: Tensor
    training: Tensor
    heir: Tensor
    new: Tensor

    def __len__(self) -> int:
        return len(self.places)

    def rows(self, numbers: Sequence[int]) -> Descriptions:
        """Some of them."""
        chosen = list(numbers)
        return Descriptions(*(getattr(self, item.name)[chosen] for item in fields(self)))


class Reader:
    """Describes architectures, and says how unlike they are.

    Args:
        encoder: Knows the layers' places in the vocabulary.
        reference: Architectures whose differences show what is much and what is little.
    """

    def __init__(self, encoder: Encoder, reference: Sequence[Architecture]) -> None:
        self.encoder = encoder
        self.longest = encoder.space.max_layers
        self.fixed = encoder.space.min_layers == self.longest
        width = len(encoder.kinds) + len(encoder.space.vocabulary) + 1
        self.numbers: dict[Layer, int] = {}
        absent = torch.zeros(width, dtype=torch.float64)
        absent[-1] = 1
        self.rows = [absent]
        self.table = absent[None]
        self.usual_use = self._use(reference).mean(0).clamp(min=1e-9)
        logarithms = self._logarithms(reference)
        self.usual, self.deviations = logarithms.mean(0), _deviations(logarithms)
        self.size_deviation = _deviations(self._above_usual(reference))
        some = self.read(reference, [1] * len(reference))
        pairs = max(1, len(reference) * (len(reference) - 1))
        self.usual_differences = [
            max(1e-9, float(part.sum()) / pairs) for part in self._differences(some, some)
        ]

    def read(
        self,
        architectures: Sequence[Architecture],
        trained: Sequence[float],
        parents: Sequence[Architecture | None] | None = None,
    ) -> Descriptions:
        """Describe some architectures.

        Args:
            architectures: What is compared.
            trained: Child-epochs that each has had when it is measured, its ancestors' included.
            parents: What each inherits from; left out where none does.
        """
        places = torch.tensor([self._places(architecture) for architecture in architectures])
        if len(self.rows) > len(self.table):
            self.table = torch.cat([self.table, torch.stack(self.rows[len(self.table) :])])
        counts = self.table[places[:, : self.longest]].sum(1)
        counts[:, -1] = 0  # what is absent is no layer
        last = [self.encoder.resources.layers(made)[-1] for made in architectures]
        output = torch.tensor(last, dtype=torch.float64)
        training = ((torch.tensor(trained, dtype=torch.float64) + 1) / 2).log()
        size = self._above_usual(architectures) / self.size_deviation
        size = size.clamp(-LARGEST, LARGEST)
        parents = parents or [None] * len(architectures)
        heir = torch.tensor([parent is not None for parent in parents]).double()
        apart = [
            made.layers_apart(parent) if parent else 0
            for made, parent in zip(architectures, parents, strict=True)
        ]
        new = torch.tensor(apart).clamp(max=MOST_NEW).double()
        return Descriptions(places, counts, output, size, training, heir, new)

    def share_of_usual(self, architectures: Sequence[Architecture]) -> Tensor:
        """What each needs by what is usual, the mean over what gives capacity, `(N,)`."""
        return _mean(self._use(architectures) / self.usual_use)

    def unlikeness(self, first: Descriptions, second: Descriptions) -> Tensor:
        """How much the layers differ, `(ways, first, second)`; 1 is usual.

        Place by place; and where lengths vary, so that a layer more or less moves others to other
        places, by what they are on average and by what comes out of the last one too.
        """
        ways = zip(self._differences(first, second), self.usual_differences, strict=True)
        return torch.stack([way / usual for way, usual in ways])

    def _differences(self, first: Descriptions, second: Descriptions) -> list[Tensor]:
        at_places = self._differences_at_places(first, second)
        if self.fixed:
            return [at_places]
        of_outputs = (first.output[:, None] - second.output).square().sum(2)
        return [at_places, self._differences_on_average(first, second), of_outputs]

    def _differences_at_places(self, first: Descriptions, second: Descriptions) -> Tensor:
        rows, row_of = torch.unique(first.places, return_inverse=True)
        columns, column_of = torch.unique(second.places, return_inverse=True)
        one, other = self.table[rows], self.table[columns]
        # Whole numbers until the end: what a product comes to must not depend on its size.
        shared = one @ other.T
        unlike = 1 - shared / (one.sum(1)[:, None] * other.sum(1)).sqrt()
        at_places = (
            unlike[one_of][:, other_of]
            for one_of, other_of in zip(row_of.T, column_of.T, strict=True)
        )
        return reduce(torch.add, at_places)

    def _differences_on_average(self, first: Descriptions, second: Descriptions) -> Tensor:
        one, other = first.counts, second.counts
        kinds = len(self.encoder.kinds)
        layers, others = one[:, :kinds].sum(1), other[:, :kinds].sum(1)
        own, others_own = one.square().sum(1) / layers**2, other.square().sum(1) / others**2
        shared = one @ other.T / (layers[:, None] * others)  # whole numbers, as above
        return (own[:, None] + others_own - 2 * shared).clamp(min=0)

    def _above_usual(self, architectures: Sequence[Architecture]) -> Tensor:
        return _mean((self._logarithms(architectures) - self.usual) / self.deviations)

    def _logarithms(self, architectures: Sequence[Architecture]) -> Tensor:
        """Of the resources as shares of their usual amount, which may be none at all."""
        return (self._use(architectures) / self.usual_use + 1e-3).log()

    def _use(self, architectures: Sequence[Architecture]) -> Tensor:
        known = self.encoder.resources.counted
        profiles = [known.profile(architecture) for architecture in architectures]
        uses = [[profile[entry] for entry in known.capacity] for profile in profiles]
        return torch.tensor(uses, dtype=torch.float64).reshape(len(uses), len(known.capacity))

    def _places(self, architecture: Architecture) -> list[int]:
        """Numbers of the layers counted from the input, and if lengths vary from the output too."""
        numbers = self._numbers(architecture)
        padding = [0] * (self.longest - len(numbers))
        forth = numbers + padding
        return forth if self.fixed else forth + numbers[::-1] + padding

    def _numbers(self, architecture: Architecture) -> list[int]:
        return [self._number(layer) for layer in architecture.layers]

    def _number(self, layer: Layer) -> int:
        """The same wherever it reads."""
        number = self.numbers.get(layer)
        if number is None:
            alike = layer.reading()
            if alike not in self.numbers:
                self.numbers[alike] = len(self.rows)
                self.rows.append(self._row(alike))
            number = self.numbers[layer] = self.numbers[alike]
        return number

    def _row(self, layer: Layer) -> Tensor:
        row = torch.zeros_like(self.rows[0])
        row[self.encoder.kinds.index(layer.kind)] = 1
        for place in self.encoder.places(layer):
            row[len(self.encoder.kinds) + place] = 1
        return row


def _mean(values: Tensor) -> Tensor:
    """The mean over the columns, of which there may be none."""
    return values.sum(1) / max(1, values.shape[1])


def _deviations(values: Tensor) -> Tensor:
    """The deviation of every column; 1 for what is always the same."""
    deviation = values.std(0, correction=0)
    return torch.where(deviation > 1e-9, deviation, 1.0)
