"""Shapes through a network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from rena_pl.architecture import ArchitectureError, Layer, Shape
from rena_pl.errors import RenaError
from rena_pl.layers.registry import LayerType, decode


@lru_cache(maxsize=20_000)
def _output_shape(layer: LayerType, inputs: tuple[Shape, ...]) -> Shape:
    shape = tuple(layer.output_shape(inputs))
    if len(shape) != 3 or not all(type(extent) is int and extent > 0 for extent in shape):
        raise ArchitectureError(f"its output shape {shape} is not three positive whole numbers")
    return shape


def input_shapes(layer: Layer, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
    """The shapes a layer reads, given the network input's shape and those of the layers so far."""
    return tuple([shapes[source] for source in layer.inputs])


def layer_shapes(layers: Sequence[Layer], input_shape: Shape) -> list[Shape]:
    """The network input's shape, followed by every layer's output shape.

    Raises:
        ArchitectureError: A layer is of an unknown kind, has a bad value, or cannot take its
            input; the sentence names the layer.
    """
    shapes = [input_shape]
    flat = [False]
    for number, layer in enumerate(layers, start=1):
        try:
            decoded = decode(layer)
            if not decoded.flattens and any(flat[source] for source in layer.inputs):
                raise ArchitectureError("its input has no height and width left")
            shapes.append(_output_shape(decoded, input_shapes(layer, shapes)))
        except (RenaError, ValueError) as error:
            raise ArchitectureError(f"layer {number} ({layer.kind}): {error}") from None
        except Exception as error:  # whatever a third party's layer dies of
            about = f"layer {number} ({layer.kind}): {type(error).__name__}: {error}"
            raise ArchitectureError(about) from error
        flat.append(decoded.flattens)
    return shapes
