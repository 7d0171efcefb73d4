"""The contract of every registered layer type, and closed formulas of what each costs."""

from __future__ import annotations

import io
import itertools
import random
from dataclasses import dataclass

import onnxruntime
import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from rena_pl.architecture import Architecture, ArchitectureError, Layer, Shape, Skeleton
from rena_pl.errors import RenaError
from rena_pl.layers import LayerType, choice, decode, layer_shapes, layer_types, register
from rena_pl.layers.geometry import bands, one_window, padding, strided, useful_kernel
from rena_pl.layers.merge import MOST_CHANNELS
from rena_pl.layers.registry import named_kind
from rena_pl.resources.profile import profile_layer
from rena_pl.space.skeletons import expand
from tests.layers.formulas import FORMULAS

SHAPES = [
    (1, 10, 12),
    (3, 8, 8),
    (4, 1, 7),
    (2, 5, 1),
    (5, 1, 1),
    (16, 5, 6),  # as many channels as a default layer gives: shortcuts are plain
    (16, 1, 9),
    (32, 1, 5),
]
PAIRS = [
    ((4, 6, 8), (4, 6, 8)),
    ((4, 6, 8), (3, 6, 8)),
    ((4, 6, 8), (5, 3, 4)),
    ((3, 1, 7), (4, 5, 14)),
    ((2, 5, 1), (2, 9, 3)),
    ((5, 1, 1), (1, 4, 4)),
]
KINDS = sorted(layer_types())
RECURRENT = {"gru", "lstm", "attention_gru"}


def cases(kind: str) -> list[tuple[Shape, ...]]:
    return list(PAIRS) if layer_types()[kind].sources == 2 else [(shape,) for shape in SHAPES]


KINDS_AND_INPUTS = [(kind, inputs) for kind in KINDS for inputs in cases(kind)]
each_kind_and_inputs = pytest.mark.parametrize(
    ("kind", "inputs"), KINDS_AND_INPUTS, ids=lambda item: str(item).replace(" ", "")
)


def samples(kind: str, count: int = 12) -> list[LayerType]:
    """The defaults, and random choices."""
    rng = random.Random(kind)
    choices = layer_types()[kind].choices()
    return [layer_types()[kind]()] + [
        layer_types()[kind](**{name: rng.choice(values) for name, values in choices.items()})
        for _ in range(count - 1)
    ]


def maps(inputs: tuple[Shape, ...], batch: int = 2, seed: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(batch, *shape, generator=generator) for shape in inputs]


@each_kind_and_inputs
def test_output_shape_is_the_modules(kind: str, inputs: tuple[Shape, ...]) -> None:
    for layer_type in samples(kind):
        output = layer_type.build(inputs)(*maps(inputs))
        assert tuple(output.shape[1:]) == layer_type.output_shape(inputs), layer_type


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_and_input_gets_a_gradient(kind: str) -> None:
    for layer_type, inputs in itertools.product(samples(kind, 4), cases(kind)[:3]):
        module = layer_type.build(inputs)
        features = [tensor.requires_grad_() for tensor in maps(inputs, batch=4)]
        module(*features).square().sum().backward()
        assert all(tensor.grad is not None for tensor in features)
        assert all(p.grad is not None for p in module.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_names_of_weights_do_not_depend_on_the_values(kind: str) -> None:
    """A changed hyper-parameter must not rename weights, or they could not be inherited.

    Biases and norms come and go with the norm, projections with the channels.
    """
    optional = ("shortcut", "project", "transition", "branch", "weigh")
    inputs = cases(kind)[1]
    names = [
        {
            name
            for name, parameter in layer_type.build(inputs).named_parameters()
            if parameter.dim() >= 2 and not name.startswith(optional)
        }
        for layer_type in samples(kind)
    ]
    assert all(these == names[0] for these in names)


@each_kind_and_inputs
def test_params_and_macs_by_formula(kind: str, inputs: tuple[Shape, ...]) -> None:
    for layer_type in samples(kind):
        cost = FORMULAS[kind](layer_type, inputs)
        counted = profile_layer(layer_type, inputs)
        assert (counted.params, counted.macs) == (cost.params, cost.macs), layer_type


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in RECURRENT])
def test_products_are_those_that_torch_counts(kind: str) -> None:
    """Recurrent cells are left out: torch.utils.flop_counter does not count them."""
    for layer_type, inputs in itertools.product(samples(kind, 6), cases(kind)):
        module = layer_type.build(inputs).eval()
        with FlopCounterMode(display=False) as counter:
            module(*maps(inputs, batch=1))
        assert counter.get_total_flops() == 2 * FORMULAS[kind](layer_type, inputs).products


def test_every_type_has_a_formula() -> None:
    assert sorted(FORMULAS) == KINDS


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::torch.jit.TracerWarning")
@each_kind_and_inputs
def test_onnx_gives_the_same(kind: str, inputs: tuple[Shape, ...]) -> None:
    for layer_type in samples(kind, 3):
        module = layer_type.build(inputs)
        module(*maps(inputs, batch=8, seed=1))  # statistics of its norms
        module.eval()
        features = maps(inputs, batch=1)
        file = io.BytesIO()
        names = [f"features{number}" for number in range(len(inputs))]
        torch.onnx.export(module, tuple(features), file, input_names=names, dynamo=False)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(file.getvalue(), options)
        fed = {name: tensor.numpy() for name, tensor in zip(names, features, strict=True)}
        (output,) = session.run(None, fed)
        with torch.no_grad():
            expected = module(*features)
        torch.testing.assert_close(torch.from_numpy(output), expected, atol=1e-4, rtol=1e-4)


@each_kind_and_inputs
def test_an_identity_gives_what_it_reads(kind: str, inputs: tuple[Shape, ...]) -> None:
    """After `pass_on`, in evaluation mode, as far as the output has channels for it."""
    for layer_type, nonnegative in itertools.product(samples(kind, 20), (False, True)):
        if not layer_type.is_identity(inputs, nonnegative):
            continue
        module = layer_type.build(inputs).eval()
        assert layer_type.pass_on(module, inputs)
        features = maps(inputs)
        if nonnegative:
            features[0] = features[0].abs()
        expected = features[0]
        if layer_type.averages:
            expected = expected.mean((2, 3), keepdim=True)
        channels = min(expected.shape[1], module(*features).shape[1])
        if getattr(layer_type, "activation", None) == "crelu":
            channels = min(channels, layer_type.output_shape(inputs)[0] // 2)
        torch.testing.assert_close(
            module(*features)[:, :channels], expected[:, :channels], atol=1e-5, rtol=1e-5
        )


def test_which_types_can_be_the_identity() -> None:
    """Behind something that holds nothing below zero; recurrent cells never can."""
    able = {
        kind
        for kind, inputs in KINDS_AND_INPUTS
        if any(layer_type.is_identity(inputs, True) for layer_type in samples(kind, 30))
    }
    assert able == set(KINDS) - RECURRENT


@each_kind_and_inputs
def test_what_is_said_to_be_nonnegative_is(kind: str, inputs: tuple[Shape, ...]) -> None:
    for layer_type, positive in itertools.product(samples(kind, 20), (False, True)):
        if layer_type.nonnegative((positive,) * len(inputs)):
            features = maps(inputs, batch=8)
            module = layer_type.build(inputs)
            for part in module.modules():
                if isinstance(part, nn.BatchNorm2d):
                    nn.init.normal_(part.bias)
            output = module(*[tensor.abs() for tensor in features] if positive else features)
            assert output.min() >= 0, layer_type


@pytest.mark.parametrize("kind", KINDS)
def test_flows_name_parts_of_the_module(kind: str) -> None:
    named: set[str] = set()
    for layer_type, inputs in itertools.product(samples(kind), cases(kind)):
        parts = dict(layer_type.build(inputs).named_modules())
        flows = layer_type.flows()
        named |= flows.keys() & parts.keys()
        for name, part in parts.items():
            if part._parameters:
                assert any(
                    not flow or name == flow or name.startswith(f"{flow}.") for flow in flows
                ), name
    assert named == set(layer_types()[kind]().flows())


@pytest.mark.parametrize("kind", KINDS)
def test_what_grows_and_scales_are_hyper_parameters(kind: str) -> None:
    cls = layer_types()[kind]
    assert cls.grows <= cls.choices().keys()
    assert cls.stage_scaled is None or cls.stage_scaled in cls.choices()


@pytest.mark.parametrize("kind", KINDS)
def test_defaults_and_choices_are_valid(kind: str) -> None:
    for name, values in layer_types()[kind].choices().items():
        for value in values:
            layer = layer_types()[kind](**{name: value}).as_layer(0)
            assert decode(layer) == layer_types()[kind](**{name: value})


def test_crelu_makes_pairs_and_rounds_odd_channels_up() -> None:
    conv = layer_types()["conv2d"](channels=5, activation="crelu", norm="none")
    output = conv.build(((2, 4, 4),))(*maps(((2, 4, 4),)))
    assert output.shape[1] == conv.output_shape(((2, 4, 4),))[0] == 6
    assert torch.equal(output[:, :3] * output[:, 3:], torch.zeros(2, 3, 4, 4))


def test_sub_spectral_norm_has_statistics_for_every_band() -> None:
    module = layer_types()["conv2d"](
        channels=1, kernel_height=1, kernel_width=1, norm="sub_spectral", activation="none"
    ).build(((1, 10, 50),))
    louder_above = torch.randn(8, 1, 10, 50) * torch.arange(1.0, 11).view(10, 1)
    by_band = module(louder_above).detach().reshape(8, 5, 100).transpose(0, 1).reshape(5, -1)
    torch.testing.assert_close(by_band.std(1), torch.ones(5), atol=0.01, rtol=0)


def test_a_concatenation_is_cut_off() -> None:
    inputs = ((800, 1, 2), (700, 1, 2))
    concat = layer_types()["concat"]()
    first, second = maps(inputs)
    output = concat.build(inputs)(first, second)
    assert concat.output_shape(inputs)[0] == output.shape[1] == MOST_CHANNELS
    assert torch.equal(output[:, 800:], second[:, :224])
    wide = ((MOST_CHANNELS + 5, 1, 1), (3, 1, 1))
    assert concat.output_shape(wide) == (MOST_CHANNELS + 5, 1, 1)


def test_a_second_branch_is_picked_from_by_a_stride() -> None:
    inputs = ((1, 2, 3), (1, 4, 9))
    first, second = maps(inputs)
    output = layer_types()["concat"]().build(inputs)(first, second)
    assert torch.equal(output[:, 1:], second[:, :, ::2, ::3])


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
        layer_shapes((Layer.of("warp", {}),), (1, 4, 4))


def test_nothing_but_flat_layers_after_a_flat_one() -> None:
    dense = layer_types()["dense"]().as_layer(0)
    conv = layer_types()["conv2d"]().as_layer(1)
    with pytest.raises(ArchitectureError, match=r"layer 2 \(conv2d\): its input has no height"):
        layer_shapes((dense, conv), (1, 4, 4))


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


def test_a_type_that_is_made_anew_takes_the_place_of_the_old_one() -> None:
    """As where a cell of a notebook is run again."""

    def cell(times: int) -> type[LayerType]:
        @dataclass(frozen=True)
        class MadeInACell(LayerType):
            kind = "made_in_a_cell"
            factor: int = choice(1)

            def output_shape(self, inputs):
                return (times * inputs[0][0], *inputs[0][1:])

            def build(self, inputs):
                return torch.nn.Identity()

        return register(MadeInACell)

    layers = (cell(1)().as_layer(0),)
    assert layer_shapes(layers, (3, 4, 5))[-1] == (3, 4, 5)
    cell(2)
    assert layer_shapes(layers, (3, 4, 5))[-1] == (6, 4, 5)


def test_a_type_that_is_made_anew_scales_with_the_stages_as_the_new_one_says() -> None:
    def cell(scaled: str | None) -> type[LayerType]:
        @dataclass(frozen=True)
        class ScaledInACell(LayerType):
            kind = "scaled_in_a_cell"
            stage_scaled = scaled
            units: int = choice(4)

            def output_shape(self, inputs):
                return (self.units, *inputs[0][1:])

            def build(self, inputs):
                return torch.nn.Conv2d(inputs[0][0], self.units, 1)

        return register(ScaledInACell)

    def widths() -> list[int]:
        stack = Skeleton("stack", (("repeats", 1), ("stages", 2)))
        layers = expand(Architecture((layer,), stack)).layers
        return [layer.values["units"] for layer in layers if layer.kind == "scaled_in_a_cell"]

    layer = cell(None)().as_layer(0)
    assert widths() == [4, 4]
    cell("units")
    assert widths() == [4, 8]


@pytest.mark.parametrize("leaving", ["raise SystemExit(0)", "import sys; sys.exit(3)"])
def test_a_module_that_ends_the_process_is_named(leaving: str, tmp_path, monkeypatch) -> None:
    (tmp_path / "leaving_layers.py").write_text(leaving)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(RenaError, match="layer type leaving_layers.Quits: SystemExit"):
        named_kind("leaving_layers.Quits")


GEOMETRY = list(itertools.product((1, 2, 3, 4, 9), (1, 2, 5, 7, 40), (1, 2, 5), (1, 2, 8)))


@pytest.mark.parametrize(("kernel", "extent", "stride", "dilation"), GEOMETRY)
def test_useful_kernel_holds_the_taps_that_see_data(kernel, extent, stride, dilation) -> None:
    useful = useful_kernel(kernel, extent, stride, dilation)
    before, after = padding(kernel, extent, stride, dilation)
    assert 1 <= useful <= kernel
    assert before % dilation == 0
    padded = before + extent + after
    windows = (padded - (useful - 1) * dilation - 1) // stride + 1
    assert windows == strided(extent, stride)
    seen = [
        any(
            before <= window * stride + tap * dilation < before + extent
            for window in range(windows)
        )
        for tap in range(useful)
    ]
    if stride == 1 or one_window(kernel, extent, stride, dilation):
        assert all(seen)
    if useful < kernel and windows > 1:
        assert (useful + 1) // 2 * dilation > extent - 1  # one more would see nothing


@pytest.mark.parametrize(("height", "count"), [(1, 1), (3, 3), (7, 1), (8, 4), (20, 5), (40, 5)])
def test_bands_divide_the_height(height: int, count: int) -> None:
    assert bands(height) == count


def test_a_chain_of_shapes() -> None:
    temporal = layer_types()["temporal"](channels=8, stride=2).as_layer(0)
    concat = layer_types()["concat"]().as_layer(1, 0)
    layers = Architecture((temporal, concat)).layers
    assert layer_shapes(layers, (1, 10, 12)) == [(1, 10, 12), (8, 1, 6), (9, 1, 6)]
