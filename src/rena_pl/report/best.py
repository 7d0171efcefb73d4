"""The best network layer by layer: what each layer is, gives and costs."""

from __future__ import annotations

from dataclasses import dataclass

from rena_pl.architecture import Architecture, Shape
from rena_pl.errors import RenaError
from rena_pl.layers.shapes import layer_shapes
from rena_pl.report.words import in_words, written_shape
from rena_pl.resources.profile import BYTES, alive_values, layer_profiles
from rena_pl.space.skeletons import expand

CLASSIFIER = "classifier"


@dataclass(frozen=True)
class LayerCost:
    """One layer of a network.

    Attributes:
        number: From 1 on.
        kind: Its layer type.
        hyper: Its hyper-parameters in words.
        reads: Numbers of the layers that it reads, 0 for the input, where that is not just the
            layer before it.
        shape: Of its output.
        params: Trainable parameters.
        macs: Multiply-adds.
        memory: Bytes of activations alive while it runs, float32.
    """

    number: int
    kind: str
    hyper: str
    reads: tuple[int, ...]
    shape: str
    params: int
    macs: int
    memory: int


def layer_costs(
    architecture: Architecture, input_shape: Shape, num_classes: int
) -> list[LayerCost] | None:
    """Every layer of the network, the classifier last; none where a layer type is not installed."""
    try:
        layers = expand(architecture).layers
        shapes = layer_shapes(layers, input_shape)[1:]
        counts = layer_profiles(architecture, input_shape, num_classes)
        alive = alive_values(architecture, input_shape, num_classes)
    except (RenaError, RuntimeError, OverflowError):
        return None
    named = [
        (layer.kind, in_words(layer), () if layer.inputs == (number,) else layer.inputs, shape)
        for number, (layer, shape) in enumerate(zip(layers, shapes, strict=True))
    ]
    outputs = [written_shape(shape) for *_, shape in named] + [f"{num_classes} classes"]
    rows = [*named, (CLASSIFIER, "average, then linear", (), (num_classes, 1, 1))]
    return [
        LayerCost(
            number,
            kind,
            hyper,
            reads,
            output,
            count.params,
            count.macs,
            BYTES["float32"] * values,
        )
        for number, ((kind, hyper, reads, _), output, count, values) in enumerate(
            zip(rows, outputs, counts, alive, strict=True), start=1
        )
    ]


def output_shapes(architecture: Architecture, input_shape: Shape) -> list[str] | None:
    """The output shape of each searched layer where it stands first, in words; none if unknown."""
    try:
        expanded = expand(architecture)
        shapes = layer_shapes(expanded.layers, input_shape)[1:]
    except (RenaError, RuntimeError, OverflowError):
        return None
    first = [expanded.searched.index(n) for n in range(len(architecture.layers))]
    return [written_shape(shapes[at]) for at in first]
