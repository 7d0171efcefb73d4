"""Searchers on made-up tables of 8 decisions with 3 options.

    python benchmarks/made_up_tables.py --json benchmarks/results/made_up_tables.json

Two kinds of table, three of each. In `sums` every option of every decision has a worth, and every
pair of options another that is smaller; params and FLOPs grow with the options. In `stages` the
decisions are the blocks of a network of three stages, each none, small or large; what a stage adds
to the accuracy levels off with its size. A search sees the accuracy of a short training, which
differs from the one of a full training by noise.

Prints the trainings until one of the ten best within the bounds is found, 400 where 200 did not do:
the median over seeds for each searcher, and RENA's as a share of the best other one's. The number
of first picks and the weighing of the model's members were chosen with these tables in sight.
"""

from __future__ import annotations

import csv
import itertools
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from rena_pl.architecture import Architecture
from rena_pl.evaluation.evaluation import Candidate, Evaluation
from rena_pl.evaluation.ledger import Ledger
from rena_pl.evaluation.weights import WeightStore
from rena_pl.objective import Constraint, Objective
from rena_pl.search.budget import Budget
from rena_pl.search.compare import best_of_table
from rena_pl.search.controller import Controller
from rena_pl.search.update import run_update
from rena_pl.tabular import Table
from report import arguments, finish

DECISIONS, OPTIONS = 8, 3
ROWS = np.array(list(itertools.product(range(OPTIONS), repeat=DECISIONS)))
STAGES = ((0, 1), (2, 3, 4), (5, 6, 7))
KNOWN = ["params", "flops", "latency"]
MOST = 200
OTHERS = ("tpe", "hill", "evolution")

Columns = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Made:
    """A table and the bounds of a search in it.

    Attributes:
        columns: By name, a number for each of `ROWS`.
        bounds: The share of all rows that each bound leaves, by the column that it is on.
    """

    columns: Columns
    bounds: dict[str, float]

    def objective(self) -> Objective:
        """The bounds."""
        return Objective(
            [
                Constraint(name, max=float(np.quantile(self.columns[name], share)))
                for name, share in self.bounds.items()
            ]
        )

    def write(self, file: Path) -> Table:
        """The table, from a file of it."""
        decisions = [f"decision_{place}" for place in range(DECISIONS)]
        with file.open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow([*decisions, *self.columns])
            for row, *values in zip(ROWS, *self.columns.values(), strict=True):
                writer.writerow([*(f"option_{option}" for option in row), *values])
        return Table(file, decisions, KNOWN, observed="short", scored="full")


def of_each(worth: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Sums over the decisions of what their options are worth, `(decisions, options)`."""
    total: np.ndarray[Any, Any] = worth[np.arange(DECISIONS), ROWS].sum(1)
    return total


def of_pairs(rng: np.random.Generator) -> np.ndarray[Any, Any]:
    """What all pairs of options are worth together, of deviation 1."""
    total = np.zeros(len(ROWS))
    for one, other in itertools.combinations(range(DECISIONS), 2):
        total += rng.normal(size=(OPTIONS, OPTIONS))[ROWS[:, one], ROWS[:, other]]
    return _normed(total)


def sums(seed: int) -> Made:
    """Worths of options and of pairs; the more pairs count, the higher the seed."""
    rng = np.random.default_rng(seed)
    growth = np.array([1, 2, 4]) ** rng.uniform(0.3, 1, (DECISIONS, 1))
    size = rng.uniform(0.5, 2, (DECISIONS, 1))
    accuracy = _normed(of_each(rng.normal(size=(DECISIONS, OPTIONS))))
    accuracy = 70 + 4 * _normed(accuracy + (0.3 + 0.2 * seed) * of_pairs(rng))
    columns = {
        "params": of_each(size * growth),
        "flops": of_each(rng.uniform(0.5, 2, (DECISIONS, 1)) * growth),
        "latency": of_each(rng.uniform(0.2, 1, (DECISIONS, OPTIONS))),
        "short": accuracy - 4 + rng.normal(0, 0.4, len(ROWS)),
        "full": accuracy + rng.normal(0, 0.1, len(ROWS)),
    }
    return Made(columns, ({"params": 0.4}, {"latency": 0.3, "flops": 0.6}, {})[seed])


def stages(seed: int) -> Made:
    """A network of three stages, whose blocks are left out, small or large."""
    rng = np.random.default_rng(seed)
    capacity = np.array([0.0, 1.0, 1.5]) * rng.uniform(0.8, 1.2, (DECISIONS, 1))
    params, flops = np.zeros((DECISIONS, OPTIONS)), np.zeros((DECISIONS, OPTIONS))
    accuracy = 84 + 0.2 * of_pairs(rng)
    for stage, places in enumerate(STAGES):
        params[places, :] = np.array([0, 1, 2]) * 4.0**stage
        flops[places, :] = np.array([0, 1, 2])
        inside = np.zeros_like(capacity)
        inside[places, :] = 1
        size = of_each(capacity * inside)
        accuracy += rng.uniform(1.5, 3.5) * (1 - np.exp(-size / rng.uniform(1, 2)))
    latency = np.array([0.02, 0.3, 0.55]) * rng.uniform(0.7, 1.4, (DECISIONS, 1))
    columns = {
        "params": of_each(params) + 1,
        "flops": of_each(flops) + 1,
        "latency": of_each(latency),
        "short": accuracy - 2 + rng.normal(0, 0.12, len(ROWS)),
        "full": accuracy + rng.normal(0, 0.08, len(ROWS)),
    }
    return Made(columns, ({"params": 0.35, "flops": 0.5}, {"flops": 0.5}, {"latency": 0.3})[seed])


def _normed(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    normed: np.ndarray[Any, Any] = (values - values.mean()) / values.std()
    return normed


def trainings(
    searcher: str, task: Table, objective: Objective, top: frozenset[Architecture], seed: int
) -> int:
    """Trainings until one of `top` was among them."""
    controller = Controller(objective=objective, budget=Budget(1, 1, child_epochs=1), seed=seed)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        ground, evaluator = controller.prepare(
            task,
            lambda setting: Ledger(folder / "ledger", setting),
            WeightStore(folder),
            torch.device("cpu"),
            folder / "latencies",
        )
        asked = controller.make_searcher(ground, searcher)
        trained: set[Architecture] = set()

        def evaluate_all(candidates: Sequence[Candidate]) -> list[Evaluation]:
            trained.update(candidate.architecture for candidate in candidates)
            return [evaluator.evaluate(candidate) for candidate in candidates]

        update = 0  # some find nothing new and train nothing
        while len(trained) < MOST and update <= 2 * MOST:
            run_update(asked, update, 1, controller.budget.training, evaluate_all)
            if trained & top:
                return len(trained)
            update += 1
    return 2 * MOST


def compared(made: Made, file: Path, seeds: Sequence[int]) -> dict[str, Any]:
    """The figures of one table."""
    task, objective = made.write(file), made.objective()
    top = best_of_table(task, objective)
    medians = {
        name: median(trainings(name, task, objective, top, seed) for seed in seeds)
        for name in ("rena", *OTHERS)
    }
    return {
        **medians,
        "rena / best other": round(medians["rena"] / min(medians[o] for o in OTHERS), 2),
    }


def main() -> None:
    options = arguments(__doc__)
    seeds = range(options.seed, options.seed + (1 if options.quick else 10))
    kinds: dict[str, Callable[[int], Made]] = {"sums": sums, "stages": stages}
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, make in kinds.items():
            for number in range(1 if options.quick else 3):
                figures[f"{name} {number}"] = compared(
                    make(number), Path(folder) / f"{name}_{number}.csv", seeds
                )
                print(name, number, figures[f"{name} {number}"], flush=True)
    finish(options, "made_up_tables.py", figures)


if __name__ == "__main__":
    main()
