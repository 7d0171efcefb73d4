"""`rena predict`: what a run's network says to recordings or images."""

from __future__ import annotations

import sys
from io import TextIOWrapper
from pathlib import Path

import torch
from torch import Tensor

from rena_pl.checks import printable
from rena_pl.commands.options import Options
from rena_pl.commands.surroundings import quiet
from rena_pl.data.files import Skipped, read_all
from rena_pl.deploy.raw_input import files_of, read_file, read_stream
from rena_pl.deploy.trained import Trained, load
from rena_pl.errors import RenaError

STANDARD_INPUT = "-"
BATCH = 100


def run_predict(arguments: list[str]) -> None:
    """Load, read, print a line for every file: path, label and probability, separated by tabs.

    Raises:
        RenaError: The run has not ended, or a file cannot be read; the others are printed first.
    """
    parser = Options(
        prog="rena predict",
        description="Prints path, label and probability of every file, separated by tabs.",
    )
    parser.add_argument("run", type=Path, help="a run folder")
    parser.add_argument(
        "inputs",
        nargs="+",
        help="recordings or images, folders of them, or - for 16 kHz mono PCM16 on standard input",
    )
    options = parser.parse_args(arguments)
    quiet()
    if isinstance(sys.stdout, TextIOWrapper):  # names of files need not be UTF-8
        sys.stdout.reconfigure(errors="surrogateescape")
    trained = load(options.run)
    if trained.front_end is None:
        raise RenaError(f"{options.run}: its task does not say how features are made of raw input")
    failed: Skipped = []
    for given in options.inputs:
        if given == STANDARD_INPUT:
            _print(trained, [given], read_stream(sys.stdin.buffer, trained)[None])
        else:
            paths = files_of(Path(given))
            for begin in range(0, len(paths), BATCH):
                failed += _predict(trained, paths[begin : begin + BATCH])
    if failed:
        path, reason = failed[0]
        others = f", and {len(failed) - 1} more" if len(failed) > 1 else ""
        raise RenaError(f"{path}: cannot be read: {reason}{others}")


def _predict(trained: Trained, paths: list[Path]) -> Skipped:
    """Print a line for each of some files, and give those that cannot be read."""
    contents, usable, failed = read_all(paths, lambda path: read_file(path, trained))
    if contents:
        _print(trained, [str(paths[index]) for index in usable], torch.stack(contents))
    return failed


def _print(trained: Trained, names: list[str], raw: Tensor) -> None:
    probabilities, classes = trained.probabilities(raw).max(1)
    for name, probability, number in zip(
        names, probabilities.tolist(), classes.tolist(), strict=True
    ):
        print(f"{name}\t{printable(trained.labels[number])}\t{probability:.4f}", flush=True)
