"""The layer types: one class each, found by name in the registry."""

from rena_pl.layers.registry import LayerType, choice, decode, layer_types, register
from rena_pl.layers.shapes import layer_shapes

__all__ = ["LayerType", "choice", "decode", "layer_shapes", "layer_types", "register"]
