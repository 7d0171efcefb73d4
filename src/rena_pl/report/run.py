"""A run folder as the report sees it: settings, evaluations and, once the search ended, its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from rena_pl.architecture import Architecture
from rena_pl.checks import Fields, printable
from rena_pl.child.metric import metric_in_words
from rena_pl.documents import read_settings
from rena_pl.errors import RenaError
from rena_pl.evaluation.evaluation import Evaluation
from rena_pl.evaluation.ledger import JOURNAL, in_order, read_journal
from rena_pl.evaluation.waves import last_rungs
from rena_pl.objective import Constraint, Objective
from rena_pl.passwords import without_password
from rena_pl.search.final import ARCHITECTURE
from rena_pl.search.run_folder import CONFIG
from rena_pl.search.summary import SUMMARY, Summary, read_summary


@dataclass(frozen=True)
class Run:
    """One search.

    Attributes:
        name: What the report calls it.
        settings: Every setting as (dotted name, value).
        objective: Its bounds.
        metric: What the search goes for, by name or as the path of a function.
        task: The task's class.
        planned: Updates it is to have, if the settings tell.
        evaluations: In the order of the search.
        summary: None while the search is not finished.
        best: The best network at the end.
    """

    name: str
    settings: list[tuple[str, str]]
    objective: Objective
    metric: str
    task: str
    planned: int | None
    evaluations: list[Evaluation]
    summary: Summary | None
    best: Architecture | None

    @cached_property
    def searched(self) -> list[Evaluation]:
        """The last evaluation of the start network and of every child, without full trainings."""
        return last_rungs(e for e in self.evaluations if e.part != "full")

    @cached_property
    def in_full(self) -> list[Evaluation]:
        """The full trainings at the end."""
        return [e for e in self.evaluations if e.part == "full"]

    @cached_property
    def by_key(self) -> dict[str, Evaluation]:
        """Every evaluation by its key."""
        return {evaluation.key: evaluation for evaluation in self.evaluations}

    @cached_property
    def entries(self) -> list[str]:
        """The profile entries that the report draws: the bounded ones, else parameters."""
        bounded = [constraint.entry for constraint in self.objective.constraints]
        known = list(self.evaluations[0].profile) if self.evaluations else []
        return bounded or [entry for entry in ("params", *known) if entry in known][:1]

    @property
    def metric_in_words(self) -> str:
        """The metric as titles name it."""
        return metric_in_words(self.metric)

    def bound(self, entry: str) -> Constraint | None:
        """The constraint on an entry."""
        return next((c for c in self.objective.constraints if c.entry == entry), None)


def metric_of(runs: Sequence[Run]) -> str:
    """The metric of several runs as titles name it; `metric` where they have different ones."""
    names = {run.metric_in_words for run in runs}
    return names.pop() if len(names) == 1 else "metric"


def read_run(folder: Path, name: str | None = None) -> Run:
    """Read a run folder: its config, and what else there is by now.

    Raises:
        RenaError: It is no run folder, or a file in it is not what it should be.
    """
    if not folder.is_dir():
        raise RenaError(f"{folder}: there is no such run folder")
    config_file = _inside(folder, CONFIG)
    if config_file is None:
        raise RenaError(f"{folder}: is no run folder: {CONFIG} is missing")
    config = read_settings(config_file)
    model = Fields(_part(config, "model", config_file), f"{config_file}: model")
    journal, best = _inside(folder, JOURNAL), _inside(folder, ARCHITECTURE)
    run = Run(
        name=printable(name or folder.resolve().name),
        settings=_settings(config),
        objective=_objective(model.values.get("objective"), config_file),
        metric=model.text("metric") if "metric" in model.values else "accuracy",
        task=printable(str(_part(config, "data", config_file).get("class_path", "")))[:200],
        planned=_planned(_part(config, "trainer", config_file).get("max_epochs")),
        evaluations=[] if journal is None else _in_shares(_evaluations(journal)),
        summary=None if _inside(folder, SUMMARY) is None else read_summary(folder),
        best=None if best is None else Architecture.load(best),
    )
    _check_profiles(run, folder)
    return run


def _check_profiles(run: Run, folder: Path) -> None:
    """Raise a `RenaError` unless all profiles have the same entries and the bounded ones."""
    profiles = {f"{JOURNAL}: evaluation {e.key}": e.profile for e in run.evaluations}
    if run.summary is not None:
        profiles[SUMMARY] = run.summary.profile
    entries = {c.entry for c in run.objective.constraints}
    entries |= set(next(iter(profiles.values()), {}))
    for where, profile in profiles.items():
        if profile.keys() != entries:
            odd = ", ".join(sorted(profile.keys() ^ entries))
            raise RenaError(
                f"{folder / printable(where)}: profile has not the entries it should: {odd}"
            )


def _inside(folder: Path, name: str | Path) -> Path | None:
    """A file of the run folder, if it is there.

    Raises:
        RenaError: It is a link that leads out of the folder.
    """
    file = folder / name
    if not file.is_file():
        return None
    if not file.resolve().is_relative_to(folder.resolve()):
        raise RenaError(f"{file}: leads out of the run folder")
    return file


def _part(config: dict[str, Any], name: str, file: Path) -> dict[str, Any]:
    part = config.get(name)
    if part is not None and not isinstance(part, dict):
        raise RenaError(f"{file}: {name} must be a mapping")
    return part or {}


def _planned(updates: Any) -> int | None:
    return updates if type(updates) is int and updates > 0 else None


def _objective(values: Any, file: Path) -> Objective:
    """The bounds of the config, as the search read them."""
    constraints = values.get("constraints") if isinstance(values, dict) else None
    try:
        made = tuple(Constraint(**constraint) for constraint in constraints or ())
        for constraint in made:
            fields = Fields(vars(constraint), "a constraint")
            fields.text("entry")
            fields.number_or_none("max")
            fields.number_or_none("min")
        return Objective(made)
    except (RenaError, TypeError, OverflowError) as error:
        raise RenaError(f"{file}: model.objective: {error}") from None


def _settings(config: dict[str, Any]) -> list[tuple[str, str]]:
    """Every setting by its dotted name; lists and texts as people write them."""

    def flatten(name: str, item: Any) -> Iterator[tuple[str, str]]:
        if isinstance(item, dict) and item:
            for key, value in item.items():
                yield from flatten(f"{name}.{key}" if name else str(key), value)
        elif isinstance(item, list) and any(isinstance(value, dict | list) for value in item):
            for number, value in enumerate(item):
                yield from flatten(f"{name}.{number}", value)
        else:
            yield printable(name), _shown(item)

    return list(flatten("", config))


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_shown, value)) or "none"
    if value is None or value == {}:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return printable(without_password(str(value)))


def _evaluations(journal: Path) -> list[Evaluation]:
    """Those of a journal in the order of the search, the first of each key."""
    written = reversed(read_journal(journal))
    return in_order({evaluation.key: evaluation for evaluation in written}.values())


def _in_shares(evaluations: list[Evaluation]) -> list[Evaluation]:
    """With accuracies from 0 to 1, also those of a table that holds percents."""
    if all(e.accuracy is None or e.accuracy <= 1 for e in evaluations):
        return evaluations
    return [e if e.accuracy is None else replace(e, accuracy=e.accuracy / 100) for e in evaluations]
