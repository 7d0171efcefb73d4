"""What a chain and a stack make of the searched layers."""

from __future__ import annotations

import pytest
import torch

from rena_pl.architecture import Architecture, ArchitectureError, Layer, Skeleton
from rena_pl.errors import RenaError
from rena_pl.layers import layer_shapes, layer_types
from rena_pl.network import build
from rena_pl.space.skeletons import expand

SETTINGS = {"stem_channels": 4, "stages": 3, "repeats": 2, "growth": 2, "reduction": "average"}
INPUT = (3, 16, 20)


def layer(kind: str, *inputs: int, **hyper) -> Layer:
    return layer_types()[kind](**hyper).as_layer(*inputs)


def stack(*layers: Layer, **settings) -> Architecture:
    return Architecture(layers, Skeleton("stack", tuple(sorted({**SETTINGS, **settings}.items()))))


def module() -> tuple[Layer, ...]:
    return (layer("conv2d", 0, channels=8), layer("pool", 0, height=1), layer("concat", 1, 2))


def test_a_chain_is_the_layers_themselves() -> None:
    layers = (layer("conv2d", 0), layer("dense", 1))
    expanded = expand(Architecture(layers))
    assert expanded.layers == layers
    assert expanded.searched == (0, 1)


def test_a_stack_repeats_its_module() -> None:
    expanded = expand(stack(*module()))
    kinds = [made.kind for made in expanded.layers]
    twice = ["conv2d", "pool", "concat"] * 2
    assert kinds == ["conv2d", *twice, "pool", *twice, "pool", *twice]
    copies = (0, 1, 2, 0, 1, 2)
    assert expanded.searched == (None, *copies, None, *copies, None, *copies)


def test_every_module_reads_the_one_before_it() -> None:
    layers = expand(stack(*module())).layers
    assert [made.inputs for made in layers[:8]] == [
        (0,),
        *[(1,), (1,), (2, 3)],
        *[(4,), (4,), (5, 6)],
        (7,),  # the reduction
    ]
    assert layers[8].inputs == layers[9].inputs == (8,)


def test_channels_grow_from_stage_to_stage_and_extents_shrink() -> None:
    architecture = stack(layer("conv2d", 0, channels=8), layer("self_attention", 1, units=16))
    expanded = expand(architecture)
    shapes = layer_shapes(expanded.layers, INPUT)[1:]
    assert shapes[0] == (4, 16, 20)
    searched = [
        shape for shape, copied in zip(shapes, expanded.searched, strict=True) if copied == 0
    ]
    assert [channels for channels, _, _ in searched] == [8, 8, 16, 16, 32, 32]
    assert shapes[-1] == (64, 1, 5)
    units = [made.values["units"] for made in expanded.layers if made.kind == "self_attention"]
    assert units == [16, 16, 32, 32, 64, 64]


def test_without_growth_channels_stay() -> None:
    made = expand(stack(layer("conv2d", 0, channels=8), growth=1)).layers
    assert {one.values["channels"] for one in made[1:] if one.kind == "conv2d"} == {8}


def test_what_has_no_channels_of_its_own_is_repeated_as_it_is() -> None:
    """A pool's `width` is that of its window."""
    made = expand(stack(layer("pool", 0, height=1, width=3))).layers
    searched = [one for one in made if one.values.get("width") == 3]
    assert len(searched) == 6


def test_a_stem_over_time_has_no_height() -> None:
    architecture = stack(
        layer("temporal_residual", 0), stem="temporal", stem_kernel=5, stem_stride=2
    )
    stem = expand(architecture).layers[0]
    assert (stem.kind, stem.values["kernel"], stem.values["stride"]) == ("temporal", 5, 2)
    assert layer_shapes(expand(architecture).layers, INPUT)[1] == (4, 1, 10)
    assert build(architecture, INPUT, 5)(torch.randn(2, *INPUT)).shape == (2, 5)


def test_a_stem_over_a_map_has_kernel_and_stride_in_both_directions() -> None:
    stem = expand(stack(*module(), stem_kernel=5, stem_stride=2)).layers[0]
    assert stem.values["kernel_height"] == stem.values["kernel_width"] == 5
    assert layer_shapes((stem,), INPUT)[1] == (4, 8, 10)


def test_a_stack_may_be_smaller_than_its_reductions() -> None:
    architecture = stack(layer("conv2d", 0), stages=6, repeats=1, growth=1)
    assert layer_shapes(expand(architecture).layers, (1, 4, 4))[-1][1:] == (1, 1)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"stages": 0}, "stages must be a positive whole number"),
        ({"growth": 1.5}, "growth must be a positive whole number"),
        ({"stem": "dense"}, "stem must be one of conv2d, temporal"),
        ({"reduction": "sum"}, "reduction must be one of max, average"),
        ({"depth": 3}, "skeleton stack has no setting 'depth'; it has stem"),
        ({"stages": 40, "growth": 1}, "at most 64 modules"),
        ({"stages": 9, "growth": 2}, "growth to 64 times"),
    ],
)
def test_bad_settings_are_refused(settings: dict, sentence: str) -> None:
    with pytest.raises(RenaError, match=sentence):
        expand(stack(layer("conv2d", 0), **settings))


@pytest.mark.parametrize(
    ("layers", "sentence"),
    [
        ((Layer.of("warp", {}),), r"layer 1 \(warp\): unknown layer type"),
        ((Layer.of("conv2d", {"channels": 3}),), r"layer 1 \(conv2d\): conv2d takes exactly"),
        ((layer("conv2d", 0, 0),), r"layer 1 \(conv2d\): it takes 1 inputs, not 2"),
        ((layer("conv2d", 0), layer("add", 1)), r"layer 2 \(add\): it takes 2 inputs, not 1"),
        ((layer("conv2d", 0), layer("conv2d", 0)), r"layer 1 \(conv2d\): no layer reads it"),
    ],
)
@pytest.mark.parametrize("skeleton", ["chain", "stack"])
def test_unsound_layers_are_refused(layers, sentence: str, skeleton: str) -> None:
    with pytest.raises(RenaError, match=sentence):
        expand(Architecture(layers, Skeleton(skeleton)))


@pytest.mark.parametrize("kind", ["dense", "attention_gru"])
def test_a_stack_does_not_repeat_what_flattens(kind: str) -> None:
    with pytest.raises(ArchitectureError, match=rf"layer 1 \({kind}\): a stack repeats"):
        expand(stack(layer(kind, 0)))


def test_an_unknown_skeleton_is_refused() -> None:
    with pytest.raises(RenaError, match="unknown skeleton 'ring'; known are chain, stack"):
        expand(Architecture(module(), Skeleton("ring")))
    with pytest.raises(RenaError, match="skeleton chain"):
        expand(Architecture(module(), Skeleton("chain", (("stages", 2),))))


@pytest.mark.parametrize("value", [16.0, True])
def test_a_bad_value_is_refused_though_an_equal_one_is_sound(value: float) -> None:
    """To a cache 16 and 16.0 are the same, and so are 1 and True."""
    sound = layer("conv2d", 0, channels=int(value))
    expand(Architecture((sound,)))
    bad = Layer.of("conv2d", {**sound.values, "channels": value})
    with pytest.raises(ArchitectureError, match="positive whole number"):
        expand(Architecture((bad,)))


def test_a_bad_setting_is_refused_though_an_equal_one_is_sound() -> None:
    expand(stack(*module(), stages=1))
    with pytest.raises(RenaError, match="stages must be a positive whole number"):
        expand(stack(*module(), stages=True))
