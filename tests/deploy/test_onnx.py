"""Graphs: what the exporter makes of networks, and what is made of that."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from rena_pl.data.front_end import SpeechFrontEnd
from rena_pl.deploy.int8 import quantise, quantised_operators
from rena_pl.deploy.onnx_graph import AUDIO, FEATURES, LOGITS, annotate, behind, export
from rena_pl.deploy.onnx_session import OnnxNetwork, most_alive
from rena_pl.errors import RenaError
from rena_pl.layers.modules.norm import SubSpectralNorm
from rena_pl.network import build
from rena_pl.resources import profile
from rena_pl.space.named import NAMED

SHAPE = (1, 40, 101)
LARGEST_INT8_FILE = 40_000
"""Bytes, for a network of nine thousand parameters."""


def written(model, folder: Path) -> OnnxNetwork:
    path = folder / "network.onnx"
    path.write_bytes(model.SerializeToString())
    return OnnxNetwork(path)


def lived_in(name: str) -> nn.Module:
    """A published network whose norms have seen something."""
    torch.manual_seed(0)
    network = build(NAMED[name](), SHAPE, 10)
    with torch.no_grad():
        for _ in range(3):
            network(torch.randn(20, *SHAPE))
    return network.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def bc_resnet():
    return lived_in("bc_resnet_1")


@pytest.fixture(scope="module")
def graph(bc_resnet):
    return export(bc_resnet, torch.randn(2, *SHAPE), FEATURES, LOGITS)


@pytest.mark.parametrize("batch", [1, 3])
def test_a_graph_gives_what_the_network_gives(batch: int, bc_resnet, graph, tmp_path: Path) -> None:
    features = torch.randn(batch, *SHAPE)
    given = written(graph, tmp_path)(features)
    assert torch.allclose(given, bc_resnet(features), atol=1e-4)


def test_a_front_end_goes_before_a_network(bc_resnet, graph, tmp_path: Path) -> None:
    front_end = SpeechFrontEnd("mfcc").eval()
    front = export(front_end, torch.randn(2, 16_000), AUDIO, FEATURES)
    network = written(behind(front, graph), tmp_path)
    assert network.source == AUDIO
    waveforms = 0.1 * torch.randn(3, 16_000)
    expected = bc_resnet(front_end(waveforms))
    assert torch.allclose(network(waveforms), expected, atol=1e-2, rtol=1e-3)


def test_int8_is_small_and_computes_in_eight_bits(bc_resnet, graph, tmp_path: Path) -> None:
    features = torch.randn(100, *SHAPE)
    quantised = quantise(graph, features.split(50))
    operators = quantised_operators(quantised)
    parts = [type(part) for part in bc_resnet.modules()]
    assert operators["QLinearConv"] == parts.count(nn.Conv2d) + parts.count(SubSpectralNorm)
    left = {node.op_type for node in quantised.graph.node}
    assert not left & {"Conv", "BatchNormalization", "Gemm", "Add", "Mul"}
    network = written(quantised, tmp_path)
    assert network.path.stat().st_size <= LARGEST_INT8_FILE
    given, expected = network(features), bc_resnet(features)
    assert float((given - expected).std() / expected.std()) < 0.2


def test_what_has_nothing_to_quantise_is_refused() -> None:
    graph = export(nn.Sequential(nn.Flatten()).eval(), torch.randn(2, *SHAPE), FEATURES, LOGITS)
    with pytest.raises(RenaError, match="no layer that can be quantised"):
        quantise(graph, [torch.randn(2, *SHAPE)])


def test_notes_are_given_back(graph, tmp_path: Path) -> None:
    annotate(graph, {"labels": '["はい", "no"]'})
    meta = written(graph, tmp_path).session.get_modelmeta()
    assert meta.custom_metadata_map == {"labels": '["はい", "no"]'}


def test_peak_memory_is_the_profiles_where_nothing_is_fused(tmp_path: Path) -> None:
    """Layers of plain convolutions, whose working set is that of the profile."""
    architecture = NAMED["ds_cnn_s"]()
    network = build(architecture, SHAPE, 10).eval()
    graph = export(network, torch.randn(2, *SHAPE), FEATURES, LOGITS)
    example = torch.randn(1, *SHAPE)
    measured = written(graph, tmp_path).peak_memory(example)
    assert measured == profile(architecture, SHAPE, 10).peak_memory


@given(st.lists(st.integers(1, 100), min_size=2, max_size=8))
def test_a_chain_holds_two_neighbours(sizes: list[int]) -> None:
    names = [str(number) for number in range(len(sizes))]
    steps = [([before], [after]) for before, after in pairwise(names)]
    alive = most_alive(steps, dict(zip(names, sizes, strict=True)), {names[-1]})
    assert alive == max(a + b for a, b in pairwise(sizes))


def test_a_shortcut_is_held_until_it_is_read() -> None:
    steps = [(["in"], ["a"]), (["a"], ["b"]), (["b", "in"], ["out"])]
    assert most_alive(steps, {"in": 10, "a": 5, "b": 3, "out": 1}, {"out"}) == 10 + 5 + 3
