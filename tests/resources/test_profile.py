from __future__ import annotations

import random
from collections.abc import Iterator
from math import prod

import pytest
import torch

from rena_pl.architecture import Architecture, Layer, Shape
from rena_pl.errors import RenaError
from rena_pl.layers import LayerType, layer_shapes, layer_types
from rena_pl.network import build
from rena_pl.resources import ENTRIES, layer_profiles, profile
from rena_pl.resources.profile import alive_values, profile_layer, thop_macs
from rena_pl.space import SearchSpace
from rena_pl.space.named import NAMED
from rena_pl.space.skeletons import expand
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


STACK = {"kind": "stack", "stages": 2, "repeats": 2, "stem_channels": 8}
ALL_TYPES = {"conv2d": None, **dict.fromkeys(sorted(layer_types()))}
"""With one to start from that leaves room for branches."""
MERGES = dict.fromkeys(("conv2d", "add", "concat", "pool", "inverted_residual"))
SKELETONS = pytest.mark.parametrize("skeleton", [None, STACK], ids=["chain", "stack"])


def walk(space: SearchSpace, seed: int, actions: int) -> Iterator[Architecture]:
    rng = random.Random(seed)
    architecture = rudimentary(space)
    for _ in range(actions):
        architecture = space.random_action(architecture, rng).apply(architecture)
        yield architecture


@SKELETONS
def test_the_sum_over_layers_is_thop_on_the_whole_network(skeleton) -> None:
    kinds = set()
    for seed in range(8):
        space = SearchSpace((ALL_TYPES, MERGES)[seed % 2], max_layers=6, skeleton=skeleton)
        for architecture in walk(space, seed, 10):
            kinds |= {layer.kind for layer in architecture.layers}
            network = build(architecture, INPUT, 7)
            use = profile(architecture, INPUT, 7)
            assert use.macs == thop_macs(network, (torch.zeros(1, *INPUT),))
            assert use.params == sum(p.numel() for p in network.parameters())
            buffers = sum(b.numel() for b in network.buffers())
            assert use.model_bytes == 4 * (use.params + buffers)
    assert {"add", "concat"} <= kinds


def test_a_named_network_is_counted_as_a_whole() -> None:
    for name, shape in (("bc_resnet_1", (1, 40, 101)), ("nasnet_like", (3, 32, 32))):
        with torch.device("meta"):
            network = build(NAMED[name](), shape, 12)
        macs = thop_macs(network, (torch.empty(1, *shape, device="meta"),))
        assert profile(NAMED[name](), shape, 12).macs == macs


@SKELETONS
def test_peak_memory_holds_at_least_what_later_layers_read(skeleton) -> None:
    for seed in range(6):
        space = SearchSpace((ALL_TYPES, MERGES)[seed % 2], max_layers=8, skeleton=skeleton)
        for architecture in walk(space, seed, 10):
            layers = expand(architecture).layers
            sizes = list(map(prod, layer_shapes(layers, INPUT)))
            least = 0
            for number in range(1, len(layers) + 1):
                needed = {source for layer in layers[number - 1 :] for source in layer.inputs}
                held = sum(sizes[tensor] for tensor in needed if tensor < number)
                least = max(least, held + sizes[number])
            assert least <= profile(architecture, INPUT, 7).peak_memory / 4


def plain_conv(source: int, channels: int) -> Layer:
    conv = layer_types()["conv2d"](channels=channels, norm="none", activation="none")
    return conv.as_layer(source)


def test_peak_memory_holds_a_branch_that_waits() -> None:
    """The first layer's output waits for the sum while the third runs."""
    merge = layer_types()["add"](norm="none").as_layer(3, 1)
    layers = (plain_conv(0, 64), plain_conv(1, 128), plain_conv(2, 4))
    for network, values in [(layers, 64 + 128), ((*layers, merge), 64 + 128 + 4)]:
        assert profile(Architecture(network), (1, 10, 10), 3).peak_memory / 4 == values * 100


def test_peak_memory_holds_the_input_for_a_late_reader() -> None:
    twice = layer_types()["add"](norm="none").as_layer(0, 0)
    late = layer_types()["add"](norm="none").as_layer(4, 0)
    layers = (twice, plain_conv(1, 16), plain_conv(2, 16), plain_conv(3, 1), late)
    peak = profile(Architecture(layers), (4, 10, 10), 3).peak_memory / 4
    assert peak == (4 + 16 + 16) * 100


@pytest.mark.parametrize("kind", ["temporal", "gru", "temporal_residual", "self_attention"])
def test_an_input_that_is_read_by_a_view_is_held_once(kind: str) -> None:
    layer = layer_types()[kind]()
    layers = (plain_conv(0, 16), layer.as_layer(1), plain_conv(2, 4))
    late = (*layers, layer_types()["concat"]().as_layer(3, 1))
    alone, beside = (alive_values(Architecture(a), (1, 10, 10), 3)[1] for a in (layers, late))
    assert alone <= beside < alone + 1600


@pytest.mark.parametrize(("norm", "channels", "values"), [("batch", 16, 6400), ("none", 32, 8000)])
def test_a_merge_holds_a_second_branch_that_is_read_later(norm, channels, values) -> None:
    types = layer_types()
    add, concat = types["add"](norm=norm).as_layer(1, 2), types["concat"]().as_layer(3, 2)
    layers = (plain_conv(0, 16), plain_conv(1, channels), add, concat)
    assert alive_values(Architecture(layers), (1, 10, 10), 3)[2] == values


@pytest.mark.parametrize(
    ("kind", "inside"),
    [("depthwise_separable", 2 * 12_800), ("inverted_residual", 2 * 12_800 + 128)],
)
def test_peak_memory_holds_the_input_for_a_late_reader_while_a_layer_works_inside(
    kind: str, inside: int
) -> None:
    types = layer_types()
    layers = (plain_conv(0, 64), types[kind](channels=128).as_layer(1), plain_conv(2, 4))
    late = (*layers, types["concat"]().as_layer(3, 1))
    values = [alive_values(Architecture(made), (1, 10, 10), 3)[1] for made in (layers, late)]
    assert values == [inside, inside + 6_400]


def test_peak_memory_of_layers_by_hand() -> None:
    types = layer_types()

    def working(layer: LayerType, *inputs: Shape) -> int:
        return profile_layer(layer, inputs).working

    block = types["temporal_residual"](channels=4, stride=1)
    assert working(block, (50, 1, 100)) == (50 + 2 * 4) * 100
    maps, inside = 20 * 51, 4 * 16 * 20 * 51
    for channels, shortcut in ((16, 16 * maps), (24, 0)):
        inverted = types["inverted_residual"](channels=channels, expansion=4)
        assert working(inverted, (16, 20, 51)) == 2 * inside + 4 * 16 + shortcut
        broadcast = types["broadcast_residual"](channels=channels)
        assert working(broadcast, (16, 20, 51)) == channels * (2 * maps + 51) + shortcut
    attention = types["self_attention"](units=16, heads=4)
    scores, heads = 4 * 100 * 100, 4 * 8 * 100
    assert working(attention, (16, 1, 100)) == 16 * 100 + scores + 4 * heads
    add, shape = types["add"](norm="batch"), (8, 5, 5)
    assert working(add, shape, shape) == 3 * prod(shape)
    assert working(types["add"](norm="none"), shape, shape) == 3 * prod(shape)
    concat = types["concat"]()
    assert working(concat, shape, shape) == 4 * prod(shape)


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
    network = build(NAMED["nasnet_like"](), (3, 8, 8), 4)
    before = set(network.state_dict())
    thop_macs(network, (torch.randn(1, 3, 8, 8),))
    assert set(network.state_dict()) == before
