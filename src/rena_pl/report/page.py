"""The page: one HTML file with its style, script, figures and data inside."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from rena_pl import __version__
from rena_pl.checks import printable
from rena_pl.evaluation.evaluation import Evaluation
from rena_pl.numbers import readable
from rena_pl.report import facts
from rena_pl.report.baselines import baselines
from rena_pl.report.best import layer_costs
from rena_pl.report.details import details, when
from rena_pl.report.figures.actions import actions
from rena_pl.report.figures.confusion import confusion
from rena_pl.report.figures.course import course
from rena_pl.report.figures.figure import Figure
from rena_pl.report.figures.joint import joint_curve, joint_front
from rena_pl.report.figures.layers import layers
from rena_pl.report.figures.trade_off import trade_off
from rena_pl.report.palette import variables
from rena_pl.report.run import Run
from rena_pl.report.words import bound_in_words, headed, resource
from rena_pl.search.progress.progress import duration

MOST_CONFUSED = 6
MOST_CLASSES = 60
MOST_PAYOFFS = 12
LONGEST_LABEL = 60


@dataclass(frozen=True)
class View:
    """What the template shows of one run."""

    run: Run
    id: str

    @cached_property
    def updates(self) -> list[facts.Update]:
        """Every update."""
        return facts.updates(self.run)

    @cached_property
    def state(self) -> str:
        """How far the search is, in words.

        The last updates may have met no new network, so that the ledger has nothing of them; and
        a search on a table ends with its last update, with no network trained in full or tested.
        """
        run, planned = self.run, self.run.planned or 0
        met = self.updates[-1].number if self.updates else 0
        if run.summary is not None:
            return f"finished after {max(met, planned)} updates" if run.searched else "finished"
        if 0 < planned <= met:
            return f"{met} updates, nothing tested"
        return f"not finished: {met} {f'of {planned} ' if planned else ''}updates so far"

    @cached_property
    def best(self) -> Evaluation | None:
        """The best network: as trained in full, or the best so far."""
        return facts.best_in_full(self.run) or facts.best_searched(self.run)

    @property
    def inherits(self) -> bool:
        """Whether children started from their parents' weights."""
        return any(evaluation.inherited for evaluation in self.run.evaluations)

    @cached_property
    def tested(self) -> facts.Interval | None:
        """The accuracy on the test split with its interval."""
        counts = self.run.summary.test_confusion if self.run.summary else []
        total = sum(map(sum, counts))
        right = sum(row[number] for number, row in enumerate(counts))
        return facts.wilson(right, total) if total else None

    @cached_property
    def start_tested(self) -> facts.Interval | None:
        """The same of the start network, whose accuracy and number of examples are known."""
        summary, tested = self.run.summary, self.tested
        if summary is None or tested is None or summary.start_test_accuracy is None:
            return None
        if self.run.metric != "accuracy":
            return None
        right = min(tested.total, max(0, round(summary.start_test_accuracy * tested.total)))
        return facts.wilson(right, tested.total)

    @cached_property
    def lineage(self) -> list[facts.Step]:
        """The way to the best network."""
        return facts.lineage(self.run)

    @cached_property
    def payoffs(self) -> list[facts.Payoff]:
        """What single changes brought."""
        return facts.payoffs(self.run)[:MOST_PAYOFFS]

    @cached_property
    def labels(self) -> list[str]:
        """The classes, none of them too long for a table."""
        summary = self.run.summary
        return [printable(label)[:LONGEST_LABEL] for label in summary.labels] if summary else []

    @cached_property
    def confused(self) -> list[facts.Confused]:
        """Classes that were mixed up."""
        summary = self.run.summary
        if summary is None:
            return []
        return facts.most_confused(summary.test_confusion, self.labels, MOST_CONFUSED)

    @cached_property
    def phases(self) -> list[facts.Phase]:
        """Parts of the search and their cost."""
        return facts.phases(self.run)

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many evaluations ended how."""
        states = [e.status for e in self.run.evaluations]
        return {state: states.count(state) for state in ("done", "failed", "infeasible")}

    @cached_property
    def failures(self) -> dict[str, int]:
        """Why networks failed, and how often."""
        reasons = [e.reason for e in self.run.evaluations if e.status == "failed"]
        return {reason: reasons.count(reason) for reason in dict.fromkeys(reasons)}

    @cached_property
    def settings(self) -> dict[str, list[tuple[str, str]]]:
        """Every setting, by the part of the config."""
        parts: dict[str, list[tuple[str, str]]] = {}
        for name, value in self.run.settings:
            part, _, rest = name.partition(".")
            parts.setdefault(part if rest else "run", []).append((rest or name, value))
        return parts

    @cached_property
    def trade_offs(self) -> list[tuple[Figure, list[Evaluation], str]]:
        """A figure for each resource, with its Pareto front and the resource."""
        run = self.run
        if not run.evaluations:
            return []
        known = run.evaluations[0].profile
        published = (
            baselines(run.summary.input_shape, run.summary.num_classes) if run.summary else {}
        )
        return [
            (trade_off(run, entry, published), facts.pareto_front(run, entry), entry)
            for entry in run.entries
            if entry in known
        ]

    @cached_property
    def course(self) -> Figure | None:
        """Rewards over updates."""
        return course(self.updates) if self.updates else None

    @cached_property
    def actions(self) -> Figure | None:
        """Changes over updates."""
        return actions(self.updates) if any(u.actions for u in self.updates) else None

    @cached_property
    def layers(self) -> Figure | None:
        """The best network layer by layer."""
        run = self.run
        if run.best is None or run.summary is None:
            return None
        costs = layer_costs(run.best, run.summary.input_shape, run.summary.num_classes)
        return layers(costs) if costs else None

    @cached_property
    def confusion(self) -> Figure | None:
        """The confusion matrix of the test split, if it is not too large to be read."""
        summary = self.run.summary
        if summary is None or self.tested is None or summary.num_classes > MOST_CLASSES:
            return None
        return confusion(summary.test_confusion, self.labels)

    @property
    def figures(self) -> list[Figure]:
        """All of them, for files."""
        several = [figure for figure, _, _ in self.trade_offs]
        others = (self.course, self.actions, self.layers, self.confusion)
        return several + [figure for figure in others if figure is not None]


def views_of(runs: Sequence[Run]) -> list[View]:
    """What the page shows of each run."""
    return [View(run, f"run{number}") for number, run in enumerate(runs)]


def joint_figures(runs: Sequence[Run]) -> list[Figure]:
    """Figures of several runs together: of the resources they all draw, else of parameters."""
    if len(runs) < 2:
        return []
    shared = [entry for entry in runs[0].entries if all(entry in run.entries for run in runs)]
    found = [joint_front(runs, entry) for entry in shared or ["params"]] + [joint_curve(runs)]
    return [figure for figure in found if figure is not None]


def page(views: Sequence[View]) -> str:
    """The report of some runs as HTML."""
    script = _file("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    data = json.dumps({view.id: details(view.run) for view in views}, separators=(",", ":"))
    return _template().render(
        views=views,
        joint=joint_figures([view.run for view in views]),
        style=Markup(_file("page.css")),
        script=Markup(script),
        script_hash=f"sha256-{digest}",
        data=Markup(data.replace("<", "\\u003c")),
        light=Markup(variables(dark=False)),
        dark=Markup(variables(dark=True)),
        when=when,
        version=__version__,
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("rena_pl.report", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["readable"] = readable
    environment.filters["percent"] = lambda share, digits=1: f"{100 * share:.{digits}f}%"
    environment.filters["signed"] = lambda value: f"{value:+.3f}".replace("-", "\u2212")
    environment.filters["points"] = lambda value: f"{100 * value:+.1f}".replace("-", "\u2212")
    environment.filters["duration"] = duration
    environment.filters["resource"] = resource
    environment.filters["headed"] = headed
    environment.filters["bound"] = bound_in_words
    environment.filters["breakable"] = breakable
    return environment.get_template("page.html")


def _file(name: str) -> str:
    return (files("rena_pl.report") / "template" / name).read_text(encoding="utf-8")


def breakable(name: str) -> Markup:
    """A dotted name that may be broken behind its dots and underscores."""
    return Markup("<wbr>").join(re.findall(r"[^._]*[._]*", name))
