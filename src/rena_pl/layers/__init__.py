"""The layer types: one class each, found by name in the registry."""

from rena_pl.layers.registry import (
    IN,
    IN2,
    OUT,
    LayerType,
    choice,
    decode,
    layer_types,
    register,
)
from rena_pl.layers.shapes import layer_shapes

__all__ = [
    "IN",
    "IN2",
    "OUT",
    "LayerType",
    "choice",
    "decode",
    "layer_shapes",
    "layer_types",
    "register",
]
