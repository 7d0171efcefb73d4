"""The report of some searches as a W&B report: their figures in words, and panels of their runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rena_pl.errors import RenaError
from rena_pl.extras import require_extra
from rena_pl.numbers import readable
from rena_pl.report.page import View
from rena_pl.report.run import metric_of
from rena_pl.report.words import bound_in_words, headed, resource
from rena_pl.search.progress.progress import duration


def save_wandb_report(views: Sequence[View], ids: Sequence[str], entity: str, project: str) -> str:
    """Build the report and save it.

    Args:
        views: What it shows of each search.
        ids: Of their W&B runs.
        entity: Whose report it is.
        project: Where the runs are.

    Returns:
        Its address.

    Raises:
        RenaError: wandb-workspaces is not installed, nobody is logged in, or W&B refuses it.
    """
    report = wandb_report(views, ids, entity, project)
    try:
        return str(report.save().url)
    except Exception as error:  # no login, no such project, no network: each has its own
        told = " ".join(f"{error}".split()) or type(error).__name__
        raise RenaError(f"{entity}/{project}: W&B does not take the report: {told}") from error


def wandb_report(views: Sequence[View], ids: Sequence[str], entity: str, project: str) -> Any:
    """The report as a `wandb_workspaces.reports.v2.Report`, not saved; W&B is not asked.

    Raises:
        RenaError: wandb-workspaces is not installed.
    """
    require_extra("wandb", "a W&B report")
    from wandb_workspaces import expr
    from wandb_workspaces.reports import v2

    names = ", ".join(view.run.name for view in views)
    runs = v2.Runset(name="searches", filters=[expr.Metric("ID").isin(list(ids))])
    entries = list(dict.fromkeys(c.entry for view in views for c in view.run.objective.constraints))
    metric = metric_of([view.run for view in views])
    blocks: list[Any] = [
        v2.MarkdownBlock(text=_table(views)),
        v2.H2(text="Course of the search"),
        v2.PanelGrid(runsets=[runs], panels=_course(v2, entries, metric)),
        v2.H2(text="All evaluations"),
        v2.PanelGrid(
            runsets=[runs],
            panels=[
                v2.WeavePanelSummaryTable(table_name="evaluations", layout=v2.Layout(w=24, h=12))
            ],
        ),
    ]
    for view in views:
        blocks += [v2.H2(text=view.run.name), *_search(v2, view)]
    blocks.append(
        v2.PanelGrid(
            runsets=[runs],
            panels=[v2.MediaBrowser(media_keys=["report"], layout=v2.Layout(w=24, h=24))],
        )
    )
    return v2.Report(
        entity=entity,
        project=project,
        title=f"Architecture search: {names}"[:128],
        description="Written by rena report.",
        blocks=blocks,
        width="fluid",
    )


def _course(v2: Any, entries: Sequence[str], metric: str) -> list[Any]:
    """Curves over updates and evaluations, and what the bounded resources came to."""

    def half() -> Any:  # one for each panel: they are moved to their places
        return v2.Layout(w=12, h=8)

    panels = [
        v2.LinePlot(title="Reward", x="update", y=["best_reward", "reward_mean"], layout=half()),
        v2.LinePlot(
            title="Share of children within the hard bounds",
            x="update",
            y=["feasible_share"],
            range_y=(0, 1),
            layout=half(),
        ),
        v2.LinePlot(
            title=f"Validation {metric} of every evaluation",
            x="evaluation/number",
            y=["evaluation/accuracy"],
            layout=half(),
        ),
    ]
    for entry in entries:
        best = v2.SummaryMetric(f"best_{entry}")
        reached = v2.SummaryMetric("val_accuracy")
        title = f"{headed(resource(entry))} of the best so far"
        panels += [
            v2.LinePlot(title=title, x="update", y=[f"best_{entry}"], layout=half()),
            v2.ScatterPlot(
                title=f"{headed(metric)} and {resource(entry)}", x=best, y=reached, layout=half()
            ),
        ]
    return panels


def _table(views: Sequence[View]) -> str:
    """A row for each search, as Markdown."""
    escaped = "\\|"
    lines = [
        "| search | test | 95% | start network's | child-epochs | time |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for view in views:
        summary, cells = view.run.summary, [view.run.name]
        if summary is None:
            cells += [view.state, "", "", "", ""]
        else:
            interval = view.tested if view.run.metric == "accuracy" else None
            start = summary.start_test_accuracy
            cells += [
                f"{_percent(summary.test_accuracy)} {view.run.metric_in_words}",
                f"{_percent(interval.low)} to {_percent(interval.high)}" if interval else "",
                "" if start is None else _percent(start),
                readable(summary.child_epochs),
                duration(summary.seconds),
            ]
        lines.append(f"| {' | '.join(cell.replace('|', escaped) for cell in cells)} |")
    return "\n".join(lines)


def _search(v2: Any, view: View) -> list[Any]:
    """Bounds and the way to the best network."""
    run, blocks = view.run, []
    best = view.best
    bounds = [
        f"{headed(resource(c.entry))}: {bound_in_words(c)}"
        + ("" if best is None else f"; the best network's: {readable(best.profile[c.entry])}")
        for c in run.objective.constraints
    ]
    if bounds:
        blocks += [v2.H3(text="Bounds"), v2.UnorderedList(items=bounds)]
    steps = [
        f"{'; '.join(change.text for change in step.changes) or 'start network'}: "
        f"validation {run.metric_in_words} {_percent(step.evaluation.accuracy or 0.0)}"
        for step in view.lineage
    ]
    if steps:
        blocks += [
            v2.H3(text="From the start network to the best"),
            v2.OrderedList(items=steps),
        ]
    return blocks


def _percent(share: float) -> str:
    return f"{share:.2%}"
