from __future__ import annotations

import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rena_pl.architecture import Architecture, ArchitectureError
from rena_pl.errors import RenaError
from rena_pl.layers import layer_shapes, layer_types
from rena_pl.network import build
from rena_pl.space import Insert, Remove, Scale, SearchSpace
from rena_pl.space.starts import rudimentary, start_architecture

INPUT = (1, 10, 12)
CLASSES = 3


def check_walk(space: SearchSpace, start: Architecture, seed: int, actions: int) -> None:
    """Every architecture on a random walk builds, runs forward and backward, and round-trips."""
    rng = random.Random(seed)
    architecture = start
    for _ in range(actions):
        architecture = space.random_action(architecture, rng).apply(architecture)
        space.check(architecture, INPUT)
        network = build(architecture, INPUT, CLASSES)
        logits = network(torch.randn(2, *INPUT))
        assert logits.shape == (2, CLASSES)
        logits.square().sum().backward()
        assert all(parameter.grad is not None for parameter in network.parameters())
        assert Architecture.from_json(architecture.to_json()) == architecture


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32))
def test_random_legal_actions_give_sound_architectures(seed: int) -> None:
    space = SearchSpace(max_layers=8)
    check_walk(space, random_start(space, seed), seed, 25)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_ten_thousand_random_legal_actions_give_sound_architectures() -> None:
    """The same at full length: minutes of building networks."""
    space = SearchSpace(max_layers=8)
    for seed in range(10):
        check_walk(space, random_start(space, seed), seed, 1000)


def random_start(space: SearchSpace, seed: int) -> Architecture:
    rng = random.Random(seed)
    architecture = rudimentary(space)
    for _ in range(rng.randrange(10)):
        architecture = space.random_action(architecture, rng).apply(architecture)
    return architecture


def test_every_listed_action_is_legal(small_space: SearchSpace) -> None:
    rng = random.Random(0)
    architecture = random_start(small_space, 4)
    actions = list(small_space.legal_actions(architecture, rng))
    assert {type(action) for action in actions} == {Scale, Insert, Remove}
    for action in actions:
        changed = action.apply(architecture)
        small_space.check(changed, INPUT)
        assert changed != architecture or isinstance(action, Insert | Remove)


def test_limits_close_actions(small_space: SearchSpace) -> None:
    architecture = rudimentary(small_space)
    assert list(small_space.remove_actions(architecture)) == []
    full = architecture
    while len(full.layers) < small_space.max_layers:
        index, kind = next(small_space.insert_sites(full))
        full = Insert(index, kind, small_space.random_hyper(kind, random.Random(0))).apply(full)
    assert list(small_space.insert_sites(full)) == []


def test_nothing_is_inserted_behind_a_dense_layer_but_dense_ones(small_space: SearchSpace) -> None:
    dense = layer_types()["dense"](units=8).as_layer(0)
    sites = set(small_space.insert_sites(Architecture((dense,))))
    assert sites == {(0, "temporal"), (0, "dense"), (1, "dense")}


def test_actions_say_what_they_do() -> None:
    assert str(Scale(1, "units", 8)) == "scale layer 2: units=8"
    assert str(Remove(0)) == "remove layer 1"
    assert str(Insert(0, "dense", (("units", 8),))) == "insert at 1: dense(units=8)"


def test_a_space_of_one_point_says_so() -> None:
    space = SearchSpace({"dense": {"units": [8], "activation": ["relu"]}}, max_layers=1)
    with pytest.raises(RenaError, match="single architecture"):
        space.random_action(rudimentary(space), random.Random(0))


@pytest.mark.parametrize(
    ("layers", "sentence"),
    [
        ({"warp": {}}, "unknown layer type 'warp'"),
        ({"dense": {"width": [1]}}, "dense has no hyper-parameter 'width'"),
        ({"dense": {"units": 8}}, "dense.units must be a list"),
        ({"dense": {"units": []}}, "dense.units must be a list"),
        ({"dense": {"units": [8, -1]}}, "units must be a positive whole number"),
        ({"dense": {"activation": ["tanh"]}}, "activation must be one of"),
        ({}, "allows no layer type"),
    ],
)
def test_bad_spaces_are_refused(layers: dict, sentence: str) -> None:
    with pytest.raises(RenaError, match=sentence):
        SearchSpace(layers)


def test_bad_limits_are_refused() -> None:
    with pytest.raises(RenaError, match="min_layers"):
        SearchSpace(max_layers=1, min_layers=2)


def test_a_start_outside_the_space_is_refused(small_space: SearchSpace) -> None:
    conv = Architecture((layer_types()["conv2d"]().as_layer(0),))
    with pytest.raises(ArchitectureError, match="leaves out"):
        small_space.check(conv, INPUT)
    crossed = Architecture(
        (layer_types()["dense"]().as_layer(0), layer_types()["dense"]().as_layer(0))
    )
    with pytest.raises(ArchitectureError, match="in a chain"):
        small_space.check(crossed, INPUT)


def test_a_start_is_a_name_or_a_file(small_space: SearchSpace, tmp_path) -> None:
    architecture = rudimentary(small_space)
    architecture.save(tmp_path / "start.json")
    assert start_architecture("rudimentary", small_space) == architecture
    assert start_architecture(str(tmp_path / "start.json"), small_space) == architecture
    with pytest.raises(RenaError, match="no start network 'nothing'"):
        start_architecture("nothing", small_space)


def test_the_space_loads_without_torch() -> None:
    import subprocess
    import sys

    code = (
        "import sys, random; from rena_pl.space import SearchSpace; "
        "from rena_pl.space.starts import rudimentary; s = SearchSpace(); "
        "s.random_action(rudimentary(s), random.Random(0)); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_shapes_follow_strides() -> None:
    temporal = layer_types()["temporal"](channels=8, stride=2).as_layer(0)
    assert layer_shapes(Architecture((temporal,)), INPUT) == [INPUT, (8, 1, 6)]
