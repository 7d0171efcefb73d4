from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rena_pl.architecture import Architecture
from rena_pl.layers import LayerType, layer_shapes, layer_types
from rena_pl.network import build
from rena_pl.space import SearchSpace
from rena_pl.space.named import NAMED
from rena_pl.space.runs import (
    act,
    exchange_run,
    lengthen_run,
    remove_layer,
    runs,
    scale_run,
    spliced,
)
from rena_pl.space.starts import rudimentary
from tests.space.test_search_space import ALL_TYPES, INPUT, SKELETONS, random_start

CHANGES = pytest.mark.parametrize(
    "change", [act, exchange_run, scale_run, lengthen_run, remove_layer]
)


def bc_resnet_space(**layers: dict) -> SearchSpace:
    return SearchSpace(
        {"broadcast_residual": None, "depthwise_separable": None, "conv2d": None, **layers},
        max_layers=18,
    )


@SKELETONS
@CHANGES
@settings(max_examples=15)
@given(seed=st.integers(0, 2**32))
def test_every_change_leaves_a_network_of_the_space(skeleton, change, seed: int) -> None:
    space = SearchSpace(ALL_TYPES, max_layers=8, skeleton=skeleton)
    rng = random.Random(seed)
    architecture = random_start(space, seed)
    for _ in range(4):
        architecture = change(space, architecture, rng)
        space.check(architecture, INPUT)
    build(architecture, INPUT, 3)


@CHANGES
def test_the_same_seed_leads_to_the_same_network(change) -> None:
    space, start = bc_resnet_space(), NAMED["bc_resnet_1"]()
    one, other = (change(space, start, random.Random(3)) for _ in range(2))
    assert one == other != start


@pytest.mark.parametrize("change", [exchange_run, scale_run, lengthen_run, remove_layer])
def test_where_there_is_nothing_to_change_the_network_stays(change) -> None:
    space = SearchSpace({"dense": {"units": [8], "activation": ["relu"]}}, max_layers=1)
    start = rudimentary(space)
    assert change(space, start, random.Random(0)) == start


def test_the_runs_of_bc_resnet_are_its_stages() -> None:
    found = runs(NAMED["bc_resnet_1"]())
    assert [len(run) for run in found] == [1, 2, 2, 4, 4, 1]
    assert [index for run in found for index in run] == list(range(14))


def test_a_branch_ends_a_run() -> None:
    conv = layer_types()["conv2d"]()
    both = Architecture((conv.as_layer(0), conv.as_layer(1), conv.as_layer(1)))
    assert runs(both) == [range(0, 2), range(2, 3)]


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32))
def test_an_exchange_makes_a_run_alike_and_of_another_type(seed: int) -> None:
    start = NAMED["bc_resnet_1"]()
    space = bc_resnet_space(inverted_residual=None)
    after = exchange_run(space, start, random.Random(seed))
    changed = {
        n
        for n, pair in enumerate(zip(start.layers, after.layers, strict=True))
        if len(set(pair)) > 1
    }
    (run,) = [run for run in runs(start) if run.start in changed]
    assert changed == set(run)
    (kind,) = {after.layers[index].kind for index in run}
    assert kind != start.layers[run.start].kind
    unstrided = [
        {name: value for name, value in after.layers[index].hyper if name not in LayerType.strides}
        for index in run
    ]
    assert all(hyper == unstrided[0] for hyper in unstrided)
    for index in run[1:]:
        assert all(after.layers[index].values.get(name, 1) == 1 for name in LayerType.strides)
    for name, value in start.layers[run.start].hyper:
        if value in space.choices[kind].get(name, ()):
            assert after.layers[run.start].values[name] == value


def test_a_type_that_always_strides_takes_the_place_of_single_layers_only() -> None:
    space = bc_resnet_space(conv2d={"stride_height": [2], "stride_width": [2]})
    start = NAMED["bc_resnet_1"]()
    made = [exchange_run(space, start, random.Random(seed)) for seed in range(60)]
    strided = [sum(layer.kind == "conv2d" for layer in after.layers) for after in made]
    assert max(strided) == 2


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32))
def test_a_run_is_scaled_as_one_but_for_its_strides(seed: int) -> None:
    start, space = NAMED["bc_resnet_1"](), bc_resnet_space()
    after = scale_run(space, start, random.Random(seed))
    changed = {
        (index, name, new.values[name])
        for index, (old, new) in enumerate(zip(start.layers, after.layers, strict=True))
        for name in old.values
        if old.values[name] != new.values[name]
    }
    ((name, value),) = {(name, value) for _, name, value in changed}
    (run,) = [run for run in runs(start) if run.start in {index for index, _, _ in changed}]
    if name in LayerType.strides:
        assert {index for index, _, _ in changed} == {run.start}
    else:
        assert {after.layers[index].values[name] for index in run} == {value}


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32))
def test_a_run_is_lengthened_by_a_layer_that_keeps_the_map(seed: int) -> None:
    start, space = NAMED["bc_resnet_1"](), bc_resnet_space()
    after = lengthen_run(space, start, random.Random(seed))
    before, now = ([len(run) for run in runs(made)] for made in (start, after))
    assert len(now) == len(before)
    assert sorted(b - a for a, b in zip(before, now, strict=True)) == [0, 0, 0, 0, 0, 1]
    ends = [layer_shapes(made.layers, (1, 40, 101))[-1] for made in (start, after)]
    assert ends[0] == ends[1]


def test_runs_of_pooling_are_neither_lengthened_nor_put_in_place_of_others() -> None:
    space = SearchSpace({"pool": {"height": [1, 2]}, "conv2d": {"channels": [8]}}, max_layers=8)
    pool, conv = layer_types()["pool"](), layer_types()["conv2d"](channels=8)
    pooled = Architecture((pool.as_layer(0),))
    alike = Architecture(tuple(conv.as_layer(n) for n in range(4)))
    for seed in range(10):
        assert lengthen_run(space, pooled, random.Random(seed)) == pooled
        assert exchange_run(space, alike, random.Random(seed)) == alike


def test_layers_whose_units_differ_are_no_run() -> None:
    gru = layer_types()["gru"]
    layers = [gru(units=units).as_layer(n) for n, units in enumerate((32, 32, 8))]
    assert runs(Architecture(tuple(layers))) == [range(0, 2), range(2, 3)]


def test_a_full_network_is_not_lengthened() -> None:
    start = NAMED["bc_resnet_1"]()
    space = SearchSpace({"broadcast_residual": None}, max_layers=len(start.layers))
    assert lengthen_run(space, start, random.Random(0)) == start


@SKELETONS
@settings(max_examples=25)
@given(seed=st.integers(0, 2**32))
def test_what_is_spliced_is_a_network_of_the_space(skeleton, seed: int) -> None:
    space = SearchSpace(ALL_TYPES, max_layers=8, skeleton=skeleton)
    one, other = (random_start(space, seed + number) for number in range(2))
    made = spliced(space, one, other, random.Random(seed))
    space.check(made, INPUT)
    build(made, INPUT, 3)


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32))
def test_a_splice_has_the_first_layers_of_one_and_the_last_of_the_other(seed: int) -> None:
    one, other = NAMED["bc_resnet_1"](), NAMED["ds_cnn_s"]()
    made = spliced(bc_resnet_space(), one, other, random.Random(seed)).layers
    front = next(n for n in range(len(made), 0, -1) if made[:n] == one.layers[:n])
    behind = [layer.hyper for layer in made[front:]]
    assert behind == [layer.hyper for layer in other.layers][len(other.layers) - len(behind) :]
    assert front in {run.stop for run in runs(one)}


def test_many_splices_have_layers_of_both() -> None:
    one, other = NAMED["bc_resnet_1"](), NAMED["ds_cnn_s"]()
    made = [spliced(bc_resnet_space(), one, other, random.Random(seed)) for seed in range(20)]
    assert sum(one.layers[0] in m.layers and m.layers[-1] not in one.layers for m in made) > 5
