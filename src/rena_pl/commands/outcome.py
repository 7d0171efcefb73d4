"""What `rena fit` leaves a person with: the report, and a summary on the screen."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table as Lines

from rena_pl.child.metric import metric_in_words
from rena_pl.console import plain_console
from rena_pl.evaluation.evaluation import Evaluation
from rena_pl.numbers import readable
from rena_pl.report.write import REPORT, read_runs, write_report
from rena_pl.resources.latency import LATENCY
from rena_pl.search.progress.json_lines import print_event
from rena_pl.search.summary import SUMMARY, Summary
from rena_pl.tabular import Table

END_FIGURES = (
    "arch_id",
    "metric",
    "val_accuracy",
    "test_accuracy",
    "constraints_met",
    "child_epochs",
)
"""What `--progress json` tells of the summary at the end."""


def show_outcome(summary: Summary, folder: Path, as_json: bool) -> None:
    """Write the report into the run folder, and print what the search came to.

    Args:
        summary: Of the search.
        folder: The run folder.
        as_json: Whether it is printed as an event of `--progress json`, not for people.
    """
    report = folder / REPORT
    write_report(read_runs([folder]), report)
    if as_json:
        came_to = {name: getattr(summary, name) for name in END_FIGURES}
        print_event("end", summary=str(folder / SUMMARY), report=str(report), **came_to)
        return
    _print_summary(summary, folder)
    plain_console().print(f"report: {report}", soft_wrap=True)


def show_row(table: Table, best: Evaluation, evaluations: int, as_json: bool) -> None:
    """Print the best row that the search of a table came to.

    Args:
        table: That was searched.
        best: The evaluation of the row.
        evaluations: How many rows were looked up.
        as_json: Whether it is printed as an event of `--progress json`, not for people.
    """
    row, score = table.named(best.architecture), table.score(best.architecture)
    if as_json:
        figures = {"accuracy": best.accuracy, "score": score, "profile": best.profile}
        print_event("end", decisions=row, **figures, evaluations=evaluations)
        return
    lines = Lines(box=None, show_header=False, padding=(0, 2))
    for name, value in [*row.items(), (table.observed, f"{best.accuracy:g}")]:
        lines.add_row(name, value)
    if table.scored != table.observed:
        lines.add_row(table.scored, f"{score:g}")
    for name, known in best.profile.items():
        lines.add_row(name, readable(known))
    lines.add_row("cost", f"{evaluations} rows looked up")
    plain_console().print(lines)


def _print_summary(summary: Summary, folder: Path) -> None:
    table = Lines(box=None, show_header=False, padding=(0, 2))
    start = summary.start_test_accuracy
    table.add_row(f"test {metric_in_words(summary.metric)}", f"{summary.test_accuracy:.2%}")
    table.add_row("start network's", "-" if start is None else f"{start:.2%}")
    table.add_row("parameters", f"{summary.profile['params']:,}")
    table.add_row("FLOPs", f"{summary.profile['flops']:,}")
    if LATENCY in summary.profile:
        table.add_row("latency", f"{summary.profile[LATENCY]:.3f} ms")
    bounds = "; ".join(summary.constraints) or "none"
    kept = " (all kept)" if summary.constraints_met else " (not all kept)"
    table.add_row("bounds", bounds + kept if summary.constraints else bounds)
    table.add_row("cost", f"{summary.child_epochs} child-epochs, {summary.seconds / 60:.1f} min")
    console = plain_console()
    console.print(table)
    if summary.arch_id == summary.start_arch_id:
        console.print("No better network than the start was found: search longer.")
    console.print(f"run folder: {folder}", soft_wrap=True)
