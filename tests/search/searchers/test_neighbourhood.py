from __future__ import annotations

import random
from dataclasses import replace
from statistics import mean

import pytest

from rena_pl.architecture import Architecture
from rena_pl.layers.registry import layer_type
from rena_pl.objective import Constraint, Objective
from rena_pl.resources import NetworkResources
from rena_pl.search.searchers.neighbourhood import FULL, filled, neighbour, reduced, usage
from rena_pl.search.searchers.searcher import Ground
from rena_pl.space import SearchSpace
from rena_pl.space.named import NAMED

INPUT, CLASSES = (1, 40, 101), 10
RESOURCES = NetworkResources(INPUT, CLASSES)
START = NAMED["bc_resnet_1"]()
SPACE = SearchSpace(
    {
        "broadcast_residual": {"channels": [8, 12, 16, 20]},
        "depthwise_separable": {"channels": [16, 24, 32], "stride_height": [1, 2, 5]},
        "inverted_residual": {"channels": [8, 12, 16, 20]},
        "conv2d": {"channels": [12, 16], "stride_height": [2]},
    },
    max_layers=18,
)
NEED = RESOURCES.profile(START)
BOUNDS = Objective(
    [Constraint("params", max=NEED["params"]), Constraint("flops", max=NEED["flops"])]
)
GROUND = Ground(SPACE, BOUNDS, RESOURCES, START, inherits=False)


def neighbours(ground: Ground, count: int) -> list[Architecture]:
    rng = random.Random(0)
    return [neighbour(ground, START, rng) for _ in range(count)]


@pytest.mark.parametrize("inherits", [True, False])
def test_neighbours_of_a_full_network_keep_the_bounds_and_differ(inherits: bool) -> None:
    made = neighbours(replace(GROUND, inherits=inherits), 40)
    feasible = [architecture for architecture in made if GROUND.feasible(architecture)]
    assert len(feasible) >= 32
    assert len(set(feasible)) >= 30


def test_a_larger_type_comes_into_a_network_that_uses_all_the_bounds_leave() -> None:
    made = [made for made in neighbours(GROUND, 60) if GROUND.feasible(made)]
    assert any("inverted_residual" in {layer.kind for layer in made.layers} for made in made)


def test_what_is_trained_from_scratch_is_nearer_to_the_bounds_than_heirs() -> None:
    heirs, own = (
        mean(usage(GROUND, made) for made in neighbours(replace(GROUND, inherits=inherits), 40))
        for inherits in (True, False)
    )
    assert own > heirs


def test_a_network_that_is_too_large_is_reduced_and_never_enlarged() -> None:
    layer = layer_type("broadcast_residual")
    large = Architecture(tuple(layer(channels=20).as_layer(number) for number in range(6)))
    assert not GROUND.feasible(large)
    smaller = reduced(GROUND, large, random.Random(0))
    assert GROUND.violation(smaller) < GROUND.violation(large)
    assert reduced(GROUND, START, random.Random(0)) == START


def test_a_small_network_is_filled_up_within_the_bounds() -> None:
    small = Architecture(START.layers[:3])
    larger = filled(GROUND, small, random.Random(0))
    assert GROUND.feasible(larger)
    assert usage(GROUND, small) < usage(GROUND, larger)
    assert usage(GROUND, START) >= FULL
    assert filled(GROUND, START, random.Random(0)) == START


class Timed(NetworkResources):
    """Keeps what was profiled as if it had to be measured."""

    def __init__(self) -> None:
        super().__init__(INPUT, CLASSES)
        self.measured: list[Architecture] = []

    @property
    def counted(self) -> NetworkResources:
        return RESOURCES

    def profile(self, architecture: Architecture) -> dict[str, float]:
        self.measured.append(architecture)
        return super().profile(architecture)


def test_nothing_is_measured_of_what_already_breaks_a_counted_bound() -> None:
    timed = Timed()
    neighbours(replace(GROUND, resources=timed), 20)
    assert len(timed.measured) > 20
    assert all(GROUND.feasible(architecture) for architecture in timed.measured)


def test_without_upper_bounds_there_is_nothing_to_fill() -> None:
    free = replace(GROUND, objective=Objective([Constraint("params", min=10)]))
    small = Architecture(START.layers[:3])
    assert usage(free, small) is None
    assert filled(free, small, random.Random(0)) == small


def test_beyond_a_soft_bound_less_of_it_counts_as_used() -> None:
    soft = Objective([Constraint("params", max=NEED["params"] / 2, penalty=0.5)])
    assert usage(replace(GROUND, objective=soft), START) == pytest.approx(0.5)
