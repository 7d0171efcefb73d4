from __future__ import annotations

import itertools
import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rena_pl.architecture import Architecture, ArchitectureError, Skeleton
from rena_pl.errors import RenaError
from rena_pl.layers import layer_types
from rena_pl.network import build
from rena_pl.space import Insert, Remove, Scale, SearchSpace
from rena_pl.space.actions import first_source
from rena_pl.space.search_space import edges, second_sources
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


STACK = {"kind": "stack", "stages": 2, "repeats": 2, "stem_channels": 8}
ALL_TYPES = {"conv2d": None, **dict.fromkeys(sorted(layer_types()))}
"""With one to start from that leaves room for branches."""
SKELETONS = pytest.mark.parametrize("skeleton", [None, STACK], ids=["chain", "stack"])


@SKELETONS
@settings(max_examples=8)
@given(seed=st.integers(0, 2**32))
def test_random_legal_actions_give_sound_architectures(skeleton, seed: int) -> None:
    space = SearchSpace(ALL_TYPES, max_layers=8, skeleton=skeleton)
    check_walk(space, random_start(space, seed), seed, 15)


def random_start(space: SearchSpace, seed: int) -> Architecture:
    rng = random.Random(seed)
    architecture = rudimentary(space)
    for _ in range(rng.randrange(10)):
        architecture = space.random_action(architecture, rng).apply(architecture)
    return architecture


@SKELETONS
def test_every_listed_action_is_legal(skeleton) -> None:
    space, rng = SearchSpace(ALL_TYPES, max_layers=8, skeleton=skeleton), random.Random(0)
    seen = set()
    for seed in range(6):
        architecture = random_start(space, seed)
        for action in space.legal_actions(architecture, rng):
            seen.add(type(action))
            changed = action.apply(architecture)
            space.check(changed, INPUT)
            assert changed != architecture
    assert seen == {Scale, Insert, Remove}


@SKELETONS
def test_every_insertion_that_is_not_listed_is_unsound(skeleton) -> None:
    space, rng = SearchSpace(ALL_TYPES, max_layers=12, skeleton=skeleton), random.Random(0)
    refused = 0
    for seed in range(6):
        architecture = random_start(space, seed)
        listed = set(space.insert_sites(architecture))
        for (reader, slot), kind in itertools.product(edges(architecture), space.choices):
            if (reader, slot, kind) in listed:
                continue
            refused += 1
            second = 0 if layer_types()[kind].sources == 2 else None
            action = Insert(reader, kind, space.random_hyper(kind, rng), slot, second)
            if second == first_source(architecture, reader, slot):
                continue  # a merge of a tensor with itself is sound, and pointless
            with pytest.raises(ArchitectureError):
                space.check(action.apply(architecture), INPUT)
    assert refused > 0


@SKELETONS
def test_every_removal_that_is_not_listed_leaves_too_little(skeleton) -> None:
    space = SearchSpace(ALL_TYPES, max_layers=8, min_layers=3, skeleton=skeleton)
    for seed in range(10):
        architecture = random_start(space, seed)
        listed = set(space.remove_actions(architecture))
        for removal in map(Remove, range(len(architecture.layers))):
            try:
                left = len(removal.apply(architecture).layers)
            except ArchitectureError:
                left = 0
            assert (removal in listed) == (left >= 3)


def test_second_sources_are_maps_that_stand_before() -> None:
    types = layer_types()
    architecture = Architecture(
        (
            types["conv2d"]().as_layer(0),
            types["conv2d"]().as_layer(1),
            types["add"]().as_layer(2, 1),
            types["dense"]().as_layer(3),
        )
    )
    assert list(second_sources(architecture, 0, 0)) == []
    assert list(second_sources(architecture, 1, 0)) == [0]
    assert list(second_sources(architecture, 2, 0)) == [0, 1]
    assert list(second_sources(architecture, 2, 1)) == [0, 2]
    assert list(second_sources(architecture, 3, 0)) == [0, 1, 2]


def test_layers_that_flatten_stand_last_and_merges_before_them() -> None:
    types = layer_types()
    space = SearchSpace({"conv2d": None, "add": None, "dense": None})
    architecture = Architecture((types["conv2d"]().as_layer(0), types["dense"]().as_layer(1)))
    assert set(space.insert_sites(architecture)) == {
        (0, 0, "conv2d"),  # nothing for a merge to read beside the input
        (1, 0, "conv2d"),
        (1, 0, "add"),
        (1, 0, "dense"),
        (2, 0, "dense"),
    }


def test_no_layer_that_flattens_enters_a_stack() -> None:
    space = SearchSpace({"dense": None, "conv2d": None}, skeleton=STACK)
    architecture = rudimentary(space)
    assert [layer.kind for layer in architecture.layers] == ["conv2d"]
    assert {kind for _, _, kind in space.insert_sites(architecture)} == {"conv2d"}
    with pytest.raises(RenaError, match="no layer type to start a stack with: dense alone"):
        rudimentary(SearchSpace({"dense": None}, skeleton=STACK))
    with pytest.raises(RenaError, match="no layer type to start a chain with: add"):
        rudimentary(SearchSpace({"add": None}))


def test_limits_close_actions(small_space: SearchSpace) -> None:
    architecture = rudimentary(small_space)
    assert list(small_space.remove_actions(architecture)) == []
    full = architecture
    while len(full.layers) < small_space.max_layers:
        reader, slot, kind = next(small_space.insert_sites(full))
        hyper = small_space.random_hyper(kind, random.Random(0))
        full = Insert(reader, kind, hyper, slot).apply(full)
    assert list(small_space.insert_sites(full)) == []


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


@pytest.mark.parametrize(
    ("skeleton", "sentence"),
    [
        ({"kind": "ring"}, "unknown skeleton 'ring'"),
        ({"stages": 2}, "the skeleton needs a kind"),
        ({"kind": "stack", "stages": 0}, "stages must be a positive whole number"),
        ({"kind": "stack", "depth": 2}, "skeleton stack"),
        ({"kind": 3}, "the skeleton needs a kind"),
    ],
)
def test_bad_skeletons_are_refused(skeleton: dict, sentence: str) -> None:
    with pytest.raises(RenaError, match=sentence):
        SearchSpace(skeleton=skeleton)


def test_merges_alone_compose_no_network() -> None:
    space = SearchSpace({"add": None, "concat": None})
    with pytest.raises(RenaError, match="no layer type for layer 1: add, concat alone make no net"):
        space.compose(lambda _, options: options[0])


@SKELETONS
@pytest.mark.parametrize("seed", range(20))
def test_what_is_composed_is_sound(skeleton, seed: int) -> None:
    space, rng = SearchSpace(ALL_TYPES, max_layers=6, skeleton=skeleton), random.Random(seed)
    space.check(space.compose(lambda _, options: rng.choice(list(options))), INPUT)


def test_bad_limits_are_refused() -> None:
    with pytest.raises(RenaError, match="min_layers"):
        SearchSpace(max_layers=1, min_layers=2)


def test_a_start_outside_the_space_is_refused(small_space: SearchSpace) -> None:
    conv = Architecture((layer_types()["conv2d"]().as_layer(0),))
    with pytest.raises(ArchitectureError, match="leaves out"):
        small_space.check(conv, INPUT)
    unread = Architecture(
        (layer_types()["dense"]().as_layer(0), layer_types()["dense"]().as_layer(0))
    )
    with pytest.raises(ArchitectureError, match="no layer reads it"):
        small_space.check(unread, INPUT)
    long = Architecture(tuple(layer_types()["dense"]().as_layer(n) for n in range(5)))
    with pytest.raises(ArchitectureError, match="it has 5 layers, the search space allows 1 to 4"):
        small_space.check(long, INPUT)
    stack = Architecture(rudimentary(small_space).layers, Skeleton("stack", (("stages", 2),)))
    with pytest.raises(ArchitectureError, match=r"its skeleton is stack\(stages=2\), .* chain\(\)"):
        small_space.check(stack, INPUT)


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
