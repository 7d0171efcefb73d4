"""`rena profile`: the resource use of an architecture file as a table or as JSON."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

from rich.table import Table

from rena_pl.architecture import Architecture, Shape
from rena_pl.commands.options import Options
from rena_pl.console import plain_console
from rena_pl.errors import RenaError
from rena_pl.numbers import readable
from rena_pl.resources.latency import LATENCY, Latencies
from rena_pl.resources.profile import BYTES, LayerProfile, layer_profiles, profile
from rena_pl.search.summary import LARGEST_EXTENT, read_summary

SPEECH: tuple[Shape, int] = (1, 40, 101), 12
"""Input shape and classes of Speech Commands."""
UNITS = {
    "model_bytes": "bytes",
    "bytes_moved": "bytes",
    "peak_memory": "bytes",
    "intensity": "FLOPs/byte",
    LATENCY: "ms",
}


def run_profile(arguments: list[str]) -> None:
    """Read an architecture, count, print.

    Raises:
        RenaError: The architecture, its shapes, or the run that they are taken from are not sound.
    """
    options = _options(arguments)
    architecture = Architecture.load(options.architecture)
    shape, classes = _shapes(options)
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
    console = plain_console()
    title = f"{architecture.arch_id} on {shape}, {classes} classes"
    console.print(_layers(title, layer_profiles(architecture, shape, classes), times))
    console.print(_totals(f"whole network, {options.dtype}, batch 1", use))


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = Options(
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
    return parser.parse_args(arguments)


def _shapes(options: argparse.Namespace) -> tuple[Shape, int]:
    """Input shape and classes: as given, else of the run that the file is in, else SPEECH."""
    shape = None if options.input_shape is None else _shape(options.input_shape)
    classes = options.num_classes
    if classes is not None and not 1 <= classes <= LARGEST_EXTENT:
        raise RenaError(f"--num-classes {classes}: must be between 1 and {LARGEST_EXTENT:,}")
    if shape is not None and classes is not None:
        return shape, classes
    run = read_summary(options.architecture.resolve().parent.parent)
    default = SPEECH if run is None else (run.input_shape, run.num_classes)
    return shape or default[0], classes or default[1]


def _layers(title: str, counts: Sequence[LayerProfile], times: Sequence[float]) -> Table:
    """A row for each layer, with its milliseconds where they were measured."""
    table = Table("layer", title=title)
    for heading in ("params", "MACs", "output values", *["ms"] * bool(times)):
        table.add_column(heading, justify="right")
    for layer, time in zip_longest(counts, times):
        row = [layer.name, f"{layer.params:,}", f"{layer.macs:,}", f"{layer.written:,}"]
        table.add_row(*row, *([] if time is None else [f"{time:.4f}"]))
    return table


def _totals(title: str, use: Mapping[str, float]) -> Table:
    table = Table("resource", title=title)
    table.add_column("use", justify="right")
    table.add_column("unit")
    for name, value in use.items():
        table.add_row(name, readable(value), UNITS.get(name, ""))
    return table


def _shape(text: str) -> Shape:
    try:
        channels, height, width = (int(part) for part in text.split(","))
    except ValueError:
        raise RenaError(
            f"--input-shape {text}: give channels,height,width, like 1,40,101"
        ) from None
    if not 1 <= min(channels, height, width) <= max(channels, height, width) <= LARGEST_EXTENT:
        raise RenaError(
            f"--input-shape {text}: every extent must be between 1 and {LARGEST_EXTENT:,}"
        )
    return channels, height, width
