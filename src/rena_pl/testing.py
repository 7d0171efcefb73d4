"""Contract checks for those who write layer types of their own.

One line in a test is enough:

    check_layer_type(MyLayer)
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from rena_pl.architecture import Architecture, Layer, Shape, Value
from rena_pl.layers.registry import LayerType, decode, layer_types
from rena_pl.layers.registry import layer_type as type_called
from rena_pl.network import Network, build, morph
from rena_pl.resources.onnx_runtime import inference
from rena_pl.resources.profile import profile, thop_macs
from rena_pl.space.actions import Action, Insert, Scale

SHAPES: tuple[Shape, ...] = ((3, 9, 11), (1, 10, 12), (4, 1, 7), (2, 5, 1), (5, 1, 1))
PAIRS: tuple[tuple[Shape, Shape], ...] = (
    ((3, 9, 11), (3, 9, 11)),
    ((3, 9, 11), (2, 4, 5)),
    ((4, 1, 7), (2, 6, 3)),
    ((2, 5, 1), (2, 1, 8)),
    ((5, 1, 1), (5, 3, 4)),
)
NETWORK_INPUTS: tuple[Shape, ...] = ((2, 6, 8), (2, 1, 8))
CLASSES = 3
SAMPLES = 4
TOLERANCE = 1e-4


def check_layer_type(layer_type: type[LayerType]) -> None:
    """Check that a layer type keeps its contract; takes a second or two.

    Tries several random choices of its hyper-parameters on several shapes. The export to ONNX is
    checked where the package `onnx` is installed.

    Args:
        layer_type: A registered subclass of `LayerType`.

    Raises:
        AssertionError: It does not; one sentence that names the type and what is wrong.
    """
    checks = (
        check_class,
        check_choices,
        check_shapes,
        check_strides,
        check_seeded,
        check_gradients,
        check_sign,
        check_names,
        check_counts,
        check_network,
        check_onnx,
        check_inheritance,
    )
    with (
        _about(f"layer type {getattr(layer_type, '__name__', layer_type)}"),
        torch.random.fork_rng(devices=[]),
    ):
        torch.manual_seed(0)
        for check in checks:
            check(layer_type)


def check_class(layer_type: type[LayerType]) -> None:
    """It is registered, which asks for a frozen dataclass, under a kind that no other type has."""
    assert isinstance(layer_type, type), "it is not a class"
    assert issubclass(layer_type, LayerType), "it is not a subclass of LayerType"
    kind = getattr(layer_type, "kind", None)
    known = layer_types().get(str(kind))
    assert known is not None, f"no layer type '{kind}' is registered: decorate it with @register"
    assert known is layer_type, f"its kind '{kind}' is that of {known.__module__}.{known.__name__}"


def check_choices(layer_type: type[LayerType]) -> None:
    """Defaults and choices are allowed values, and what speaks of them names them."""
    choices = layer_type.choices()
    for name, values in choices.items():
        for value in values:
            with _about(f"choice {value!r} of {name}"):
                made = layer_type(**{name: value})
                assert decode(made.as_layer(0)) == made, "it is not read back as it was written"
    scaled = (layer_type.stage_scaled,) if layer_type.stage_scaled else ()
    for name in (*sorted(layer_type.grows), *scaled):
        assert _is_number(choices[name][0]), f"'{name}' is no number, but it says that it can grow"


def check_shapes(layer_type: type[LayerType]) -> None:
    """Every shape has an output shape, and it is the module's."""
    for layer, inputs in _cases(layer_type):
        with _about(f"{layer} on {_listed(inputs)}"):
            stated = layer.output_shape(inputs)
            assert len(stated) == 3, f"its output shape is {stated}, not channels, height, width"
            assert all(type(extent) is int and extent > 0 for extent in stated), (
                f"its output shape {stated} is not made of positive whole numbers"
            )
            assert not layer_type.flattens or stated[1:] == (1, 1), (
                f"it says that it flattens, but its output shape is {stated}"
            )
            for mode in (True, False):
                given = layer.build(inputs).train(mode)(*_features(inputs))
                assert tuple(given.shape[1:]) == tuple(stated), (
                    f"its output shape is {stated}, but its module gives {tuple(given.shape[1:])}"
                )


def check_strides(layer_type: type[LayerType]) -> None:
    """With strides of 1, a second layer leaves the map of the first as large as it is."""
    if layer_type.strides is None or layer_type.sources > 1:
        return
    ones = {name: 1 for name in layer_type.strides if name in layer_type.choices()}
    for layer, inputs in _cases(layer_type):
        unstrided = replace(layer, **ones)
        with _about(f"{unstrided} on {_listed(inputs)}"):
            first = unstrided.output_shape(inputs)
            second = unstrided.output_shape((first,))
            assert second == first, (
                f"it makes {second} of its own {first}: name in `strides` what makes the map "
                "smaller, or set it to None if that is all it does"
            )


def check_seeded(layer_type: type[LayerType]) -> None:
    """Nothing but torch's generator decides a module's weights and outputs."""
    for layer, inputs in _cases(layer_type):
        features = _features(inputs)
        modules, outputs = [], []
        for _ in range(2):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(1)
                modules.append(layer.build(inputs))
                outputs.append(modules[-1].eval()(*features))
        weights, again = (module.state_dict() for module in modules)
        same = weights.keys() == again.keys() and all(
            torch.equal(weights[name], again[name]) for name in weights
        )
        with _about(f"{layer} on {_listed(inputs)}"):
            assert same, "two modules built under one seed have different weights"
            assert torch.equal(*outputs), "two modules built under one seed give different outputs"


def check_gradients(layer_type: type[LayerType]) -> None:
    """A gradient reaches every parameter and every input."""
    for layer, inputs in _cases(layer_type):
        module = layer.build(inputs)
        features = [tensor.requires_grad_() for tensor in _features(inputs)]
        with _about(f"{layer} on {_listed(inputs)}"):
            module(*features).square().sum().backward()
            for name, parameter in module.named_parameters():
                assert parameter.grad is not None, f"the parameter {name} gets no gradient"
            for number, tensor in enumerate(features, start=1):
                assert tensor.grad is not None, f"no gradient reaches its input {number}"


def check_sign(layer_type: type[LayerType]) -> None:
    """Where it says that its output holds nothing below zero, that is so."""
    for layer, inputs in _cases(layer_type):
        for known in (True, False):
            features = [tensor.abs() if known else tensor for tensor in _features(inputs)]
            if layer.nonnegative((known,) * len(inputs)):
                with torch.no_grad():
                    lowest = float(layer.build(inputs).eval()(*features).min())
                assert lowest >= 0, (
                    f"{layer} says that its output holds nothing below zero, but gives {lowest:.2g}"
                )


def check_names(layer_type: type[LayerType]) -> None:
    """No hyper-parameter's value renames weights, and its flows name parts that there are."""
    default, inputs = layer_type(), _shapes(layer_type)[0]
    names = _kernels(default, inputs)
    for name, values in layer_type.choices().items():
        for value in values:
            others = _kernels(replace(default, **{name: value}), inputs)
            assert names <= others or others <= names, (
                f"with {name}={value} its weights are called {', '.join(sorted(others - names))} "
                f"instead of {', '.join(sorted(names - others))}, so that none can be inherited"
            )
    parts = {
        part
        for layer, inputs in _cases(layer_type)
        for part, _ in layer.build(inputs).named_modules()
    }
    for layer in _samples(layer_type):
        for part in layer.flows():
            assert part in parts, f"flows() names '{part}', but its module has no such part"


def check_counts(layer_type: type[LayerType]) -> None:
    """All parameters can be trained, and thop counts no less than torch's operators do."""
    for layer, inputs in _cases(layer_type):
        module = layer.build(inputs).eval()
        with _about(f"{layer} on {_listed(inputs)}"):
            for name, parameter in module.named_parameters():
                assert parameter.requires_grad, f"the parameter {name} cannot be trained"
            features = tuple(torch.randn(1, *shape) for shape in inputs)
            with FlopCounterMode(display=False) as counter, torch.no_grad():
                module(*features)
            products = counter.get_total_flops() // 2
            counted = thop_macs(module, features)
            assert counted >= products, (
                f"thop counts {counted} multiply-adds of {products}: give custom_ops()"
            )


def check_network(layer_type: type[LayerType]) -> None:
    """The profile of a network with it is what thop counts for the whole network."""
    for layer, shape, without in _networks(layer_type):
        architecture = _insertion(layer, without).apply(without)
        with _about(f"a network with {layer}"):
            stated = profile(architecture, shape, CLASSES)
            network = build(architecture, shape, CLASSES).eval()
            params = sum(parameter.numel() for parameter in network.parameters())
            assert stated.params == params, f"{stated.params} parameters counted of {params}"
            macs = thop_macs(network, (torch.randn(1, *shape),))
            assert stated.macs == macs, (
                f"layer by layer, thop counts {stated.macs} multiply-adds, as a whole {macs}"
            )


def check_onnx(layer_type: type[LayerType]) -> None:
    """ONNX Runtime, where it is installed, computes the same as a network with it."""
    if find_spec("onnxruntime") is None or find_spec("onnx") is None:
        return
    for layer, shape, without in _networks(layer_type, samples=2):
        network = build(_insertion(layer, without).apply(without), shape, CLASSES).eval()
        features = torch.randn(1, *shape)
        with _about(f"export of {layer} to ONNX"):
            computed: Any = inference(network, (features,))()
            with torch.no_grad():
                difference, allowed = _difference(torch.from_numpy(computed[0]), network(features))
            assert difference <= allowed, f"ONNX Runtime's output differs by {difference:.2g}"


def check_inheritance(layer_type: type[LayerType]) -> None:
    """Every scale inherits, and what it says to be exact is: growth, identity, other channels."""
    rng = random.Random(layer_type.kind)
    grown = set()
    for layer, shape, without in _networks(layer_type):
        insertion = _insertion(layer, without)
        parent = insertion.apply(without)
        index = insertion.reader
        with _about(f"{layer} says that it can be an identity, but put into a network"):
            _inherits(without, _lived(without, shape), insertion)
        network = _lived(parent, shape)
        for name, values in layer_type.choices().items():
            value = _other(getattr(layer, name), values, name in layer_type.grows, rng)
            if value is None:
                continue
            with _about(f"{layer} says that {name} can become {value}, but that"):
                if _inherits(parent, network, Scale(index, name, value)):
                    grown.add(name)
        for source in range(index):
            with _about(f"{layer}: flows() or passes() is wrong, more channels in its input"):
                channels = int(parent.layers[source].values["channels"]) + 4
                _inherits(parent, network, Scale(source, "channels", channels))
    for name in sorted(layer_type.grows - grown):
        raise AssertionError(f"it says that {name} can grow, but that loses weights: give flows()")


def _inherits(parent: Architecture, network: Network, action: Action) -> bool:
    """Whether a child is said to compute what its parent does; an error where it does not."""
    child = action.apply(parent)
    child_network = build(child, network.input_shape, CLASSES).eval()
    features = torch.randn(16, *network.input_shape)
    inheritance = morph(parent, network.state_dict(), child, child_network, features)
    with torch.no_grad():
        logits, expected = child_network(features), network(features)
    assert logits.isfinite().all(), f"({action}) gives outputs that are not finite"
    difference, allowed = _difference(logits, expected)
    assert not inheritance.exact or difference <= allowed, (
        f"({action}) changes its output by {difference:.2g}"
    )
    return inheritance.exact


def _difference(given: Tensor, expected: Tensor) -> tuple[float, float]:
    """The largest difference, and how large it may be."""
    return float((given - expected).abs().max()), TOLERANCE * max(1.0, float(expected.abs().max()))


def _lived(architecture: Architecture, shape: Shape) -> Network:
    """A network as after some training: no weights of zero or one, norms with statistics."""
    network = build(architecture, shape, CLASSES).train()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
        for _ in range(5):
            network(torch.randn(8, *shape))
    return network.eval()


def _networks(
    layer_type: type[LayerType], samples: int = SAMPLES
) -> Iterator[tuple[LayerType, Shape, Architecture]]:
    """Layers of a type, each with an input shape and a small network to put it in.

    The network's convolutions end in relu; the one that the layer reads has once some other
    number of channels than the layer, and once the same, so that shortcuts are plain.
    """
    for layer in _samples(layer_type, samples):
        for shape in NETWORK_INPUTS:
            for channels in sorted({8, layer.output_shape(((8, *shape[1:]),) * layer.sources)[0]}):
                yield layer, shape, _surroundings(layer_type, channels)


def _surroundings(layer_type: type[LayerType], channels: int) -> Architecture:
    """Convolutions for a layer to read, and a layer that will read it."""
    front = [_conv(0, channels)]
    if layer_type.sources == 2:
        front = [_conv(0, 8, stride=2), _conv(1, channels)]
    tail = type_called("dense" if layer_type.flattens else "conv2d")()
    return Architecture((*front, tail.as_layer(len(front))))


def _conv(source: int, channels: int, stride: int = 1) -> Layer:
    hyper: dict[str, Any] = {"channels": channels, "stride_width": stride}
    return type_called("conv2d")(**hyper).as_layer(source)


def _insertion(layer: LayerType, architecture: Architecture) -> Insert:
    """The action that puts a layer before the last one."""
    reader = len(architecture.layers) - 1
    second = 1 if layer.sources == 2 else None
    return Insert(reader, layer.kind, layer.as_layer().hyper, second=second)


def _cases(layer_type: type[LayerType]) -> Iterator[tuple[LayerType, tuple[Shape, ...]]]:
    """Layers of a type, among them one of every single choice, with the shapes of their inputs."""
    singles = [
        layer_type(**{name: value})
        for name, values in layer_type.choices().items()
        for value in values[1:]
    ]
    for layer in (*_samples(layer_type), *singles):
        for inputs in _shapes(layer_type):
            yield layer, inputs


def _shapes(layer_type: type[LayerType]) -> tuple[tuple[Shape, ...], ...]:
    return PAIRS if layer_type.sources == 2 else tuple((shape,) for shape in SHAPES)


def _samples(layer_type: type[LayerType], count: int = SAMPLES) -> list[LayerType]:
    """The default and random choices, the same on every call."""
    rng = random.Random(layer_type.kind)
    choices = layer_type.choices()
    return [
        layer_type(),
        *(
            layer_type(**{name: rng.choice(values) for name, values in choices.items()})
            for _ in range(count - 1)
        ),
    ]


def _other(
    value: Value, choices: tuple[Value, ...], must_grow: bool, rng: random.Random
) -> Value | None:
    """Another value of a hyper-parameter, if there is one."""
    if must_grow:
        return rng.choice([v for v in choices if v > value] or [2 * value])  # type: ignore[operator]
    return rng.choice([v for v in choices if v != value] or [None])


def _kernels(layer: LayerType, inputs: tuple[Shape, ...]) -> set[str]:
    """The names of weights with two dimensions or more; norms and biases may come and go."""
    return {name for name, p in layer.build(inputs).named_parameters() if p.dim() >= 2}


def _features(inputs: tuple[Shape, ...]) -> list[Tensor]:
    return [torch.randn(4, *shape) for shape in inputs]


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _listed(shapes: tuple[Shape, ...]) -> str:
    return " and ".join(map(str, shapes))


@contextmanager
def _about(what: str) -> Iterator[None]:
    """Make one sentence of whatever is raised: what it is about, and what is wrong with it."""
    try:
        yield
    except AssertionError as error:
        raise AssertionError(f"{what}: {error}") from None
    except Exception as error:
        raise AssertionError(f"{what}: {type(error).__name__}: {error}") from error
