"""The latency of networks, from what is measured of their layers."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from rena_pl.architecture import Architecture
from rena_pl.errors import RenaError
from rena_pl.layers import layer_types
from rena_pl.resources import ENTRIES, NetworkResources, latency, layer_profiles
from rena_pl.resources.latency import (
    CALL,
    CALL_ROUNDS,
    LATENCY,
    Latencies,
    TimedResources,
    measure,
)
from rena_pl.resources.latency_file import Part
from rena_pl.space import SearchSpace
from rena_pl.space.named import NAMED
from rena_pl.space.starts import rudimentary

INPUT, CLASSES = (1, 40, 101), 12


@pytest.mark.parametrize("kind", sorted(layer_types()))
def test_every_layer_type_can_be_measured(kind: str) -> None:
    layer = layer_types()[kind]()
    inputs = ((4, 6, 9),) * layer.sources
    assert measure(Part(kind, inputs, lambda: layer.build(inputs))) > 0


def test_a_network_is_one_call_and_its_layers(tmp_path: Path) -> None:
    path = tmp_path / "latency.jsonl"
    latencies = Latencies(path)
    for name in ("tc_resnet8", "bc_resnet_1"):
        network = NAMED[name]()
        layers = latencies.layers(network, INPUT, CLASSES)
        assert len(layers) == len(layer_profiles(network, INPUT, CLASSES))
        call = json.loads(path.read_text().splitlines()[0])
        assert call["layer"] == CALL.layer
        assert latencies.network(network, INPUT, CLASSES) == pytest.approx(call["ms"] + sum(layers))


def test_a_call_is_as_quick_as_the_quickest_of_many_rounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that something else slowed down would be more than quick layers take with it."""
    medians = iter([0.4, 0.2, *[0.3] * CALL_ROUNDS])
    monkeypatch.setattr(latency, "median_seconds", lambda *_: next(medians))
    assert measure(CALL) == 200
    assert measure(Part("another", CALL.inputs, CALL.build)) == 300


def test_layers_of_the_same_kind_and_shape_are_measured_once(tmp_path: Path) -> None:
    path = tmp_path / "latency.jsonl"
    block = layer_types()["temporal_residual"](channels=8, kernel=3, stride=1)
    first = layer_types()["temporal"](channels=8, kernel=3).as_layer(0)
    twice = Architecture((first, block.as_layer(1), block.as_layer(2)))
    layers = Latencies(path).layers(twice, INPUT, CLASSES)
    assert layers[1] == layers[2]
    assert len(path.read_text().splitlines()) == 4  # a call, two layers, the classifier


def test_the_entry_stands_beside_the_counted_ones(tmp_path: Path) -> None:
    counted = NetworkResources(INPUT, CLASSES)
    timed = TimedResources(counted, Latencies(tmp_path / "latency.jsonl"))
    network = NAMED["tc_resnet8"]()
    use = timed.profile(network)
    assert timed.entries == (*ENTRIES, LATENCY) == tuple(use)
    assert {entry: use[entry] for entry in ENTRIES} == counted.profile(network)
    assert timed.layers(network) == counted.layers(network)
    assert timed.profile(network) == use


def test_measuring_draws_nothing_from_the_search(small_space: SearchSpace) -> None:
    network = rudimentary(small_space)
    action = small_space.random_action(network, random.Random(0))
    torch.manual_seed(3)
    before = torch.get_rng_state()
    Latencies().network(action.apply(network), (1, 6, 8), 3)
    assert torch.equal(torch.get_rng_state(), before)


class Stubborn(nn.Module):
    """Follows a path that depends on its input, in a way that no exporter knows."""

    def forward(self, features: Tensor) -> Tensor:
        return torch.linalg.svdvals(features)


def test_a_layer_that_cannot_be_exported_is_named() -> None:
    with pytest.raises(RenaError, match=r"latency_ms of stubborn on \(\(1, 2, 3\),\) cannot be"):
        measure(Part("stubborn", ((1, 2, 3),), Stubborn))
