"""Resource use of an architecture: counted by thop once per layer and input shape, then summed.

Conventions: batch 1; FLOPs are 2 x MACs, and MACs are what thop counts, norms included; bytes
moved let each layer read its inputs and weights once and write its output once; intensity is
FLOPs per byte moved (RENA, resources); peak memory is the largest working set of activations.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from math import prod

import torch
from torch import Tensor, nn

from rena_pl.architecture import Architecture, ArchitectureError, Layer, Shape
from rena_pl.errors import RenaError
from rena_pl.layers.modules.average import Average, count_average
from rena_pl.layers.registry import LayerType, decode, layer_types
from rena_pl.layers.shapes import input_shapes, layer_shapes
from rena_pl.network.build import classifier, last_read
from rena_pl.space.skeletons import expand

VIEWS = (nn.Identity, nn.Flatten, nn.Unflatten)
"""Modules that move and hold nothing."""
ELEMENTWISE = (
    nn.BatchNorm2d,
    nn.ReLU,
    nn.ELU,
    nn.SELU,
    nn.SiLU,
    nn.Hardswish,
    nn.Hardsigmoid,
    nn.Sigmoid,
)
"""Modules whose output has the shape of their input, which torch works out slowly on `meta`."""

MOST_RECURRENT = 100_000_000
"""Parameters of a recurrent layer, which is counted by running it."""

BYTES = {"float32": 4, "float16": 2, "bfloat16": 2, "int8": 1}


@dataclass(frozen=True)
class Profile:
    """The resource use of one architecture.

    Attributes:
        params: Trainable parameters.
        model_bytes: Bytes of parameters and buffers at the stated dtype.
        macs: Multiply-adds of one inference.
        flops: Multiplications and additions of one inference, 2 x MACs.
        bytes_moved: Bytes read and written by all layers.
        intensity: FLOPs per byte moved.
        peak_memory: Bytes of activations alive at once, at their most.
    """

    params: int
    model_bytes: int
    macs: int
    flops: int
    bytes_moved: int
    intensity: float
    peak_memory: int

    def as_dict(self) -> dict[str, float]:
        """The entries by name."""
        return asdict(self)


ENTRIES = tuple(entry.name for entry in fields(Profile))
"""The names a constraint can bound."""


@dataclass(frozen=True)
class LayerProfile:
    """The counts of one layer, in values rather than bytes, so that they hold for every dtype.

    Attributes:
        name: What the layer is, for tables.
        params: Trainable parameters.
        buffers: Values kept beside them, such as batch-norm statistics.
        macs: Multiply-adds, by thop.
        read: Values of the inputs.
        written: Values of the output.
        working: The most activation values alive at once while the layer runs.
        inside: The same while its modules run that read none of its inputs.
        held_inputs: Which of its inputs, counted from 0, are among the values inside all the same.
    """

    name: str
    params: int
    buffers: int
    macs: int
    read: int
    written: int
    working: int
    inside: int
    held_inputs: tuple[int, ...]


def profile(
    architecture: Architecture, input_shape: Shape, num_classes: int, dtype: str = "float32"
) -> Profile:
    """The resource use of an architecture.

    Args:
        architecture: What to count.
        input_shape: `(channels, height, width)` of one example.
        num_classes: Outputs of the classifier.
        dtype: Of weights and activations: float32, float16, bfloat16 or int8.

    Raises:
        ArchitectureError: A layer is not sound.
    """
    if dtype not in BYTES:
        raise RenaError(f"unknown dtype '{dtype}'; known are {', '.join(BYTES)}")
    size = BYTES[dtype]
    network = expand(architecture).layers
    layers = _counts(network, input_shape, num_classes)
    params = sum(layer.params for layer in layers)
    macs = sum(layer.macs for layer in layers)
    moved = size * sum(layer.read + layer.params + layer.written for layer in layers)
    return Profile(
        params=params,
        model_bytes=size * (params + sum(layer.buffers for layer in layers)),
        macs=macs,
        flops=2 * macs,
        bytes_moved=moved,
        intensity=2 * macs / moved,
        peak_memory=size * max(_alive(prod(input_shape), network, layers)),
    )


def layer_profiles(
    architecture: Architecture, input_shape: Shape, num_classes: int
) -> list[LayerProfile]:
    """The counts of every layer of the network in order, the classifier last."""
    return _counts(expand(architecture).layers, input_shape, num_classes)


def alive_values(architecture: Architecture, input_shape: Shape, num_classes: int) -> list[int]:
    """Activation values alive while each layer runs, the classifier last; the most is the peak."""
    network = expand(architecture).layers
    return list(_alive(prod(input_shape), network, _counts(network, input_shape, num_classes)))


def _counts(network: Sequence[Layer], input_shape: Shape, num_classes: int) -> list[LayerProfile]:
    shapes = layer_shapes(network, input_shape)
    counts = [profile_layer(decode(layer), input_shapes(layer, shapes)) for layer in network]
    return [*counts, _profile_head(shapes[-1], num_classes)]


def _alive(
    input_values: int, network: Sequence[Layer], counts: Sequence[LayerProfile]
) -> Iterator[int]:
    """Activation values alive while each layer runs: its own, and those that later layers read."""
    finished = last_read([layer.inputs for layer in network])
    sizes = [input_values, *[layer.written for layer in counts[:-1]]]
    held = input_values  # of all outputs that this layer or a later one reads
    for index, layer in enumerate(network):
        count, read = counts[index], set(layer.inputs)
        waiting = held - sum([sizes[source] for source in read])
        later = read - finished[index]
        beside = later - {layer.inputs[slot] for slot in count.held_inputs}
        yield waiting + max(count.working, count.inside + sum([sizes[s] for s in beside]))
        held = waiting + sum([sizes[source] for source in later]) + sizes[index + 1]
    yield counts[-1].working


@lru_cache(maxsize=50_000)
def profile_layer(layer: LayerType, inputs: tuple[Shape, ...]) -> LayerProfile:
    """The counts of a layer that reads such shapes.

    Raises:
        ArchitectureError: It cannot be built, or does not run.
    """
    name = str(layer.as_layer())
    try:
        with torch.device("meta"):
            module = layer.build(inputs)
        written = prod(layer.output_shape(inputs))
        held, held_inputs = layer.held_values(inputs), layer.passes(inputs)
        return _count(name, module, inputs, written, held, held_inputs)
    except RenaError:
        raise
    except Exception as error:  # torch, where it is far too large; or a third party's layer
        reason = " ".join(str(error).split())[:300]
        raise ArchitectureError(f"{name} on {inputs} cannot be counted: {reason}") from error


@lru_cache(maxsize=10_000)
def _profile_head(shape: Shape, num_classes: int) -> LayerProfile:
    with torch.device("meta"):
        module = classifier(shape, num_classes)
    return _count("classifier", module, (shape,), num_classes)


def _count(
    name: str,
    module: nn.Module,
    inputs: tuple[Shape, ...],
    written: int,
    held: int = 0,
    held_inputs: tuple[int, ...] = (),
) -> LayerProfile:
    """Count one module on the meta device, where only shapes are worked out.

    Recurrent modules run for real: there, torch would take them apart step by step.
    """
    device = "meta"
    if any(isinstance(part, nn.RNNBase) for part in module.modules()):
        device = "cpu"
        if sum(parameter.numel() for parameter in module.parameters()) > MOST_RECURRENT:
            raise ArchitectureError(f"{name}: more than {MOST_RECURRENT:,} parameters")
        module = module.to_empty(device=device)
    read = sum(map(prod, inputs))
    params = sum(parameter.numel() for parameter in module.parameters())
    buffers = sum(buffer.numel() for buffer in module.buffers())
    given = tuple(torch.zeros(1, *shape, device=device) for shape in inputs)
    working, inside = [0], [0]

    def note(_leaf: nn.Module, arguments: tuple[object, ...], output: object) -> None:
        reads_input = any(_shares_memory(argument, one) for argument in arguments for one in given)
        values = _values(arguments) + _values(output)
        (working if reads_input else inside).append(values)

    hooks = [
        leaf.register_forward_hook(note)
        for leaf in module.modules()
        if not list(leaf.children()) and not isinstance(leaf, VIEWS)
    ]
    for part in module.modules():
        if type(part) in ELEMENTWISE:
            part.forward = _as_it_is
    macs = thop_macs(module, given)
    for hook in hooks:
        hook.remove()
    alive = max(read + written, max(*working, *inside) + held)
    inner = max(inside) + held
    if len(inputs) == 2:  # the first one, what the second is made into, and the two merged
        inner, held_inputs = prod(inputs[0]) + 2 * written, (0,)
    return LayerProfile(name, params, buffers, macs, read, written, alive, inner, held_inputs)


def _as_it_is(features: Tensor) -> Tensor:
    return torch.empty_like(features)


def _shares_memory(argument: object, features: Tensor) -> bool:
    """Whether it is the features or a view of them."""
    return isinstance(argument, Tensor) and argument.untyped_storage() is features.untyped_storage()


def thop_macs(module: nn.Module, inputs: tuple[Tensor, ...]) -> int:
    """What thop counts for a module, with the rules for averages and of all layer types."""
    import thop

    rules = {Average: count_average} | {
        module_type: rule
        for layer_type in layer_types().values()
        for module_type, rule in layer_type.custom_ops().items()
    }
    macs, _ = thop.profile(module, inputs, custom_ops=rules, verbose=False)
    for part in module.modules():  # thop leaves its counters in modules that hold others
        for name in ("total_ops", "total_params"):
            if hasattr(part, name):
                delattr(part, name)
    return round(float(macs))


def _values(item: object) -> int:
    """The number of values in a tensor or a nest of tuples of them."""
    if isinstance(item, Tensor):
        return int(item.numel())
    return sum(map(_values, item)) if isinstance(item, tuple | list) else 0
