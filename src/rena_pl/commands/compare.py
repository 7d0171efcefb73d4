"""`rena compare`: searchers on one config, several seeds each, as a table, a file and a plot."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from statistics import median
from typing import Any

from lightning.pytorch import LightningDataModule
from rich.progress import Progress
from rich.table import Table as Lines

from rena_pl.commands.options import Options
from rena_pl.commands.processes import side_by_side
from rena_pl.commands.search_settings import search_settings
from rena_pl.commands.surroundings import quiet
from rena_pl.console import plain_console
from rena_pl.errors import RenaError
from rena_pl.evaluation.ledger import JOURNAL, Ledger
from rena_pl.extras import require_extra
from rena_pl.hashing import short_hash
from rena_pl.resources.latency import FILE as LATENCY_FILE
from rena_pl.search.compare import Curve, best_of_table, curve_of, search, summary
from rena_pl.search.controller import Controller
from rena_pl.search.run_folder import RunFolder
from rena_pl.search.searchers.by_name import NAMES
from rena_pl.search.setting import task_fingerprint
from rena_pl.tabular import Table
from rena_pl.whole_files import write_whole

COMMAND = "rena compare"
DEFAULT = "rena,random,evolution,hill,tpe,nsga2"


def run_compare(arguments: list[str]) -> None:
    """Run what has not been run yet, and write `compare.json` and `compare.html`.

    Raises:
        RenaError: The config, the data, the folder or an option is not usable.
    """
    options, config = _options(arguments)
    quiet()
    given = search_settings(COMMAND, config)
    controller, task, settings = given.controller, given.task, given.values
    folder = options.folder or Path(settings["trainer"]["default_root_dir"]) / "compare"
    settings["seed_everything"] = settings["model"]["seed"] = None  # every run has its own
    top = best_of_table(task, controller.objective) if isinstance(task, Table) else None
    run_folder = RunFolder(folder, settings, option="--folder")
    task.prepare_data()
    epochs = options.epochs or _usual_epochs(controller, settings["trainer"]["max_epochs"])
    runs = [(name, seed) for seed in range(options.seeds) for name in options.searchers]
    with run_folder.locked():
        run_folder.claim()
        _claim_for(task, folder)
        _run_all(config, runs, epochs, folder, options.workers)
    curves: dict[str, dict[int, Curve]] = {name: {} for name in options.searchers}
    for name, seed in runs:
        evaluations = Ledger(_place(folder, name, seed) / JOURNAL).evaluations()
        curves[name][seed] = curve_of(
            evaluations, controller.objective, epochs, top, options.target
        )
    figures = {
        "command": f"{COMMAND} {' '.join(arguments)}",
        "child_epochs": epochs,
        "bounds": [str(constraint) for constraint in controller.objective.constraints],
        "target": options.target,
        **summary(curves),
    }
    write_whole(folder / "compare.json", json.dumps(figures, indent=1, allow_nan=False) + "\n")
    _plot(figures, folder / "compare.html")
    _print(figures, folder)


def _options(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """The options of the comparison, and those of the search that are left."""
    parser = Options(
        prog=COMMAND,
        description="Run searchers on the same config. All options of `rena fit` are options too; "
        "each search runs on one device, `--trainer.accelerator`, and keeps its ledger in a file.",
    )
    parser.add_argument(
        "--searchers",
        default=DEFAULT,
        help=f"which, the first against all others (default: %(default)s; known: "
        f"{', '.join(NAMES)})",
    )
    parser.add_argument("--seeds", type=int, default=5, help="runs of each (default: %(default)s)")
    parser.add_argument(
        "--epochs", type=int, help="child-epochs of each run (default: as many as `rena fit` takes)"
    )
    parser.add_argument(
        "--target", type=float, help="count trainings until this accuracy, as the task has it"
    )
    parser.add_argument("--folder", type=Path, help="default: `compare` in the run folder")
    parser.add_argument(
        "--workers", type=int, default=1, help="runs at the same time (default: %(default)s)"
    )
    options, rest = parser.parse_known_args(arguments)
    options.searchers = list(dict.fromkeys(map(str.strip, options.searchers.split(","))))
    for name in options.searchers:
        if name not in NAMES:
            raise RenaError(f"unknown searcher '{name}'; known are {', '.join(NAMES)}")
    for name in ("seeds", "workers", "epochs"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise RenaError(f"--{name} {value}: must be at least 1")
    if options.target is not None and not math.isfinite(options.target):
        raise RenaError(f"--target {options.target}: must be a number")
    if "gp" in options.searchers:  # now, not after hours of the others
        require_extra("compare", "the searcher gp")
    return options, rest


def _usual_epochs(controller: Controller, updates: int) -> int:
    """What the updates of a search cost, and its start."""
    budget = controller.budget
    start = 0 if controller.start is None else budget.start_epochs
    return round(start + updates * budget.children * budget.training.epochs_a_child)


def _claim_for(task: LightningDataModule, folder: Path) -> None:
    """Refuse a folder whose searches saw other data."""
    kept, fingerprint = folder / "task", short_hash(task_fingerprint(task))
    if kept.is_file() and kept.read_text().strip() != fingerprint:
        raise RenaError(
            f"{folder}: the data have changed since its searches; give another --folder"
        )
    write_whole(kept, fingerprint + "\n")


def _place(folder: Path, name: str, seed: int) -> Path:
    return folder / name / str(seed)


def _run_all(
    config: list[str], runs: list[tuple[str, int]], epochs: int, folder: Path, workers: int
) -> None:
    """Run every search that has not come to its end, several at a time."""
    left = [run for run in runs if not _ended(_place(folder, *run), epochs)]
    with Progress(console=plain_console(stderr=True)) as bars:
        bar = bars.add_task("searches", total=len(runs), completed=len(runs) - len(left))
        if workers == 1:
            for run in left:
                _run_one(config, run, epochs, folder)
                bars.advance(bar)
            return
        for _ in side_by_side(_run_one, [(config, run, epochs, folder) for run in left], workers):
            bars.advance(bar)


def _run_one(config: list[str], run: tuple[str, int], epochs: int, folder: Path) -> None:
    name, seed = run
    quiet()
    given = search_settings(COMMAND, [*config, "--seed_everything", str(seed)])
    place, latencies = _place(folder, name, seed), folder / LATENCY_FILE
    search(given.controller, given.task, name, epochs, place, given.device, latencies)
    write_whole(place / "ended", f"{epochs}\n")


def _ended(place: Path, epochs: int) -> bool:
    """Whether a search has come to its end, with as many child-epochs."""
    try:
        return int((place / "ended").read_text()) >= epochs
    except (OSError, ValueError):
        return False


def _plot(figures: dict[str, Any], file: Path) -> None:
    import plotly.graph_objects as go
    from plotly.colors import qualitative

    figure = go.Figure()
    for colour, (name, of) in zip(qualitative.Safe * 2, figures["searchers"].items(), strict=False):
        curve = of["curve"]
        at = curve["child_epochs"]
        figure.add_scatter(
            x=[*at, *at[::-1]],
            y=[*curve["high"], *curve["low"][::-1]],
            fill="toself",
            fillcolor=colour,
            opacity=0.15,
            line={"width": 0},
            hoverinfo="skip",
            showlegend=False,
            legendgroup=name,
        )
        figure.add_scatter(
            x=at, y=curve["mean"], name=name, line={"color": colour}, legendgroup=name
        )
    figure.update_layout(
        title="Best accuracy within the bounds: mean over seeds, 95% interval",
        xaxis_title="child-epochs",
        yaxis_title="accuracy",
        yaxis_range=_frame(figures),
        template="plotly_white",
    )
    write_whole(file, figure.to_html(include_plotlyjs=True))


def _frame(figures: dict[str, Any]) -> list[float] | None:
    """Around the means: intervals of a few seeds would press them flat."""
    curves = [of["curve"]["mean"] for of in figures["searchers"].values()]
    means = [mean for curve in curves for mean in curve if mean is not None]
    if not means:
        return None
    margin = 0.25 * (max(means) - min(means)) or 0.05
    return [min(means) - margin, max(means) + margin]


def _print(figures: dict[str, Any], folder: Path) -> None:
    tabular = any("median_trainings_to_top10" in f for f in figures["searchers"].values())
    lines = Lines(title=f"best accuracy after {figures['child_epochs']} child-epochs")
    lines.add_column("searcher")
    for heading in ("best", "95%", "first ahead over the curve", "p"):
        lines.add_column(heading, justify="right")
    if tabular:
        lines.add_column("to top 10", justify="right")
    if figures["target"] is not None:
        lines.add_column(f"to {figures['target']:g}", justify="right")
    for name, of in figures["searchers"].items():
        curve, ahead = of["curve"], figures["differences"].get(name)
        found = sum(best is not None for best in of["best"])
        some = f"in {found} of {len(of['best'])}" if found else "-"
        row = [name, some if curve["mean"][-1] is None else _number(curve["mean"][-1])]
        row.append(f"{_number(curve['low'][-1])} to {_number(curve['high'][-1])}")
        row += [_number(ahead["mean"]), f"{ahead['p']:.3f}"] if ahead else ["", ""]
        if tabular:
            row.append(_median(of["trainings_to_top10"], figures["child_epochs"]))
        if figures["target"] is not None:
            row.append(_median(of["evaluations_to_target"], figures["child_epochs"]))
        lines.add_row(*row)
    console = plain_console()
    console.print(lines)
    console.print(f"{folder / 'compare.json'}, {folder / 'compare.html'}", soft_wrap=True)


def _median(trainings: list[int | None], epochs: int) -> str:
    """Of the trainings until something is found; above the budget it never is."""
    needed = median(math.inf if number is None else number for number in trainings)
    return f"{needed:g}" if needed <= epochs else "not found"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
