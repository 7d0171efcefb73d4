"""The public contract check: every type of ours keeps it, and each breach is named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import torch
from torch import nn

from rena_pl.architecture import ArchitectureError
from rena_pl.errors import RenaError
from rena_pl.layers import IN, OUT, LayerType, choice, layer_shapes, layer_types, register
from rena_pl.layers import registry as registry_module
from rena_pl.layers.modules.convolution import NormedConvolution
from rena_pl.space import SearchSpace
from rena_pl.testing import check_layer_type


@pytest.fixture(autouse=True)
def _registry() -> Iterator[None]:
    """What a test registers is gone after it."""
    before = dict(layer_types())
    yield
    registry_module._registered.clear()
    registry_module._registered.update(before)
    registry_module._decode.cache_clear()


@pytest.mark.parametrize("kind", sorted(layer_types()))
def test_every_registered_type_keeps_its_contract(kind: str) -> None:
    check_layer_type(layer_types()[kind])


@dataclass(frozen=True)
class Sound(LayerType):
    """A convolution of its own; the types below each break one thing about it."""

    kind = "sound"
    grows = frozenset({"channels"})
    channels: int = choice(8, 4, 16)

    def output_shape(self, inputs):
        return (self.channels, *inputs[0][1:])

    def build(self, inputs):
        ((channels, height, width),) = inputs
        return NormedConvolution(channels, self.channels, (height, width), activation="relu")

    def flows(self):
        return {"": (IN, OUT)}

    def pass_on(self, module, inputs):
        module.pass_on()
        return True

    def is_identity(self, inputs, nonnegative):
        return nonnegative

    def nonnegative(self, inputs):
        return True


@dataclass(frozen=True)
class WrongShape(Sound):
    kind = "wrong_shape"

    def output_shape(self, inputs):
        return (self.channels, inputs[0][1], -(-inputs[0][2] // 2))


@dataclass(frozen=True)
class Halving(Sound):
    kind = "halving"

    def output_shape(self, inputs):
        return (self.channels, inputs[0][1], -(-inputs[0][2] // 2))

    def build(self, inputs):
        ((channels, height, width),) = inputs
        return NormedConvolution(
            channels, self.channels, (height, width), stride=(1, 2), activation="relu"
        )

    def is_identity(self, inputs, nonnegative):
        return False


@dataclass(frozen=True)
class EvenKernel(Sound):
    kind = "even_kernel"  # by which random samples are drawn: none has the bad choice
    kernel: int = choice(1, 3, 5, 7, 9, 11, 2)

    def build(self, inputs):
        padding = self.kernel // 2
        return nn.Conv2d(inputs[0][0], self.channels, self.kernel, padding=padding)

    def flows(self):
        return {}


@dataclass(frozen=True)
class NotTotal(Sound):
    kind = "not_total"

    def build(self, inputs):
        ((channels, _, _),) = inputs
        return nn.Conv2d(channels, self.channels, 3)


@dataclass(frozen=True)
class Idle(Sound):
    kind = "idle"

    def build(self, inputs):
        module = super().build(inputs)
        module.idle = nn.Identity()
        module.idle.weight = nn.Parameter(torch.ones(3))
        return module


@dataclass(frozen=True)
class Detached(Sound):
    kind = "detached"

    def build(self, inputs):
        class FromNothing(nn.Sequential):
            def forward(self, maps):
                return super().forward(maps.detach())

        return FromNothing(super().build(inputs))


@dataclass(frozen=True)
class ClaimsGrowth(Sound):
    """A softmax across channels: one channel more changes all the others."""

    kind = "claims_growth"

    def build(self, inputs):
        module = super().build(inputs)
        module.append(nn.Softmax(dim=1))
        return module

    def is_identity(self, inputs, nonnegative):
        return False


@dataclass(frozen=True)
class GrowsWithoutFlows(Sound):
    kind = "grows_without_flows"

    def flows(self):
        return {}


@dataclass(frozen=True)
class ClaimsIdentity(Sound):
    kind = "claims_identity"

    def pass_on(self, module, inputs):
        return True


@dataclass(frozen=True)
class ClaimsPassing(Sound):
    """Channels in the opposite order are said to be those of the input."""

    kind = "claims_passing"
    grows = frozenset()
    channels: int = choice(8)

    def output_shape(self, inputs):
        return inputs[0]

    def build(self, inputs):
        class Flip(nn.Module):
            def forward(self, maps):
                return maps.flip(1)

        return Flip()

    def flows(self):
        return {}

    def passes(self, inputs):
        return (0,)

    def is_identity(self, inputs, nonnegative):
        return False

    def pass_on(self, module, inputs):
        return False

    def nonnegative(self, inputs):
        return all(inputs)


@dataclass(frozen=True)
class ClaimsSign(Sound):
    kind = "claims_sign"

    def build(self, inputs):
        ((channels, height, width),) = inputs
        return NormedConvolution(channels, self.channels, (height, width))


@dataclass(frozen=True)
class Renames(Sound):
    kind = "renames"

    def build(self, inputs):
        return nn.Sequential(*[nn.Identity()] * self.channels, super().build(inputs))


@dataclass(frozen=True)
class WrongFlow(Sound):
    kind = "wrong_flow"

    def flows(self):
        return {"convolution": (IN, OUT)}


@dataclass(frozen=True)
class Unseen(Sound):
    """A product that is no module: thop sees nothing of it."""

    kind = "unseen"

    def build(self, inputs):
        class Product(nn.Module):
            def __init__(self, channels, units):
                super().__init__()
                self.weight = nn.Parameter(torch.randn(units, channels, 1, 1))

            def forward(self, maps):
                return nn.functional.conv2d(maps, self.weight).relu()

        return Product(inputs[0][0], self.channels)

    def flows(self):
        return {}


@dataclass(frozen=True)
class Unseeded(Sound):
    kind = "unseeded"
    built = []

    def build(self, inputs):
        module = super().build(inputs)
        self.built.append(module)
        with torch.no_grad():
            module.convolution.weight.add_(len(self.built))
        return module


@dataclass(frozen=True)
class NoChoices(Sound):
    kind = "no_choices"
    stride: int = 1


@dataclass(frozen=True)
class WrongChoice(Sound):
    kind = "wrong_choice"
    stride: int = choice(1, 0)


@dataclass(frozen=True)
class UnknownGrowth(Sound):
    kind = "unknown_growth"
    grows = frozenset({"filters"})


@dataclass(frozen=True)
class UnknownScale(Sound):
    kind = "unknown_scale"
    stage_scaled = "chanels"


@dataclass(frozen=True)
class NotExportable(Sound):
    kind = "not_exportable"

    def build(self, inputs):
        class LogGamma(nn.Module):
            def forward(self, maps):
                return torch.lgamma(maps + 2)

        module = super().build(inputs)
        module.append(LogGamma())
        return module


class Undecorated(Sound):
    kind = "undecorated"


@dataclass(frozen=True)
class RoundsElsewhere(Sound):
    kind = "rounds_elsewhere"

    def build(self, inputs):
        class Drift(nn.Module):
            def forward(self, maps):
                return maps + 1.0 if torch.jit.is_tracing() else maps

        module = super().build(inputs)
        module.append(Drift())
        return module


@dataclass(frozen=True)
class NumberedKind(Sound):
    kind = 5


@dataclass(frozen=True)
class Dies(Sound):
    kind = "dies"

    def output_shape(self, inputs):
        return {}["no such key"]


@dataclass(frozen=True)
class Lists(Sound):
    kind = "lists"

    def output_shape(self, inputs):
        return list(super().output_shape(inputs))


@dataclass(frozen=True)
class Empties(Sound):
    kind = "empties"

    def output_shape(self, inputs):
        return (self.channels, 0, 0)


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (WrongShape, r"its output shape is \(8, 9, 6\), but its module gives \(8, 9, 11\)"),
        (Halving, r"it makes \(8, 9, 3\) of its own \(8, 9, 6\): name in `strides`"),
        (EvenKernel, r"kernel=2\) on .*, but its module gives"),
        (NotTotal, r"NotTotal\(channels=8\) on .*its output shape is"),
        (Idle, r"the parameter idle.weight gets no gradient"),
        (Detached, r"no gradient reaches its input 1"),
        (ClaimsGrowth, r"says that channels can become \d+, but that: .* changes its output by"),
        (GrowsWithoutFlows, r"it says that channels can grow, but that loses weights: give flows"),
        (ClaimsIdentity, r"says that it can be an identity, but .* changes its output by"),
        (ClaimsPassing, r"flows\(\) or passes\(\) is wrong, more channels .* changes its output"),
        (ClaimsSign, r"says that its output holds nothing below zero, but gives -"),
        (Renames, r"with channels=4 its weights are called 4.conv.weight instead of 8.conv.weight"),
        (WrongFlow, r"flows\(\) names 'convolution', but its module has no such part"),
        (Unseen, r"thop counts 0 multiply-adds of \d+: give custom_ops"),
        (Unseeded, r"two modules built under one seed have different weights"),
        (NotExportable, r"export of NotExportable\(channels=8\) to ONNX"),
        (RoundsElsewhere, r"to ONNX: ONNX Runtime's output differs by"),
    ],
)
def test_a_broken_type_is_named_with_what_is_wrong(broken: type[LayerType], sentence: str) -> None:
    register(broken)
    with pytest.raises(AssertionError, match=rf"^layer type {broken.__name__}: .*{sentence}"):
        check_layer_type(broken)


@pytest.mark.parametrize(
    ("incomplete", "sentence"),
    [
        (NoChoices, r"NoChoices: stride has no choices: make it with choice"),
        (Undecorated, r"Undecorated: decorate it with @dataclass\(frozen=True\)"),
        (NumberedKind, r"NumberedKind: its kind must be a plain name, not 5"),
        (WrongChoice, r"choice 0 of stride: .*stride must be a positive whole number, not 0"),
        (UnknownGrowth, r"it has no hyper-parameter 'filters', which it says can grow"),
        (UnknownScale, r"it has no hyper-parameter 'chanels', which it says is scaled in a stage"),
    ],
)
def test_what_is_incomplete_is_not_registered(incomplete: type[LayerType], sentence: str) -> None:
    with pytest.raises(RenaError, match=sentence):
        register(incomplete)


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (Dies, r"layer 1 \(dies\): KeyError: 'no such key'"),
        (Empties, r"layer 1 \(empties\): its output shape \(8, 0, 0\) is not three positive"),
    ],
)
def test_an_output_shape_that_is_none_is_a_sentence(broken: type[LayerType], sentence: str) -> None:
    layer = register(broken)().as_layer(0)
    with pytest.raises(ArchitectureError, match=sentence):
        layer_shapes([layer], (3, 9, 11))


def test_an_output_shape_may_be_a_list() -> None:
    layers = [register(Lists)().as_layer(0), layer_types()["conv2d"](channels=4).as_layer(1)]
    assert layer_shapes(layers, (3, 9, 11))[1:] == [(8, 9, 11), (4, 9, 11)]


def test_what_the_broken_types_are_made_of_is_sound() -> None:
    check_layer_type(register(Sound))


@pytest.mark.parametrize(
    ("stranger", "sentence"),
    [
        (nn.Conv2d, "layer type Conv2d: it is not a subclass of LayerType"),
        ("conv2d", "layer type conv2d: it is not a class"),
        (Sound, "layer type Sound: no layer type 'sound' is registered"),
    ],
)
def test_what_is_no_registered_type_is_said_to_be_none(stranger, sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        check_layer_type(stranger)


def test_the_check_leaves_the_callers_generator_alone() -> None:
    torch.manual_seed(3)
    expected = torch.randn(4)
    torch.manual_seed(3)
    check_layer_type(layer_types()["pool"])
    assert torch.equal(torch.randn(4), expected)


def test_a_class_path_names_a_type_and_registers_it() -> None:
    space = SearchSpace({"tests.test_testing.Sound": {"channels": [4]}, "pool": {}})
    assert space.choices["sound"] == {"channels": (4,)}
    assert list(space.choices) == ["sound", "pool"]
    assert layer_types()["sound"] is Sound


@pytest.mark.parametrize(
    ("layers", "sentence"),
    [
        (
            {"no.such.Layer": {}},
            "layer type no.such.Layer: ModuleNotFoundError: No module named 'no'",
        ),
        ({"tests.test_testing.Nothing": {}}, "tests.test_testing.Nothing: .*no attribute"),
        ({"torch.nn.Conv2d": {}}, "torch.nn.Conv2d: it is not a layer type, a subclass of"),
        ({"rena_pl.layers.LayerType": {}}, "rena_pl.layers.LayerType: it is not a layer type"),
        ({".Sound": {}}, "unknown layer type '.Sound'"),
        ({"pool": {}, "rena_pl.layers.pooling.Pool": {}}, "one layer type is named twice"),
        ({"tests.test_testing.Sound": {"width": [1]}}, "sound has no hyper-parameter 'width'"),
    ],
)
def test_a_class_path_that_leads_nowhere_is_named(layers, sentence: str) -> None:
    with pytest.raises(RenaError, match=sentence):
        SearchSpace(layers)
