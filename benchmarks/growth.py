"""Whether an evaluation takes longer the more of them there are.

    python benchmarks/growth.py --json benchmarks/results/growth.json

A search whose children cost nothing, so that only its own work is timed: updates of the policy,
profiles, the ledger.
"""

from __future__ import annotations

import time
from statistics import median

from lightning.pytorch import Callback, LightningDataModule, Trainer

from endless import run_until_stopped
from rena_pl.evaluation.evaluation import Candidate
from rena_pl.evaluation.evaluator import Scored
from rena_pl.search.budget import Budget
from rena_pl.search.controller import Controller
from rena_pl.space import SearchSpace
from report import arguments, finish

WINDOW = 5
"""Updates whose median is taken."""


class Shapes(LightningDataModule):
    """A task that nothing is trained on."""

    input_shape = (1, 40, 101)
    num_classes = 12


class Clock(Callback):
    """When every update ended, and how many evaluations there were; ends the search.

    Args:
        last: The search goes on for `WINDOW` updates after so many evaluations.
    """

    def __init__(self, last: int) -> None:
        self.last = last
        self.ends: list[float] = []
        self.evaluations: list[int] = []

    def on_train_epoch_end(self, trainer: Trainer, pl_module: Controller) -> None:
        """Note the time."""
        self.ends.append(time.perf_counter())
        self.evaluations.append(len(pl_module.ledger))
        trainer.should_stop = self.evaluations[max(0, len(self.ends) - 1 - WINDOW)] >= self.last


def drawn(candidate: Candidate, key: str, *_: object) -> Scored:
    """An accuracy made up from the key, so that the best network keeps changing."""
    return Scored(int(key[:6], 16) / 16**6)


def main() -> None:
    options = arguments(__doc__)
    last = 500 if options.quick else 5000
    budget = Budget(episodes=4, steps=3)
    space = SearchSpace({"temporal": {}, "inverted_residual": {}, "conv2d": {}}, max_layers=8)
    controller = Controller(space, budget=budget, seed=options.seed)
    controller.task, controller.scorer = Shapes(), drawn
    clock = Clock(last)
    run_until_stopped(controller, clock)
    figures = {}
    for count in (50, last):
        at = next(n for n, found in enumerate(clock.evaluations) if found >= count)
        taken = [
            (clock.ends[n] - clock.ends[n - 1]) / (clock.evaluations[n] - clock.evaluations[n - 1])
            for n in range(at, at + WINDOW)
        ]
        figures[f"after {count}"] = {"ms an evaluation": round(1000 * median(taken), 2)}
    finish(options, "growth.py", figures)


if __name__ == "__main__":
    main()
