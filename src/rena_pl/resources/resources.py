"""What a search knows of an architecture before any training."""

from __future__ import annotations

from dataclasses import dataclass
from math import log2
from typing import Protocol

from rena_pl.architecture import Architecture, Shape
from rena_pl.layers.shapes import layer_shapes
from rena_pl.resources.profile import ENTRIES, layer_profiles, profile
from rena_pl.space.skeletons import expand

LAYER_NUMBERS = 5
"""Numbers that the policy reads of a layer."""


class Resources(Protocol):
    """Gives the resource use of architectures: counted, or looked up."""

    @property
    def entries(self) -> tuple[str, ...]:
        """What is known of every architecture, and so can be bounded."""

    @property
    def counted(self) -> Resources:
        """The part of it that takes no measuring."""

    @property
    def capacity(self) -> tuple[str, ...]:
        """Entries of which more, likely, means that more can be learnt."""

    def profile(self, architecture: Architecture) -> dict[str, float]:
        """The resource use by entry."""

    def layers(self, architecture: Architecture) -> list[list[float]]:
        """`LAYER_NUMBERS` numbers for each layer, all of the size of 1."""


@dataclass(frozen=True)
class NetworkResources:
    """The resource use of networks on a task, as `rena_pl.resources.profile` counts it.

    Attributes:
        input_shape: `(channels, height, width)` of one example.
        num_classes: Outputs of the classifier.
    """

    input_shape: Shape
    num_classes: int

    @property
    def entries(self) -> tuple[str, ...]:
        """The entries of a profile."""
        return ENTRIES

    @property
    def counted(self) -> NetworkResources:
        """All of it."""
        return self

    @property
    def capacity(self) -> tuple[str, ...]:
        """Weights and work; large maps alone cost memory and teach nothing."""
        return ("params", "macs")

    def profile(self, architecture: Architecture) -> dict[str, float]:
        """The profile at batch 1 in float32."""
        return profile(architecture, self.input_shape, self.num_classes).as_dict()

    def layers(self, architecture: Architecture) -> list[list[float]]:
        """Of each searched layer log2 of its output's extents, its share of params and of MACs."""
        expanded = expand(architecture)
        shapes = layer_shapes(expanded.layers, self.input_shape)[1:]
        costs = layer_profiles(architecture, self.input_shape, self.num_classes)
        params = sum(cost.params for cost in costs)
        macs = sum(cost.macs for cost in costs)
        numbers = []
        for index in range(len(architecture.layers)):
            copies = [at for at, searched in enumerate(expanded.searched) if searched == index]
            numbers.append(
                [
                    *(log2(extent) / 4 for extent in shapes[copies[0]]),
                    sum(costs[at].params for at in copies) / params,
                    sum(costs[at].macs for at in copies) / macs,
                ]
            )
        return numbers
