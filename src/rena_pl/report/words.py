"""Layers, shapes and resources in words."""

from __future__ import annotations

from collections.abc import Sequence

from rena_pl.architecture import Layer, Value
from rena_pl.numbers import readable
from rena_pl.objective import Constraint

RESOURCES = {
    "params": "parameters",
    "model_bytes": "model size (bytes)",
    "macs": "multiply-adds (MACs)",
    "flops": "FLOPs",
    "bytes_moved": "bytes moved",
    "intensity": "compute intensity (FLOPs/byte)",
    "peak_memory": "peak activation memory (bytes)",
    "latency_ms": "latency (ms)",
}
"""What profile entries are called; those of tables have their own names."""


def resource(entry: str) -> str:
    """What an entry of the profile is called within a sentence."""
    return RESOURCES.get(entry, entry)


def headed(text: str) -> str:
    """A text with a capital at its beginning."""
    return text[:1].upper() + text[1:]


def bound_in_words(bound: Constraint) -> str:
    """What a constraint allows, without the name of its entry."""
    sides = (("at least", bound.min), ("at most", bound.max))
    return ", ".join(f"{word} {readable(side)}" for word, side in sides if side is not None)


def in_words(layer: Layer) -> str:
    """The hyper-parameters of a layer; strides and dilations of 1 go without saying."""
    values = dict(layer.hyper)
    words = [f"{values.pop(name)} {name}" for name in ("channels", "units") if name in values]
    for name, prefix in (("kernel", "kernel_"), ("stride", "stride_"), ("window", "")):
        sides = [values.pop(f"{prefix}{side}", None) for side in ("height", "width")]
        if None not in sides:
            values[name] = f"{sides[0]}\u00d7{sides[1]}"
    order = sorted(values, key=lambda name: (name != "kernel", name != "stride"))
    words += [_setting(name, values[name]) for name in order]
    return ", ".join(filter(None, words))


def _setting(name: str, value: Value) -> str:
    spelled = name.replace("_", " ")
    if value in ("none", False) or (name in ("stride", "dilation") and value in (1, "1\u00d71")):
        return ""
    if value is True:
        return spelled
    if name in ("activation", "mode"):
        return str(value).replace("_", " ")
    return f"{str(value).replace('_', ' ')} norm" if name == "norm" else f"{spelled} {value}"


def written_shape(shape: Sequence[int]) -> str:
    """A shape as people write it."""
    return " \u00d7 ".join(map(str, shape))
