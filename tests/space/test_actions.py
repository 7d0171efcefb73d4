"""Actions on networks with branches."""

from __future__ import annotations

import pytest

from rena_pl.architecture import Architecture, ArchitectureError, Layer, Skeleton
from rena_pl.layers import layer_types
from rena_pl.space import Insert, Remove, Scale


def conv(*inputs: int, channels: int = 8) -> Layer:
    return layer_types()["conv2d"](channels=channels).as_layer(*inputs)


def add(*inputs: int) -> Layer:
    return layer_types()["add"]().as_layer(*inputs)


def concat(*inputs: int) -> Layer:
    return layer_types()["concat"]().as_layer(*inputs)


def pool(*inputs: int) -> Layer:
    return layer_types()["pool"]().as_layer(*inputs)


BRANCHED = Architecture((conv(0), conv(1), add(2, 1), pool(3)))
"""Two convolutions, the second with a shortcut around it, and a pool."""


def wiring(architecture: Architecture) -> list[tuple[str, tuple[int, ...]]]:
    return [(layer.kind, layer.inputs) for layer in architecture.layers]


def test_scaling_changes_one_value_of_one_layer() -> None:
    scaled = Scale(1, "channels", 64).apply(BRANCHED)
    assert scaled.layers[1] == conv(1, channels=64)
    assert [n for n in range(4) if scaled.layers[n] != BRANCHED.layers[n]] == [1]


@pytest.mark.parametrize(
    ("reader", "slot", "expected"),
    [
        (0, 0, [("pool", (0,)), ("conv2d", (1,)), ("conv2d", (2,)), ("add", (3, 2))]),
        (1, 0, [("conv2d", (0,)), ("pool", (1,)), ("conv2d", (2,)), ("add", (3, 1))]),
        (2, 0, [("conv2d", (0,)), ("conv2d", (1,)), ("pool", (2,)), ("add", (3, 1))]),
        (2, 1, [("conv2d", (0,)), ("conv2d", (1,)), ("pool", (1,)), ("add", (2, 3))]),
    ],
)
def test_a_layer_is_put_on_one_edge(reader: int, slot: int, expected: list) -> None:
    inserted = Insert(reader, "pool", pool().hyper, slot).apply(BRANCHED)
    assert wiring(inserted) == [*expected, ("pool", (4,))]


def test_a_layer_is_put_before_the_output() -> None:
    inserted = Insert(4, "pool", pool().hyper).apply(BRANCHED)
    assert wiring(inserted)[4:] == [("pool", (4,))]
    assert inserted.layers[:4] == BRANCHED.layers


@pytest.mark.parametrize("second", [0, 1, 2])
def test_a_merge_takes_its_second_source(second: int) -> None:
    inserted = Insert(3, "concat", (), 0, second).apply(BRANCHED)
    assert wiring(inserted)[2:] == [("add", (2, 1)), ("concat", (3, second)), ("pool", (4,))]


def test_a_merge_on_a_shortcut_may_read_what_stands_behind_it() -> None:
    inserted = Insert(2, "concat", (), 1, 2).apply(BRANCHED)
    assert wiring(inserted)[2:] == [("concat", (1, 2)), ("add", (2, 3)), ("pool", (4,))]


def test_removal_leaves_its_readers_its_first_source() -> None:
    assert wiring(Remove(0).apply(BRANCHED)) == [("conv2d", (0,)), ("add", (1, 0)), ("pool", (2,))]
    assert wiring(Remove(1).apply(BRANCHED)) == [("conv2d", (0,)), ("add", (1, 1)), ("pool", (2,))]
    assert wiring(Remove(3).apply(BRANCHED)) == wiring(BRANCHED)[:3]


def test_removing_a_merge_takes_along_what_only_it_reads() -> None:
    branch = Architecture((conv(0), conv(0), pool(2), add(1, 3), pool(4)))
    assert wiring(Remove(3).apply(branch)) == [("conv2d", (0,)), ("pool", (1,))]
    assert wiring(Remove(4).apply(branch)) == wiring(branch)[:4]


def test_removing_the_last_layer_takes_along_what_only_it_reads() -> None:
    branch = Architecture((conv(0), conv(1), pool(1), add(3, 2)))
    assert wiring(Remove(3).apply(branch)) == [("conv2d", (0,)), ("pool", (1,))]


def test_nothing_is_left_of_a_network_whose_output_would_be_its_input() -> None:
    with pytest.raises(ArchitectureError, match="at least one layer"):
        Remove(0).apply(Architecture((conv(0),)))
    with pytest.raises(ArchitectureError, match="at least one layer"):
        Remove(1).apply(Architecture((conv(0), add(0, 1))))


@pytest.mark.parametrize("reader", range(5))
def test_removing_what_was_inserted_gives_the_network_back(reader: int) -> None:
    for second in (None, *range(reader)):
        kind = "pool" if second is None else "concat"
        hyper = pool().hyper if second is None else ()
        inserted = Insert(reader, kind, hyper, 0, second).apply(BRANCHED)
        assert Remove(reader).apply(inserted) == BRANCHED


def test_actions_keep_the_skeleton() -> None:
    stack = Architecture(BRANCHED.layers, Skeleton("stack", (("stages", 2),)))
    for action in (Scale(0, "channels", 4), Insert(1, "concat", (), 0, 0), Remove(0)):
        assert action.apply(stack).skeleton == stack.skeleton


def test_actions_say_what_they_do() -> None:
    assert str(Scale(1, "units", 8)) == "scale layer 2: units=8"
    assert str(Remove(0)) == "remove layer 1"
    assert str(Insert(0, "dense", (("units", 8),))) == "insert at 1: dense(units=8)"
    assert str(Insert(2, "concat", (), 0, 1)) == "insert at 3: concat() with 1"
