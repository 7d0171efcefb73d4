from __future__ import annotations

import random

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rena_pl.architecture import Architecture
from rena_pl.layers import layer_types
from rena_pl.network import build, morph
from rena_pl.network.morphism import copy_overlap, matching_layers
from rena_pl.space import Insert, Remove, Scale, SearchSpace
from rena_pl.space.starts import rudimentary

INPUT = (1, 6, 9)


def chain(*channels: int) -> Architecture:
    temporal = layer_types()["temporal"]
    return Architecture(
        tuple(temporal(channels=c, kernel=3).as_layer(i) for i, c in enumerate(channels))
    )


def test_an_unchanged_network_inherits_everything() -> None:
    parent = build(chain(8, 16, 8), INPUT, 4).eval()
    parent(torch.randn(2, *INPUT))
    child = build(chain(8, 16, 8), INPUT, 4).eval()
    assert morph(chain(8, 16, 8), parent.state_dict(), chain(8, 16, 8), child) == 3
    features = torch.randn(5, *INPUT)
    assert torch.equal(parent(features), child(features))


def test_batch_norm_statistics_go_along() -> None:
    parent = build(chain(8), INPUT, 4).train()
    parent(torch.randn(50, *INPUT) + 3)
    child = build(chain(8), INPUT, 4)
    morph(chain(8), parent.state_dict(), chain(8), child)
    for name, tensor in child.state_dict().items():
        assert torch.equal(tensor, parent.state_dict()[name]), name


def test_layers_around_an_insertion_and_a_removal_keep_their_weights() -> None:
    before = chain(8, 16, 24)
    hyper = before.layers[1].hyper
    assert matching_layers(before, Insert(1, "temporal", hyper).apply(before)) in (
        {0: 0, 1: 1, 3: 2},
        {0: 0, 2: 1, 3: 2},
    )
    assert matching_layers(before, Remove(1).apply(before)) == {0: 0, 1: 2}
    assert matching_layers(before, Scale(1, "channels", 12).apply(before)) == {0: 0, 1: 1, 2: 2}


def test_a_changed_tensor_keeps_the_part_that_both_have() -> None:
    target = torch.zeros(3, 2, 1, 5)
    source = torch.arange(2 * 4 * 3).reshape(2, 4, 1, 3).float() + 1
    copy_overlap(source, target)
    assert torch.equal(target[:2, :2, :, 1:4], source[:, :2])
    assert target[2].abs().sum() == 0
    assert target[..., 0].abs().sum() == 0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32))
def test_any_action_can_inherit(seed: int) -> None:
    rng = random.Random(seed)
    space = SearchSpace(max_layers=5)
    parent = rudimentary(space)
    for _ in range(6):
        child = space.random_action(parent, rng).apply(parent)
        network = build(child, INPUT, 3)
        morph(parent, build(parent, INPUT, 3).state_dict(), child, network)
        assert network(torch.randn(2, *INPUT)).isfinite().all()
        parent = child
