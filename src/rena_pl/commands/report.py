"""`rena report`: what a search came to, as one HTML file, and its figures for papers."""

from __future__ import annotations

import argparse
from pathlib import Path

from rena_pl.commands.options import Options
from rena_pl.console import plain_console
from rena_pl.errors import RenaError
from rena_pl.report.page import views_of
from rena_pl.report.wandb_log import run_id
from rena_pl.report.wandb_report import save_wandb_report
from rena_pl.report.write import REPORT, read_runs, write_report


def run_report(arguments: list[str]) -> None:
    """Read runs, finished or not, and write their report.

    Raises:
        RenaError: A run folder is none, or a file cannot be written.
    """
    parser = Options(
        prog="rena report",
        description="The report of one search, or of several side by side, as one HTML file.",
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="a run folder")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help=f"default: {REPORT} in the run folder; of several, in the folder you are in",
    )
    parser.add_argument(
        "--figures", type=Path, metavar="FOLDER", help="write the figures there, as SVG"
    )
    parser.add_argument(
        "--wandb",
        type=_project,
        metavar="ENTITY/PROJECT",
        help="build a W&B report there too, of runs that were logged to it",
    )
    options = parser.parse_args(arguments)
    runs = read_runs(options.runs)
    output = options.output or (options.runs[0] / REPORT if len(runs) == 1 else Path(REPORT))
    ids = [] if options.wandb is None else _ids(options.runs)
    write_report(runs, output, options.figures)
    console = plain_console()
    console.print(f"report: {output}", soft_wrap=True)
    if options.figures is not None:
        console.print(f"figures: {options.figures}", soft_wrap=True)
    if options.wandb is not None:
        address = save_wandb_report(views_of(runs), ids, *options.wandb)
        console.print(f"W&B report: {address}", soft_wrap=True)


def _project(text: str) -> tuple[str, str]:
    entity, _, project = text.partition("/")
    if not entity or not project or "/" in project:
        raise argparse.ArgumentTypeError(f"{text!r} is not ENTITY/PROJECT")
    return entity, project


def _ids(folders: list[Path]) -> list[str]:
    """The W&B runs of run folders."""
    found = []
    for folder in folders:
        identity = run_id(folder)
        if identity is None:
            raise RenaError(f"{folder}: was not logged to W&B")
        found.append(identity)
    return found
