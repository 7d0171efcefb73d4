"""`rena profile`: the resource use of an architecture file as a table or as JSON."""

from __future__ import annotations

import argparse
import json
from itertools import zip_longest
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from rena_pl.architecture import Architecture, Shape
from rena_pl.errors import RenaError
from rena_pl.numbers import readable
from rena_pl.resources.latency import LATENCY, Latencies
from rena_pl.resources.profile import BYTES, layer_profiles, profile
from rena_pl.search.final import SUMMARY, read_summary

LARGEST = 1_000_000
"""Of every extent, and classes."""
UNITS = {
    "model_bytes": "bytes",
    "bytes_moved": "bytes",
    "peak_memory": "bytes",
    "intensity": "FLOPs/byte",
    LATENCY: "ms",
}


def run_profile(arguments: list[str]) -> None:
    """Read an architecture, count, print."""
    parser = argparse.ArgumentParser(
        prog="rena profile",
        description="Resource use at batch 1; FLOPs = 2 x MACs; every layer reads its inputs and "
        "weights once and writes its output once.",
    )
    parser.add_argument("architecture", type=Path, help="an architecture's JSON file")
    parser.add_argument(
        "--input-shape",
        help="channels,height,width of one example; for speech, height is frequency and width "
        "time (default: that of the run the file is in, else 1,40,101)",
    )
    parser.add_argument(
        "--num-classes", type=int, help="default: that of the run the file is in, else 12"
    )
    parser.add_argument("--dtype", choices=BYTES, default="float32", help="default: %(default)s")
    parser.add_argument(
        "--latency",
        action="store_true",
        help="measure the latency too: the sum over the layers, in float32, in ONNX Runtime on one "
        "thread of this machine",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(arguments)
    architecture = Architecture.load(options.architecture)
    shape = _shape(options.input_shape) if options.input_shape else None
    classes = options.num_classes
    if shape is None or classes is None:
        of_run, classes_of_run = _shapes_of_run(options.architecture.resolve().parent.parent)
        shape = shape or of_run
        classes = classes_of_run if classes is None else classes
    if not 1 <= classes <= LARGEST:
        raise RenaError(f"--num-classes {classes}: must be between 1 and {LARGEST:,}")
    latencies = Latencies() if options.latency else None
    try:
        use = profile(architecture, shape, classes, options.dtype).as_dict()
        times = latencies.layers(architecture, shape, classes) if latencies else []
        if latencies:
            use[LATENCY] = latencies.network(architecture, shape, classes)
    except RenaError as error:
        raise RenaError(f"{options.architecture}: {error}") from None
    if options.json:
        print(json.dumps({"arch_id": architecture.arch_id, **use}, indent=2))
        return
    console = Console(highlight=False)
    layers = Table("layer", title=f"{architecture.arch_id} on {shape}, {classes} classes")
    for heading in ("params", "MACs", "output values", *["ms"] * options.latency):
        layers.add_column(heading, justify="right")
    counts = layer_profiles(architecture, shape, classes)
    for layer, time in zip_longest(counts, times):
        row = [layer.name, f"{layer.params:,}", f"{layer.macs:,}", f"{layer.written:,}"]
        layers.add_row(*row, *([] if time is None else [f"{time:.4f}"]))
    console.print(layers)
    totals = Table("resource", title=f"whole network, {options.dtype}, batch 1")
    totals.add_column("use", justify="right")
    totals.add_column("unit")
    for name, value in use.items():
        totals.add_row(name, readable(value), UNITS.get(name, ""))
    console.print(totals)


def _shapes_of_run(folder: Path) -> tuple[Shape, int]:
    """Input shape and classes of the run that a folder holds, else those of Speech Commands."""
    run = read_summary(folder)
    if run is None:
        return (1, 40, 101), 12
    extents: list[Any] = [*_listed(run.get("input_shape")), run.get("num_classes")]
    if len(extents) != 4 or not all(type(n) is int and 1 <= n <= LARGEST for n in extents):
        raise RenaError(f"{folder / SUMMARY}: states no input_shape and num_classes")
    channels, height, width, classes = extents
    return (channels, height, width), classes


def _listed(item: object) -> list[object]:
    return item if isinstance(item, list) else []


def _shape(text: str) -> Shape:
    try:
        channels, height, width = (int(part) for part in text.split(","))
    except ValueError:
        raise RenaError(
            f"--input-shape {text}: give channels,height,width, like 1,40,101"
        ) from None
    if not 1 <= min(channels, height, width) <= max(channels, height, width) <= LARGEST:
        raise RenaError(f"--input-shape {text}: every extent must be between 1 and {LARGEST:,}")
    return channels, height, width
