"""The published networks, beside what was published about them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from rena_pl.architecture import Architecture
from rena_pl.network import build
from rena_pl.resources import profile
from rena_pl.space import SearchSpace
from rena_pl.space.named import NAMED
from rena_pl.space.starts import start_architecture

SPEECH = (1, 40, 101)
MFCC = (1, 10, 49)
IMAGE = (3, 32, 32)
CASES = {
    "bc_resnet_1": (SPEECH, 12),
    "bc_resnet_2": (SPEECH, 12),
    "ds_cnn_s": (MFCC, 12),
    "tc_resnet8": (SPEECH, 12),
    "resnet20": (IMAGE, 10),
    "nasnet_like": (IMAGE, 10),
}


def test_every_network_is_tested() -> None:
    assert sorted(CASES) == sorted(NAMED)


@pytest.mark.parametrize(
    ("name", "arch_id"),
    [
        ("bc_resnet_1", "178843be47b3"),
        ("bc_resnet_2", "226fbf1fa88c"),
        ("ds_cnn_s", "c786a3ada6dc"),
        ("tc_resnet8", "1e32ad10a1d3"),
        ("resnet20", "5ed3a110b658"),
        ("nasnet_like", "b9f1b1f30a9e"),
    ],
)
def test_golden_arch_ids(name: str, arch_id: str) -> None:
    """The name of an architecture must never change, or old ledgers would lose their networks."""
    assert NAMED[name]().arch_id == arch_id


@pytest.mark.parametrize("name", NAMED)
def test_they_build_run_and_round_trip(name: str) -> None:
    input_shape, classes = CASES[name]
    architecture = NAMED[name]()
    assert Architecture.from_json(architecture.to_json()) == architecture
    network = build(architecture, input_shape, classes).eval()
    assert network(torch.randn(2, *input_shape)).shape == (2, classes)


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("bc_resnet_1", 9_200),  # arXiv 2106.04140, table 2
        ("bc_resnet_2", 27_300),
        ("ds_cnn_s", 23_200),  # arXiv 1711.07128: about 24k, with the statistics of norms
        ("tc_resnet8", 66_000),  # arXiv 1904.03814, table 1
        ("resnet20", 270_000),  # arXiv 1512.03385, table 6
    ],
)
def test_parameters_are_the_published(name: str, published: int) -> None:
    assert profile(NAMED[name](), *CASES[name]).params == pytest.approx(published, rel=0.03)


def test_ds_cnn_s_with_the_statistics_of_its_norms() -> None:
    architecture = NAMED["ds_cnn_s"]()
    assert profile(architecture, *CASES["ds_cnn_s"]).params == 23_180
    held = [
        buffer.numel()
        for name, buffer in build(architecture, *CASES["ds_cnn_s"]).named_buffers()
        if "running" in name
    ]
    assert 23_180 + sum(held) == pytest.approx(24_300, rel=0.01)


@pytest.mark.parametrize(
    ("name", "convolutions", "published"),
    [
        # The paper's 3.1M lie between convolutions alone and thop's count, with norms.
        ("bc_resnet_1", 2_481_772, None),
        ("tc_resnet8", 1_562_688, 1_500_000),
        ("ds_cnn_s", 2_656_000, 5_400_000 / 2),  # published as operations
        ("resnet20", 40_812_544, 41_000_000),
    ],
)
def test_multiplications_beside_the_published(
    name: str, convolutions: int, published: float | None
) -> None:
    counted = multiplications(name)
    assert counted == convolutions
    if published is not None:
        assert counted == pytest.approx(published, rel=0.05)
    assert counted < profile(NAMED[name](), *CASES[name]).macs


def test_bc_resnet_1_has_the_published_multiplications_between_two_ways_to_count() -> None:
    macs = profile(NAMED["bc_resnet_1"](), *CASES["bc_resnet_1"]).macs
    assert multiplications("bc_resnet_1") < 3_100_000 < macs


def multiplications(name: str) -> int:
    """Of convolutions alone."""
    count = 0

    def add(module: nn.Conv2d, _: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal count
        count += module.weight[0].numel() * output[0].numel()

    input_shape, classes = CASES[name]
    network = build(NAMED[name](), input_shape, classes).eval()
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(add)
    network(torch.zeros(1, *input_shape))
    return count


@pytest.mark.parametrize("name", NAMED)
def test_a_search_can_start_from_them(name: str) -> None:
    input_shape, _ = CASES[name]
    architecture = NAMED[name]()
    skeleton = {"kind": architecture.skeleton.kind, **dict(architecture.skeleton.hyper)}
    space = SearchSpace(max_layers=40, skeleton=skeleton)
    start = start_architecture(name, space)
    space.check(start, input_shape)
    assert start == architecture
