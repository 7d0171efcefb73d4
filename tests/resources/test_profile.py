from __future__ import annotations

import random

import pytest
import torch

from rena_pl.architecture import Architecture
from rena_pl.errors import RenaError
from rena_pl.layers import layer_types
from rena_pl.network import build
from rena_pl.resources import ENTRIES, layer_profiles, profile
from rena_pl.resources.profile import thop_macs
from rena_pl.space import SearchSpace
from rena_pl.space.starts import rudimentary

INPUT = (1, 20, 31)


def conv_chain() -> Architecture:
    conv = layer_types()["conv2d"](channels=4, norm="none")
    pool = layer_types()["pool"](mode="max", height=2, width=2)
    return Architecture((conv.as_layer(0), pool.as_layer(1)))


def test_every_entry_by_hand() -> None:
    use = profile(conv_chain(), (1, 6, 6), 3)
    conv_params, head_params = 4 * 9 + 4, 4 * 3 + 3
    conv_macs, head_macs = 4 * 9 * 36, 4 * 3 + 4 * (9 + 1)
    moved = (36 + conv_params + 144) + (144 + 36) + (36 + head_params + 3)
    assert use.params == conv_params + head_params
    assert use.model_bytes == 4 * use.params
    assert use.macs == conv_macs + head_macs
    assert use.flops == 2 * use.macs
    assert use.bytes_moved == 4 * moved
    assert use.intensity == use.flops / use.bytes_moved
    assert use.peak_memory == 4 * (144 + 144)  # the activation after the convolution
    assert tuple(use.as_dict()) == ENTRIES


def test_bytes_follow_the_dtype() -> None:
    full, half = (profile(conv_chain(), INPUT, 3, dtype) for dtype in ("float32", "float16"))
    assert full.bytes_moved == 2 * half.bytes_moved
    assert full.peak_memory == 2 * half.peak_memory
    assert full.macs == half.macs
    with pytest.raises(RenaError, match="unknown dtype 'int3'"):
        profile(conv_chain(), INPUT, 3, "int3")


def test_batch_norm_statistics_count_as_bytes_and_not_as_parameters() -> None:
    conv = Architecture((layer_types()["conv2d"](channels=4, norm="batch").as_layer(0),))
    use = profile(conv, INPUT, 3)
    assert use.model_bytes == 4 * (use.params + 2 * 4 + 1)


def test_the_sum_over_layers_is_thop_on_the_whole_network() -> None:
    space, rng = SearchSpace(max_layers=6), random.Random(0)
    architecture = rudimentary(space)
    for _ in range(60):
        architecture = space.random_action(architecture, rng).apply(architecture)
        with torch.device("meta"):
            network = build(architecture, INPUT, 7)
        use = profile(architecture, INPUT, 7)
        assert use.macs == thop_macs(network, (torch.empty(1, *INPUT, device="meta"),))
        assert use.params == sum(p.numel() for p in network.parameters())


def test_peak_memory_holds_what_a_shortcut_waits_for() -> None:
    block = layer_types()["temporal_residual"](channels=64, kernel=3, stride=1)
    architecture = Architecture((block.as_layer(0),))
    values = profile(architecture, (64, 1, 100), 3).peak_memory / 4
    assert values == 3 * 64 * 100  # the input, and what goes into and comes out of a convolution


def test_views_take_no_memory() -> None:
    temporal = layer_types()["temporal"](channels=16, kernel=9, stride=1)
    values = profile(Architecture((temporal.as_layer(0),)), (1, 40, 101), 3).peak_memory / 4
    assert values == 40 * 101 + 16 * 101


def test_one_line_per_layer_and_one_for_the_classifier() -> None:
    layers = layer_profiles(conv_chain(), INPUT, 7)
    assert [layer.name.split("(")[0] for layer in layers] == ["conv2d", "pool", "classifier"]


def test_counting_leaves_no_trace_in_a_module() -> None:
    module = torch.nn.Linear(3, 2)
    before = set(module.state_dict())
    thop_macs(module, (torch.randn(1, 3),))
    assert set(module.state_dict()) == before
