"""Searchers side by side: the same space, evaluator, inheritance, bounds and child-epochs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np
import torch
from lightning.pytorch import LightningDataModule

from rena_pl.architecture import Architecture
from rena_pl.errors import RenaError
from rena_pl.evaluation.evaluation import Candidate, Evaluation
from rena_pl.evaluation.evaluator import Evaluator
from rena_pl.evaluation.failures import widespread_failure
from rena_pl.evaluation.ledger import JOURNAL, Ledger, mend_journal
from rena_pl.evaluation.weights import WeightStore
from rena_pl.objective import Objective
from rena_pl.resources.latency import FILE as LATENCY_FILE
from rena_pl.search.controller import Controller
from rena_pl.search.searchers.searcher import Searcher
from rena_pl.search.update import run_update
from rena_pl.tabular import Table

TOP = 10
IDLE = 20
"""A searcher that has found nothing new in so many updates is done."""
RESAMPLES = 10_000
T_SAMPLES = 1_000_000
"""Of Student's t, for its quantile to two digits; scipy, which has it, is an extra."""


def search(
    controller: Controller,
    task: LightningDataModule,
    searcher: str,
    epochs: float,
    folder: Path,
    device: torch.device,
    latencies: Path | None = None,
) -> list[Evaluation]:
    """Run one searcher, or go on with it, until it has spent its child-epochs.

    Args:
        controller: The settings of the search; not fitted.
        task: What children are trained on, or the table that they are looked up in.
        searcher: Its name.
        epochs: How many child-epochs it may spend; an update that has begun is finished.
        folder: Where ledger and weights are kept.
        device: Where children are trained.
        latencies: Where measured latencies are kept, if a bound is on them; in `folder` when left
            out. Searches that are compared have them in common.

    Returns:
        All evaluations in the order of the search.
    """
    torch.set_num_threads(controller.threads)
    task.prepare_data()
    task.setup("fit")
    journal = folder / JOURNAL
    mend_journal(journal)
    weights = WeightStore(folder / "weights")
    ground, evaluator = controller.prepare(
        task,
        lambda setting: Ledger(journal, setting),
        weights,
        device,
        latencies or folder / LATENCY_FILE,
    )
    asked = controller.make_searcher(ground, searcher)
    _run(asked, evaluator, controller, epochs, weights)
    return evaluator.ledger.evaluations()


def _run(
    searcher: Searcher,
    evaluator: Evaluator,
    controller: Controller,
    epochs: float,
    weights: WeightStore,
) -> None:
    """Ask, evaluate and tell; a search that is continued finds its answers in the ledger."""
    budget = controller.budget
    start = searcher.ground.start_candidate(budget.start_epochs)
    spent: dict[str, int] = {}

    def evaluate_all(candidates: Sequence[Candidate]) -> list[Evaluation]:
        evaluations = [evaluator.evaluate(candidate) for candidate in candidates]
        spent.update((evaluation.key, evaluation.budget) for evaluation in evaluations)
        return evaluations

    if start is not None:
        searcher.tell(evaluate_all([start]))
    update = idle = 0
    while sum(spent.values()) < epochs and idle < IDLE:
        before, known = len(searcher.known), len(evaluator.ledger)
        run_update(searcher, update, budget.children, budget.training, evaluate_all)
        failure = widespread_failure(evaluator.ledger.evaluations())
        if failure is not None:
            raise RenaError(failure)
        idle = idle + 1 if len(searcher.known) == before else 0
        if len(evaluator.ledger) > known:
            weights.keep_only(searcher.parents(evaluator.ledger.evaluations()))
        update += 1


@dataclass(frozen=True)
class Curve:
    """What one search came to.

    Attributes:
        best: Best accuracy within all bounds after each child-epoch; NaN before there is one.
        trainings: Trained architectures until one of the ten best of the table was among them,
            twice the child-epochs if none was; none where the task is no table.
        to_target: Trained architectures until the accuracy asked for; none if never.
    """

    best: list[float]
    trainings: int | None
    to_target: int | None


def curve_of(
    evaluations: Sequence[Evaluation],
    objective: Objective,
    epochs: int,
    top: frozenset[Architecture] | None = None,
    target: float | None = None,
) -> Curve:
    """Read a ledger.

    Args:
        evaluations: In the order of the search.
        objective: The bounds.
        epochs: How many child-epochs the curve has; what was spent beyond is left out.
        top: The architectures of a table that are to be found.
        target: An accuracy that is to be reached.
    """
    best, spent, trained = float("nan"), 0, 0
    curve: list[float] = []
    found = reached = None
    for evaluation in evaluations:
        if spent + evaluation.budget > epochs:
            break
        if evaluation.budget == 0:
            continue
        curve += [best] * evaluation.budget
        spent += evaluation.budget
        trained += evaluation.rung == 0
        if evaluation.status == "done" and objective.meets_all(evaluation.profile):
            assert evaluation.accuracy is not None
            best = float(np.fmax(best, evaluation.accuracy))
        if found is None and top is not None and evaluation.architecture in top:
            found = trained
        if reached is None and target is not None and best >= target:
            reached = trained
    curve = [*curve[1:], best] if curve else []
    curve += [best] * (epochs - len(curve))
    return Curve(curve, None if top is None else found or 2 * epochs, reached)


def best_of_table(table: Table, objective: Objective) -> frozenset[Architecture]:
    """The ten best architectures of a table that keep the bounds, by what they are scored on.

    Raises:
        RenaError: No row keeps the bounds, or a bound is on something unknown.
    """
    objective.check(table.resources.entries)
    feasible = [
        architecture
        for architecture in table.architectures()
        if objective.meets_all(table.resources.profile(architecture))
    ]
    if not feasible:
        bounds = "; ".join(map(str, objective.constraints))
        raise RenaError(f"no row of the table keeps the bounds: {bounds}")
    return frozenset(sorted(feasible, key=lambda a: -table.score(a))[:TOP])


def summary(curves: dict[str, dict[int, Curve]]) -> dict[str, Any]:
    """The figures of a comparison, from the curves by searcher and seed."""
    first = next(iter(curves))
    return {
        "searchers": {name: _figures(by_seed) for name, by_seed in curves.items()},
        "differences": {
            name: _difference(curves[first], by_seed)
            for name, by_seed in curves.items()
            if name != first
        },
    }


def _figures(by_seed: dict[int, Curve]) -> dict[str, Any]:
    best = np.array([curve.best for curve in by_seed.values()])
    low, high = _interval(best)
    trainings = [c.trainings for c in by_seed.values() if c.trainings is not None]
    figures: dict[str, Any] = {
        "seeds": list(by_seed),
        "best": _plain(best[:, -1]),
        "curve": {
            "child_epochs": list(range(1, best.shape[1] + 1)),
            "mean": _plain(best.mean(0)),
            "low": _plain(low),
            "high": _plain(high),
        },
        "evaluations_to_target": [curve.to_target for curve in by_seed.values()],
    }
    if trainings:
        figures["trainings_to_top10"] = trainings
        figures["median_trainings_to_top10"] = median(trainings)
    return figures


def _difference(first: dict[int, Curve], other: dict[int, Curve]) -> dict[str, float | None]:
    """How far the first is ahead on the same seeds, on average over the budget."""
    seeds = [seed for seed in first if seed in other]
    gaps = np.array([_level(first[seed]) - _level(other[seed]) for seed in seeds])
    low, high = _interval(gaps[:, None])
    return {
        "mean": fmean(gaps),
        "low": _plain(low)[0],
        "high": _plain(high)[0],
        "p": sign_flip_test(gaps),
    }


def _level(curve: Curve) -> float:
    """The mean over the budget of the best accuracy; 0 while nothing is within the bounds."""
    return float(np.nan_to_num(np.array(curve.best)).mean())


def sign_flip_test(gaps: np.ndarray[Any, Any]) -> float:
    """The share of sign patterns under which paired differences are as large on average.

    The two-sided p-value of Fisher's randomisation test; all patterns up to 12 pairs, a sample
    beyond.
    """
    count = len(gaps)
    if count <= 12:
        patterns = np.array(np.meshgrid(*[[-1, 1]] * count)).reshape(count, -1).T
    else:
        patterns = np.random.default_rng(0).choice([-1, 1], size=(RESAMPLES, count))
        patterns[0] = 1  # what was seen is one of the patterns: no p of 0
    reached = np.abs(patterns @ gaps) >= abs(gaps.sum()) - 1e-12
    return float(reached.mean())


def _interval(values: np.ndarray[Any, Any]) -> tuple[Any, Any]:
    """95% intervals of the mean over the first axis, by Student's t; NaN for a single value."""
    count = len(values)
    if count < 2:
        return np.full(values.shape[1:], np.nan), np.full(values.shape[1:], np.nan)
    drawn = np.random.default_rng(0).standard_t(count - 1, T_SAMPLES)
    half = np.quantile(np.abs(drawn), 0.95) * values.std(0, ddof=1) / np.sqrt(count)
    return values.mean(0) - half, values.mean(0) + half


def _plain(values: np.ndarray[Any, Any]) -> list[float | None]:
    return [None if np.isnan(value) else round(float(value), 6) for value in values]
