"""`rena export`: the network of a run as a file for devices."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from rena_pl.commands.options import Options
from rena_pl.commands.run_task import own_layer_types, task_of
from rena_pl.commands.surroundings import quiet
from rena_pl.console import plain_console
from rena_pl.deploy.executorch_export import export_executorch
from rena_pl.deploy.litert_export import export_litert
from rena_pl.deploy.onnx_export import export_onnx
from rena_pl.deploy.trained import Trained, load
from rena_pl.deploy.trial import Exported
from rena_pl.errors import RenaError
from rena_pl.extras import require_extra
from rena_pl.resources.latency import LATENCY

ONNX = "onnx"
OTHERS = {"executorch": ("pte", export_executorch), "litert": ("tflite", export_litert)}
"""The other formats: how their files end, and what writes them."""


def run_export(arguments: list[str]) -> None:
    """Load, export, compare with PyTorch on the test split, measure, print.

    Raises:
        RenaError: The run has not ended, its data are not usable, a package is missing, or the
            file does not agree with PyTorch.
    """
    parser = Options(
        prog="rena export",
        description="Write a run's network to RUN/export and compare it with PyTorch on the test "
        "split. `--data.root PATH` and the like change the run's task.",
    )
    parser.add_argument("run", type=Path, help="a run folder")
    parser.add_argument(
        "--format", choices=[ONNX, *OTHERS], default=ONNX, help="default: %(default)s"
    )
    parser.add_argument(
        "--int8", action="store_true", help="quantise weights and activations to eight bits"
    )
    parser.add_argument(
        "--raw-audio",
        action="store_true",
        help="put the front end into the graph: waveforms (batch, samples) at 16 kHz in",
    )
    options, changes = parser.parse_with_changes(arguments, "the run folder")
    quiet()
    onnx = options.format == ONNX
    if not onnx and (options.int8 or options.raw_audio):
        raise RenaError("--int8 and --raw-audio are for --format onnx")
    require_extra("export" if onnx else options.format, "export")
    own_layer_types(options.run)
    trained = load(options.run)
    task = task_of(options.run, trained, changes)
    folder = options.run / "export"
    if onnx:
        name = "network" + options.raw_audio * "_raw_audio" + options.int8 * "_int8"
        path = folder / f"{name}.onnx"
        exported = export_onnx(trained, task, path, options.int8, options.raw_audio)
    else:
        ending, export = OTHERS[options.format]
        exported = export(trained, task, folder / f"network.{ending}")
    _print(exported, trained)


def _print(exported: Exported, trained: Trained) -> None:
    profile = trained.summary.profile
    memory = "-" if exported.peak_memory is None else f"{exported.peak_memory:,}"
    table = Table("", box=None, padding=(0, 2))
    for heading in ("the file", "PyTorch, float32"):
        table.add_column(heading, justify="right")
    for name, file, network in (
        ("test accuracy", f"{exported.accuracy:.2%}", f"{exported.torch_accuracy:.2%}"),
        ("same class", f"{exported.agreement:.2%}", ""),
        ("size, bytes", f"{exported.file_bytes:,}", f"{profile['model_bytes']:,}"),
        ("peak memory, bytes", memory, f"{profile['peak_memory']:,}"),
        ("latency, ms", f"{1000 * exported.latency:.3f}", ""),
        ("parameters", "", f"{profile['params']:,}"),
        ("FLOPs", "", f"{profile['flops']:,}"),
    ):
        table.add_row(name, file, network)
    console = plain_console()
    console.print(table)
    threads = "; ONNX Runtime takes one thread" * (exported.path.suffix == ".onnx")
    console.print(f"Latency: median at batch 1 on this machine{threads}.")
    if LATENCY in profile:
        console.print(f"The sum over its layers, as the search has it: {profile[LATENCY]:.3f} ms.")
    console.print(f"file: {exported.path}", soft_wrap=True)
