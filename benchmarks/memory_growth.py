"""Whether a search needs more memory the more children it has trained.

    python benchmarks/memory_growth.py --json benchmarks/results/memory_growth.json

2,000 tiny children, really trained, in one process: its resident memory after the first 100 of them
and later. With `--quick`, 160.
"""

from __future__ import annotations

import os
from pathlib import Path

from lightning.pytorch import Callback, Trainer

from endless import run_until_stopped
from rena_pl.objective import Constraint, Objective
from rena_pl.search.budget import Budget
from rena_pl.search.controller import Controller
from rena_pl.space import SearchSpace
from report import arguments, finish
from watched_search import MadeUp

FIRST = 100
MARKS = (FIRST, 300, 1000, 2000)
QUICK_MARKS = (FIRST, 160)
BUDGET = Budget(
    episodes=5, steps=4, child_epochs=1, start_epochs=1, final_epochs=1, final_candidates=1
)


def resident() -> float:
    """Megabytes of this process that are in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


class Memory(Callback):
    """The resident memory at every mark; ends the search at the last.

    Args:
        marks: Numbers of evaluations.
    """

    def __init__(self, marks: tuple[int, ...]) -> None:
        self.marks = marks
        self.at: dict[int, float] = {}

    def on_train_epoch_end(self, trainer: Trainer, pl_module: Controller) -> None:
        """Look."""
        for mark in self.marks:
            if mark not in self.at and len(pl_module.ledger) >= mark:
                self.at[mark] = resident()
        trainer.should_stop = self.marks[-1] in self.at


def main() -> None:
    options = arguments(__doc__)
    space = SearchSpace(
        {
            "temporal": {"channels": [4, 6, 8, 12], "kernel": [3, 5], "stride": [1]},
            "conv2d": {"channels": [4, 6, 8]},
        },
        max_layers=6,
    )
    objective = Objective([Constraint("params", max=3000)])
    controller = Controller(space, objective, budget=BUDGET, seed=options.seed)
    controller.task = MadeUp(examples=60, batch_size=20)
    memory = Memory(QUICK_MARKS if options.quick else MARKS)
    run_until_stopped(controller, memory)
    first = memory.at[FIRST]
    more = f"more than after {FIRST}"
    figures = {
        f"{mark} children": {"resident, MB": round(at), more: round(at - first)}
        for mark, at in memory.at.items()
    }
    finish(options, "memory_growth.py", figures)


if __name__ == "__main__":
    main()
