"""The contract of every registered layer type, and closed formulas of what each costs."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from math import prod

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from rena_pl.architecture import Architecture, ArchitectureError, Layer
from rena_pl.errors import RenaError
from rena_pl.layers import LayerType, choice, decode, layer_shapes, layer_types, register
from rena_pl.layers.convolution import useful_kernel
from rena_pl.resources.profile import layer_profiles, thop_macs

SHAPES = [(1, 10, 12), (3, 8, 8), (4, 1, 7), (2, 5, 1), (5, 1, 1)]
KINDS = sorted(layer_types())


def samples(kind: str, count: int = 12) -> list[LayerType]:
    rng = random.Random(kind)
    choices = layer_types()[kind].choices()
    return [
        layer_types()[kind](**{name: rng.choice(values) for name, values in choices.items()})
        for _ in range(count)
    ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_output_shape_is_the_modules(kind: str, shape: tuple[int, int, int]) -> None:
    for layer_type in samples(kind):
        output = layer_type.build((shape,))(torch.randn(2, *shape))
        assert tuple(output.shape[1:]) == layer_type.output_shape((shape,))


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_gets_a_gradient(kind: str) -> None:
    shape = (3, 9, 11)
    for layer_type in samples(kind, 4):
        module = layer_type.build((shape,))
        features = torch.randn(4, *shape, requires_grad=True)
        module(features).square().sum().backward()
        assert features.grad is not None
        assert all(p.grad is not None for p in module.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_names_of_weights_do_not_depend_on_the_values(kind: str) -> None:
    """A changed hyper-parameter must not rename weights, or they could not be inherited.

    Biases and norms come and go with the norm, shortcuts with the channels.
    """
    names = [
        {
            n
            for n, p in t.build(((3, 9, 11),)).named_parameters()
            if p.dim() >= 2 and "shortcut" not in n
        }
        for t in samples(kind)
    ]
    assert all(these == names[0] for these in names)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "gru"])
@pytest.mark.parametrize("shape", SHAPES)
def test_counts_agree_with_the_operators(kind: str, shape: tuple[int, int, int]) -> None:
    """thop's MACs are the multiply-adds of convolutions and products, norms and pools on top.

    Recurrent layers are left out: torch.utils.flop_counter does not count them.
    """
    for layer_type in samples(kind, 4):
        module = layer_type.build((shape,)).eval()
        with FlopCounterMode(display=False) as counter:
            module(torch.randn(1, *shape))
        norms = sum(
            2 * prod(layer_type.output_shape((shape,))) * 3
            for m in module.modules()
            if isinstance(m, torch.nn.BatchNorm2d)
        )
        macs = thop_macs(module, (torch.randn(1, *shape),))
        products = counter.get_total_flops() // 2
        assert products <= macs <= products + norms + 2 * prod(shape) * 4 + 1000


def conv2d_formula(t, c, h, w, oh, ow):
    weights = t.channels * c * useful_kernel(t.kernel_height, h) * useful_kernel(t.kernel_width, w)
    return _normed(t.norm, weights, t.channels, oh * ow)


def depthwise_separable_formula(t, c, h, w, oh, ow):
    depthwise = c * useful_kernel(t.kernel_height, h) * useful_kernel(t.kernel_width, w)
    first = _normed(t.norm, depthwise, c, oh * ow)
    second = _normed(t.norm, c * t.channels, t.channels, oh * ow)
    return tuple(map(sum, zip(first, second, strict=True)))


def dilated_formula(t, c, h, w, oh, ow):
    kernel = useful_kernel(t.kernel_height, h, t.dilation) * useful_kernel(
        t.kernel_width, w, t.dilation
    )
    return _normed(t.norm, t.channels * c * kernel, t.channels, oh * ow)


def temporal_formula(t, c, h, w, oh, ow):
    return _normed(t.norm, t.channels * c * h * useful_kernel(t.kernel, w), t.channels, ow)


def temporal_residual_formula(t, c, h, w, oh, ow):
    first = _normed("batch", t.channels * c * h * useful_kernel(t.kernel, w), t.channels, ow)
    second = _normed("batch", t.channels**2 * useful_kernel(t.kernel, ow), t.channels, ow)
    straight = c * h == t.channels and t.stride == 1
    shortcut = (0, 0) if straight else _normed("batch", c * h * t.channels, t.channels, ow)
    return tuple(map(sum, zip(first, second, shortcut, strict=True)))


def pool_formula(t, c, h, w, oh, ow):
    return 0, c * oh * ow if t.mode == "average" else 0


def gru_formula(t, c, h, w, oh, ow):
    weights = 3 * t.units * (c * h + t.units)
    # thop: per gate the products, two biases and one sum; then the element-wise update.
    return weights + 6 * t.units, w * (weights + 2 * 3 * t.units + 3 * t.units + 4 * t.units)


def dense_formula(t, c, h, w, oh, ow):
    return c * t.units + t.units, c * t.units + c * (h * w + 1)


def _normed(norm, weights, channels, positions):
    """Parameters and MACs of a convolution with what follows it; a norm costs 4 per value."""
    if norm == "batch":
        return weights + 2 * channels, weights * positions + 4 * channels * positions
    return weights + channels, weights * positions


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_params_and_macs_by_formula(kind: str, shape: tuple[int, int, int]) -> None:
    formula = globals()[f"{kind}_formula"]
    for layer_type in samples(kind):
        _, height, width = layer_type.output_shape((shape,))
        params, macs = formula(layer_type, *shape, height, width)
        architecture = Architecture((layer_type.as_layer(0),))
        counted = layer_profiles(architecture, shape, 5)[0]
        assert (counted.params, counted.macs) == (params, macs), layer_type


@pytest.mark.parametrize("kind", KINDS)
def test_defaults_and_choices_are_valid(kind: str) -> None:
    choices = layer_types()[kind].choices()
    for name, values in choices.items():
        for value in values:
            layer = layer_types()[kind](**{name: value}).as_layer(0)
            assert decode(layer) == layer_types()[kind](**{name: value})


@pytest.mark.parametrize(
    ("hyper", "sentence"),
    [
        ({"units": 64}, "takes exactly units, activation"),
        ({"units": 64, "activation": "relu", "x": 1}, "takes exactly"),
        ({"units": 0, "activation": "relu"}, "units must be a positive whole number"),
        ({"units": 1.5, "activation": "relu"}, "units must be a positive whole number"),
        ({"units": True, "activation": "relu"}, "units must be a positive whole number"),
        ({"units": 64, "activation": "tanh"}, "activation must be one of"),
    ],
)
def test_bad_hyper_parameters_are_refused(hyper: dict, sentence: str) -> None:
    with pytest.raises(ArchitectureError, match=sentence):
        decode(Layer.of("dense", hyper))


def test_unknown_kinds_are_refused_with_the_layers_number() -> None:
    with pytest.raises(RenaError, match=r"layer 1 \(warp\): unknown layer type 'warp'; known are"):
        layer_shapes(Architecture((Layer.of("warp", {}),)), (1, 4, 4))


def test_nothing_but_flat_layers_after_a_flat_one() -> None:
    dense = layer_types()["dense"]().as_layer(0)
    conv = layer_types()["conv2d"]().as_layer(1)
    with pytest.raises(ArchitectureError, match=r"layer 2 \(conv2d\)"):
        layer_shapes(Architecture((dense, conv)), (1, 4, 4))


def test_a_second_type_of_the_same_name_is_refused() -> None:
    @dataclass(frozen=True)
    class Impostor(LayerType):
        kind = "dense"
        units: int = choice(1)

        def output_shape(self, inputs):
            return (self.units, 1, 1)

        def build(self, inputs):
            return torch.nn.Identity()

    Impostor.__qualname__ = "Dense"  # whatever it is called
    with pytest.raises(RenaError, match="two layer types are called 'dense'"):
        register(Impostor)


@pytest.mark.parametrize(
    ("kernel", "extent", "dilation"), itertools.product((1, 3, 4, 9), (1, 2, 5, 40), (1, 2, 8))
)
def test_useful_kernel_keeps_every_tap_that_sees_data(kernel, extent, dilation) -> None:
    useful = useful_kernel(kernel, extent, dilation)
    assert 1 <= useful <= kernel
    assert (useful - 1) // 2 * dilation <= max(extent - 1, 0)
    if useful < kernel:
        assert ((useful + 1) // 2) * dilation > extent - 1
