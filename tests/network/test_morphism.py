"""What a child takes over from its parent, and that it keeps the function where it says so."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from rena_pl.architecture import Architecture, ArchitectureError, Layer, Skeleton
from rena_pl.layers import LayerType, choice, decode, layer_types
from rena_pl.layers.modules.norm import give_statistics
from rena_pl.layers.registry import IN, OUT, _registered
from rena_pl.network import build, morph
from rena_pl.network.morphism import matching_layers
from rena_pl.network.transplant import Spaces, transplant
from rena_pl.search.searchers.neighbourhood import CHANGES, FEW
from rena_pl.space import Insert, Remove, Scale, SearchSpace
from rena_pl.space.starts import rudimentary
from tests.network.networks import (
    CLASSES,
    EXACT,
    INPUT,
    chain,
    check_exact,
    features,
    inherit,
    layer,
    trained,
)

STACK = {"kind": "stack", "stages": 2, "repeats": 2, "stem_channels": 4}
ALL_TYPES = {"conv2d": None, **dict.fromkeys(sorted(layer_types()))}
"""With one to start from that leaves room for branches."""
TOLERANCE = 1e-4
KINDS = sorted(layer_types())
RECURRENT = {"gru", "lstm", "attention_gru"}
GROWING = [(kind, name) for kind in KINDS for name in sorted(layer_types()[kind].grows)]
MAP = layer("conv2d", 0, channels=8)
STEPS = layer("temporal", 0, channels=8, kernel=3)
"""Two starts: a map of 8 channels with height, and one without; both hold nothing below zero."""


def random_architecture(space: SearchSpace, rng: random.Random) -> Architecture:
    architecture = rudimentary(space)
    for _ in range(rng.randrange(1, 12)):
        architecture = space.random_action(architecture, rng).apply(architecture)
    return architecture


def check_walk(space: SearchSpace, seed: int, children: int) -> int:
    """Morph along changes as searchers make them, several between a parent and its child.

    Returns:
        How many changed children were said to be exact; all of those were.
    """
    rng = random.Random(seed)
    parent = random_architecture(space, rng)
    exact = 0
    for step in range(children):
        child = parent
        for _ in range(rng.choice(FEW)):
            child = rng.choice(CHANGES)(space, child, rng)
        inheritance, difference, _, _ = inherit(parent, child, seed + step)
        if inheritance.exact:
            exact += child != parent
            assert difference < EXACT
        parent = child
    return exact


@settings(max_examples=60)
@given(st.integers(0, 2**32))
def test_a_chain_that_is_said_to_be_exact_is(seed: int) -> None:
    check_walk(SearchSpace(ALL_TYPES, max_layers=6), seed, 4)


@settings(max_examples=20)
@given(st.integers(0, 2**32))
def test_a_stack_that_is_said_to_be_exact_is(seed: int) -> None:
    check_walk(SearchSpace(ALL_TYPES, max_layers=5, skeleton=STACK), seed, 3)


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.sampled_from([None, STACK]))
def test_branched_networks_that_are_said_to_be_exact_are(seed: int, skeleton) -> None:
    """With few types and choices, so that shortcuts are plain and most actions are exact."""
    check_walk(branched_space(skeleton), seed, 4)


def branched_space(skeleton) -> SearchSpace:
    few = {"channels": [8, 4, 12], "activation": ["relu", "crelu"]}
    return SearchSpace(
        {
            "conv2d": {**few, "stride_height": [1], "stride_width": [1], "kernel_height": [1, 3]},
            "pool": {"height": [1], "width": [1, 2]},
            "add": {"activation": ["relu", "none"]},
            "concat": {},
            "inverted_residual": {
                "channels": [4, 8],
                "stride_height": [1],
                "stride_width": [1],
                "expansion": [1, 2],
            },
            "self_attention": {"units": [8, 12], "heads": [1, 2]},
            "temporal_residual": {"channels": [8, 12], "stride": [1], "activation": ["relu"]},
        },
        max_layers=7,
        skeleton=skeleton,
    )


def test_the_properties_above_are_not_empty() -> None:
    exact = sum(check_walk(branched_space(None), seed, 5) for seed in range(50))
    assert exact >= 25


def between(kind: str, start: Layer, **hyper) -> Architecture:
    """A layer in the middle of a small network."""
    middle = layer(kind, 1, **hyper)
    if decode(middle).flattens:
        return chain(start, middle, layer("dense", 2, units=16, activation="elu"))
    return chain(start, middle, layer("conv2d", 2, channels=4, activation="elu"))


def random_hyper(kind: str, rng: random.Random) -> dict:
    return {name: rng.choice(values) for name, values in layer_types()[kind].choices().items()}


@pytest.mark.parametrize("start", [MAP, STEPS], ids=["map", "steps"])
@pytest.mark.parametrize(("kind", "name"), GROWING)
def test_growing_keeps_the_function(kind: str, name: str, start: Layer) -> None:
    """For every type and what it says can grow; residual types without a plain shortcut here."""
    rng = random.Random(f"{kind} {name}")
    width = layer_types()[kind].stage_scaled
    values = sorted(layer_types()[kind].choices()[name])
    for _ in range(3):
        hyper = random_hyper(kind, rng)
        if width is not None:
            hyper[width] = rng.choice([4, 12])
        low, high = (4, 12) if name == width else sorted(rng.sample(values, 2))
        check_exact(
            between(kind, start, **{**hyper, name: low}),
            between(kind, start, **{**hyper, name: high}),
        )


@pytest.mark.parametrize("start", [MAP, STEPS], ids=["map", "steps"])
@pytest.mark.parametrize("kind", KINDS)
def test_widening_what_a_layer_reads_keeps_the_function(kind: str, start: Layer) -> None:
    """From 8 to 12 channels, where the layer has no plain shortcut of 8 channels."""
    wide = replace(start, hyper=tuple(sorted({**start.values, "channels": 12}.items())))
    rng = random.Random(kind)
    for _ in range(3):
        hyper = random_hyper(kind, rng)
        if layer_types()[kind].stage_scaled:
            hyper[layer_types()[kind].stage_scaled] = 16
        if layer_types()[kind].sources == 2:
            parent = chain(start, layer("pool", 1, height=1, width=1), layer(kind, 2, 1, **hyper))
        else:
            parent = between(kind, start, **hyper)
        check_exact(parent, replace(parent, layers=(wide, *parent.layers[1:])))


@pytest.mark.parametrize("start", [MAP, STEPS], ids=["map", "steps"])
@pytest.mark.parametrize("kind", KINDS)
def test_inserting_an_identity_keeps_the_function(kind: str, start: Layer) -> None:
    rng, made = random.Random(kind), layer_types()[kind]
    after = "dense" if made.flattens else "conv2d"
    parent = chain(start, layer(after, 1))
    shape = (8, 6, 9) if start == MAP else (8, 1, 9)
    inputs, second = ((shape,), None) if made.sources == 1 else ((shape, INPUT), 0)
    tried = 0
    for _ in range(400):
        hyper = random_hyper(kind, rng)
        decoded = made(**hyper)
        channels = decoded.output_shape(inputs)[0] // (1 + (hyper.get("activation") == "crelu"))
        if channels >= 8 and decoded.is_identity(inputs, nonnegative=True):
            action = Insert(1, kind, tuple(sorted(hyper.items())), 0, second)
            check_exact(parent, action.apply(parent))
            tried += 1
        if tried == 4:
            return
    never = kind in RECURRENT or (
        start == MAP and kind in ("temporal", "temporal_residual", "self_attention")
    )
    assert (tried == 0) == never


def test_an_identity_with_too_few_channels_is_not_exact() -> None:
    parent = chain(MAP, layer("conv2d", 1))
    for hyper in ({"channels": 4}, {"channels": 12, "activation": "crelu"}):
        inserted = Insert(1, "conv2d", layer("conv2d", **hyper).hyper).apply(parent)
        inheritance, difference, _, _ = inherit(parent, inserted)
        assert not inheritance.exact
        assert difference > TOLERANCE


def test_an_activation_that_cuts_off_what_is_negative_is_not_exact() -> None:
    parent = chain(layer("conv2d", 0, activation="elu"), layer("conv2d", 1))
    inserted = Insert(1, "conv2d", layer("conv2d", channels=32).hyper).apply(parent)
    assert not inherit(parent, inserted)[0].exact
    free = Insert(1, "conv2d", layer("conv2d", channels=32, activation="none").hyper)
    check_exact(parent, free.apply(parent))


@pytest.mark.parametrize(("reader", "second"), [(2, 0), (2, 1), (3, 0), (3, 1), (3, 2)])
@pytest.mark.parametrize(
    ("kind", "hyper"), [("add", {"norm": "batch"}), ("add", {"activation": "relu"}), ("concat", {})]
)
def test_a_new_branch_keeps_the_function(kind: str, hyper, reader: int, second: int) -> None:
    """From the input, whose height, width and channels differ, and from earlier layers."""
    strided = layer("conv2d", 0, channels=8, stride_height=2, stride_width=4)
    parent = chain(strided, layer("conv2d", 1, channels=8), layer("conv2d", 2, channels=4))
    action = Insert(reader, kind, layer(kind, **hyper).hyper, 0, second)
    check_exact(parent, action.apply(parent))


def test_a_branch_into_the_second_slot_of_a_merge() -> None:
    parent = chain(MAP, layer("conv2d", 1, channels=8), layer("add", 2, 1))
    for slot in (0, 1):
        conv = Insert(2, "conv2d", layer("conv2d", channels=8).hyper, slot)
        check_exact(parent, conv.apply(parent))
        wider = Insert(2, "conv2d", layer("conv2d", channels=12).hyper, slot)
        check_exact(parent, wider.apply(parent))


@pytest.mark.parametrize("norm", ["batch", "none"])
@pytest.mark.parametrize("index", [0, 1, 2])
def test_widening_around_a_plain_sum_keeps_the_function(norm: str, index: int) -> None:
    """The shortcut becomes a projection that joins the old channels."""
    parent = chain(
        layer("conv2d", 0, channels=8, activation="elu"),
        layer("conv2d", 1, channels=8),
        layer("conv2d", 2, channels=8, activation="none"),
        layer("add", 3, 1, norm=norm, activation="relu"),
        layer("conv2d", 4, channels=4),
    )
    check_exact(parent, Scale(index, "channels", 12).apply(parent))


def test_a_sum_that_gets_a_projection_and_loses_its_norm_is_not_exact() -> None:
    parent = chain(MAP, layer("conv2d", 1, channels=8), layer("add", 2, 1, norm="batch"))
    child = Scale(2, "norm", "none").apply(Scale(1, "channels", 12).apply(parent))
    inheritance, difference, _, _ = inherit(parent, child)
    assert not inheritance.exact
    assert difference > TOLERANCE


def test_a_sum_whose_channels_no_longer_meet_is_not_exact() -> None:
    """The second branch has as many channels as the first, but others in the places of the old."""
    parent = chain(
        layer("conv2d", 0, channels=4),
        layer("conv2d", 1, channels=4),
        layer("concat", 2, 1),
        layer("conv2d", 2, channels=8, activation="elu"),
        layer("add", 4, 3),
        layer("conv2d", 5, channels=4),
    )
    child = Scale(3, "channels", 12).apply(Scale(1, "channels", 8).apply(parent))
    inheritance, difference, _, _ = inherit(parent, child)
    assert not inheritance.exact
    assert difference > TOLERANCE


@pytest.mark.parametrize(
    ("kind", "hyper"),
    [("temporal_residual", {"channels": 8}), ("self_attention", {"units": 8})],
)
def test_growing_around_a_plain_shortcut_keeps_the_function(kind: str, hyper) -> None:
    parent = between(kind, STEPS, **hyper)
    (name,) = hyper
    check_exact(parent, Scale(1, name, 12).apply(parent))
    check_exact(parent, Scale(0, "channels", 12).apply(parent))
    both = Scale(0, "channels", 12).apply(Scale(1, name, 12).apply(parent))
    check_exact(parent, both)


@pytest.mark.parametrize("kind", ["inverted_residual", "broadcast_residual"])
def test_a_block_that_loses_its_shortcut_is_not_exact(kind: str) -> None:
    parent = between(kind, MAP, channels=8)
    assert not inherit(parent, Scale(1, "channels", 12).apply(parent))[0].exact
    both = Scale(0, "channels", 12).apply(Scale(1, "channels", 12).apply(parent))
    check_exact(parent, both)


NORMS = [("none", "batch"), ("none", "sub_spectral"), ("batch", "none"), ("batch", "sub_spectral")]


@pytest.mark.parametrize(("old", "new"), NORMS)
@pytest.mark.parametrize("kind", ["conv2d", "depthwise_separable", "dilated"])
def test_a_norm_comes_goes_and_is_divided(kind: str, old: str, new: str) -> None:
    start = layer("conv2d", 0, channels=8, activation="elu")
    parent = between(kind, start, channels=4, norm=old)
    check_exact(parent, Scale(1, "norm", new).apply(parent))
    wider = Scale(1, "channels", 12).apply(Scale(1, "norm", new).apply(parent))
    check_exact(parent, wider)


def test_bands_that_become_one_norm_are_not_exact_but_near() -> None:
    parent = chain(layer("conv2d", 0, channels=8, norm="sub_spectral", activation="none"))
    inheritance, _, before, after = inherit(parent, Scale(0, "norm", "batch").apply(parent))
    assert not inheritance.exact
    bands = before.layers[0].norm.norm.weight.view(8, -1)
    assert all(
        value in channel for value, channel in zip(after.layers[0].norm.weight, bands, strict=True)
    )


def test_dense_layers_do_not_mind_the_extent() -> None:
    parent = chain(MAP, layer("dense", 1))
    check_exact(parent, Insert(1, "dense", layer("dense", units=16).hyper).apply(parent))


SHRINKING = [
    ("conv2d", MAP, {}, "norm.weight", ("conv.weight", "norm.bias", "norm.running_mean")),
    ("conv2d", MAP, {"norm": "none"}, "conv.weight", ("conv.bias",)),
    ("dense", MAP, {}, "linear.weight", ("linear.bias",)),
    ("gru", MAP, {}, "cell.weight_ih_l0", ("cell.bias_ih_l0", "cell.bias_hh_l0")),
    ("lstm", MAP, {}, "cell.weight_ih_l0", ("cell.bias_ih_l0", "cell.bias_hh_l0")),
    ("self_attention", MAP, {}, "project.conv.weight", ("project.conv.bias", "norm.weight")),
    ("self_attention", STEPS, {}, "norm.weight", ("norm.bias", "norm.running_mean")),
]
"""What tells how strong the channels of a layer are, and what goes along with them."""


def by_channel(tensor: Tensor, channels: int) -> Tensor:
    """`(channels, ...)`, from one below the other for every gate."""
    return tensor.unflatten(0, (-1, channels)).transpose(0, 1)


@pytest.mark.parametrize("gone", ["first", "last"])
@pytest.mark.parametrize(("kind", "start", "hyper", "strength", "others"), SHRINKING)
def test_shrinking_keeps_the_strongest_channels(
    kind: str, start: Layer, hyper, strength: str, others: tuple[str, ...], gone: str
) -> None:
    width = layer_types()[kind].stage_scaled
    parent = between(kind, start, **{width: 8}, **hyper)
    before = trained(parent)
    gains = torch.linspace(0.1, 0.8, 8, dtype=torch.float64)
    gains = gains if gone == "first" else gains.flip(0)
    with torch.no_grad():
        for channel, gain in zip(
            by_channel(before.layers[1].get_parameter(strength), 8), gains, strict=True
        ):
            channel *= -gain / channel.norm()
    child = Scale(1, width, 5).apply(parent)
    after = build(child, INPUT, CLASSES).double()
    assert not morph(parent, before.state_dict(), child, after).exact
    kept = torch.arange(3, 8) if gone == "first" else torch.arange(5)
    old, new = (network.layers[1].state_dict() for network in (before, after))
    for name in (strength, *others):
        assert torch.equal(by_channel(new[name], 5), by_channel(old[name], 8)[kept]), name
    old_reader, reader = (next(network.layers[2].parameters()) for network in (before, after))
    assert torch.equal(reader, old_reader[:, kept])


def test_channels_that_nothing_else_writes_are_kept_by_how_they_are_read() -> None:
    old, new = nn.Linear(8, 3), nn.Linear(5, 3)
    spaces = Spaces()
    with torch.no_grad():
        old.weight /= old.weight.norm(dim=0)
        old.weight *= torch.linspace(0.8, 0.1, 8)
        lost = transplant(new, old, old.state_dict(), {"": ("inside", OUT)}, spaces)
    assert lost
    assert spaces == {"inside": list(range(5)), OUT: list(range(3))}
    assert torch.equal(new.weight, old.weight[:, :5])


def test_a_channel_that_does_nothing_can_go() -> None:
    """Shrinking is said to be inexact, but what is lost is only what was weak."""
    parent = chain(MAP, layer("conv2d", 1, channels=4))
    before = trained(parent).train(False)
    with torch.no_grad():
        before.layers[0].norm.weight[2] = before.layers[0].norm.bias[2] = 0
    child = Scale(0, "channels", 7).apply(parent)
    after = build(child, INPUT, CLASSES).double().eval()
    morph(parent, before.state_dict(), child, after)
    batch = features()
    torch.testing.assert_close(after(batch), before(batch))


def test_a_smaller_kernel_is_the_centre() -> None:
    parent = chain(layer("conv2d", 0, channels=4, kernel_height=5, kernel_width=7))
    child = Scale(0, "kernel_height", 3).apply(Scale(0, "kernel_width", 4).apply(parent))
    _, _, before, after = inherit(parent, child)
    kernel = before.layers[0].conv.weight
    assert torch.equal(after.layers[0].conv.weight, kernel[:, :, 1:4, 2:6])


def test_a_wider_kernel_has_zeros_around() -> None:
    parent = chain(layer("conv2d", 0, channels=4, kernel_height=3, kernel_width=4))
    child = Scale(0, "kernel_height", 5).apply(Scale(0, "kernel_width", 7).apply(parent))
    _, _, before, after = inherit(parent, child)
    kernel = after.layers[0].conv.weight
    assert torch.equal(kernel[:, :, 1:4, 2:6], before.layers[0].conv.weight)
    assert kernel.count_nonzero() == before.layers[0].conv.weight.numel()


def test_an_unchanged_network_inherits_everything() -> None:
    parent = chain(MAP, layer("gru", 1), layer("self_attention", 2), layer("add", 3, 1))
    inheritance, difference, before, after = inherit(parent, parent)
    assert inheritance.layers == 4
    assert inheritance.exact
    assert difference == 0
    for name, tensor in after.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert torch.equal(tensor, before.state_dict()[name]), name


def test_single_precision_is_exact_enough() -> None:
    parent = chain(MAP, layer("conv2d", 1, channels=8), layer("add", 2, 1))
    child = Insert(2, "conv2d", layer("conv2d", channels=12).hyper).apply(parent)
    before = trained(parent).float()
    after = build(child, INPUT, CLASSES).eval()
    assert morph(parent, before.state_dict(), child, after).exact
    batch = features().float()
    torch.testing.assert_close(after(batch), before(batch), atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize(
    "action",
    [
        Scale(0, "channels", 12),
        Scale(1, "channels", 12),
        Scale(1, "kernel_height", 5),
        Insert(1, "conv2d", layer("conv2d", channels=16).hyper),
        Insert(1, "inverted_residual", layer("inverted_residual", channels=8).hyper),
        Insert(2, "add", layer("add").hyper, 0, 0),
        Insert(2, "concat", (), 0, 1),
        Insert(0, "dilated", layer("dilated", channels=48, activation="none").hyper),
    ],
    ids=str,
)
def test_every_copy_in_a_stack_takes_over_its_own(action) -> None:
    skeleton = Skeleton("stack", tuple(sorted((n, v) for n, v in STACK.items() if n != "kind")))
    parent = chain(MAP, layer("conv2d", 1, channels=8), skeleton=skeleton)
    check_exact(parent, action.apply(parent))


@pytest.mark.parametrize(
    "action",
    [
        Scale(1, "channels", 16),
        Scale(1, "kernel_height", 7),
        Insert(1, "conv2d", layer("conv2d", channels=12).hyper),
        Insert(1, "inverted_residual", layer("inverted_residual", channels=8).hyper),
        Insert(1, "broadcast_residual", layer("broadcast_residual", channels=8).hyper),
        Insert(2, "add", layer("add").hyper, 0, 0),
        Insert(2, "concat", (), 0, 0),
        Insert(2, "self_attention", layer("self_attention", units=48).hyper),
    ],
    ids=str,
)
def test_what_is_new_learns(action) -> None:
    """Zeros keep the function, but nothing new may stay without a gradient for good."""
    parent = chain(MAP, layer("conv2d", 1, channels=8, kernel_height=3))
    child = action.apply(parent)
    _, _, _, after = inherit(parent, child)
    after.train()
    start = {name: parameter.clone() for name, parameter in after.named_parameters()}
    optimizer = torch.optim.SGD(after.parameters(), lr=0.1)
    for _ in range(4):
        optimizer.zero_grad()
        nn.functional.cross_entropy(after(features(6)), torch.arange(6) % CLASSES).backward()
        optimizer.step()
    for name, parameter in after.named_parameters():
        assert not torch.equal(parameter, start[name]), name


def test_norms_of_new_layers_do_nothing_in_training_either() -> None:
    parent = chain(
        layer("conv2d", 0, channels=8, norm="none", activation="elu"),
        layer("conv2d", 1, channels=8, norm="none"),
    )
    child = Scale(0, "norm", "batch").apply(parent)
    child = Insert(1, "conv2d", layer("conv2d", channels=8, activation="none").hyper).apply(child)
    _, _, before, after = inherit(parent, child)
    batch = features(16)
    expected = before(batch)
    torch.testing.assert_close(after(batch), expected)
    give_statistics(after, batch)
    torch.testing.assert_close(after(batch), expected)
    torch.testing.assert_close(after.train()(batch), expected)


def test_layers_around_an_insertion_and_a_removal_continue_themselves() -> None:
    before = chain(*(layer("temporal", i, channels=c, kernel=3) for i, c in enumerate((8, 16, 24))))
    hyper = before.layers[1].hyper
    inserted = matching_layers(before, Insert(1, "temporal", hyper).apply(before))
    assert inserted == {0: 0, 1: 1, 3: 2}
    assert matching_layers(before, Remove(1).apply(before)) == {0: 0, 1: 2}
    assert matching_layers(before, Scale(1, "channels", 12).apply(before)) == {0: 0, 1: 1, 2: 2}
    assert matching_layers(before, Scale(0, "channels", 16).apply(before)) == {0: 0, 1: 1, 2: 2}


def test_a_copy_of_a_neighbour_on_another_branch_is_told_apart() -> None:
    same = {"channels": 8, "activation": "elu"}
    parent = chain(layer("conv2d", 0, **same), layer("conv2d", 1, **same), layer("add", 2, 1))
    inserted = Insert(2, "conv2d", layer("conv2d", **same).hyper, slot=1).apply(parent)
    assert matching_layers(parent, inserted) == {0: 0, 1: 1, 3: 2}


def test_copies_in_a_stack_continue_copies() -> None:
    skeleton = Skeleton("stack", (("repeats", 2), ("stages", 2)))
    parent = chain(layer("conv2d", 0), skeleton=skeleton)
    child = Insert(0, "pool", layer("pool").hyper).apply(parent)
    # stem, module, module, reduction, module, module; each module is a pool and a convolution now
    assert matching_layers(parent, child) == {0: 0, 2: 1, 4: 2, 5: 3, 7: 4, 9: 5}


def test_another_skeleton_keeps_what_is_alike() -> None:
    parent = chain(layer("conv2d", 0), skeleton=Skeleton("stack", (("stages", 2),)))
    temporal = Skeleton("stack", (("stages", 3), ("stem", "temporal")))
    inheritance, _, _, _ = inherit(parent, replace(parent, skeleton=temporal))
    assert not inheritance.exact
    assert inheritance.layers == 2 * 2


@dataclass(frozen=True)
class Unknown(LayerType):
    """A type that says nothing about its weights."""

    kind = "unknown"
    units: int = choice(6, 12)

    def output_shape(self, inputs):
        return (self.units, *inputs[0][1:])

    def build(self, inputs):
        return nn.Sequential(nn.Conv2d(inputs[0][0], self.units, 1), nn.Tanh())


@dataclass(frozen=True)
class Known(Unknown):
    """The same, saying what its weights read and write."""

    kind = "known"
    grows = frozenset({"units"})

    def flows(self):
        return {"0": (IN, OUT)}


@dataclass(frozen=True)
class Mistaken(Known):
    """Calls the channels between its two convolutions those of its output."""

    kind = "mistaken"

    def build(self, inputs):
        inside = self.units // 2
        return nn.Sequential(nn.Conv2d(inputs[0][0], inside, 1), nn.Conv2d(inside, self.units, 1))


@pytest.fixture
def _own_types(monkeypatch: pytest.MonkeyPatch) -> None:
    for own in (Unknown, Known, Mistaken):
        monkeypatch.setitem(_registered, own.kind, own)


@pytest.mark.usefixtures("_own_types")
def test_flows_that_do_not_give_the_output_are_refused() -> None:
    parent = chain(MAP, Layer.of("mistaken", {"units": 6}, (1,)), layer("conv2d", 2, channels=4))
    with pytest.raises(ArchitectureError, match=r"mistaken: .*'out'.* 3 channels.* has 6"):
        inherit(parent, Scale(0, "channels", 12).apply(parent))


@pytest.mark.usefixtures("_own_types")
def test_a_type_that_says_nothing_keeps_the_overlap() -> None:
    unknown = Layer.of("unknown", {"units": 6}, (1,))
    parent = chain(MAP, unknown, layer("conv2d", 2, channels=4))
    check_exact(parent, Scale(2, "channels", 8).apply(parent))
    wider = Scale(0, "channels", 12).apply(parent)
    inheritance, _, before, after = inherit(parent, wider)
    assert not inheritance.exact
    assert torch.equal(after.layers[1][0].weight[:, :8], before.layers[1][0].weight)
    assert not inherit(parent, Scale(1, "units", 12).apply(parent))[0].exact


@pytest.mark.usefixtures("_own_types")
def test_a_type_that_names_its_flows_is_exact() -> None:
    known = Layer.of("known", {"units": 6}, (1,))
    parent = chain(MAP, known, layer("conv2d", 2, channels=4))
    check_exact(parent, Scale(0, "channels", 12).apply(parent))
    check_exact(parent, Scale(1, "units", 12).apply(parent))
    inherit(parent, Scale(0, "channels", 4).apply(parent))
    inherit(parent, Scale(1, "units", 3).apply(parent))
