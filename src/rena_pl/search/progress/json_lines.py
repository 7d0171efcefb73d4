"""What a program sees of a search while it runs: one JSON object per line on standard output."""

from __future__ import annotations

import json
from typing import Any

from rena_pl.evaluation.evaluation import Evaluation
from rena_pl.search.controller import Controller
from rena_pl.search.progress.callback import ProgressCallback
from rena_pl.search.progress.progress import Progress


class JsonLines(ProgressCallback):
    """Prints an object with an `event` for the beginning, every evaluation and every update.

    docs/search.md lists what they hold.
    """

    def show_begin(self, progress: Progress, controller: Controller) -> None:
        """Event `begin`."""
        print_event(
            "begin",
            run_folder=str(controller.folder),
            updates=progress.updates,
            children_an_update=controller.budget.children,
            full_trainings=progress.all_full_trainings,
            evaluations=progress.evaluations,
        )

    def show_evaluation(
        self, progress: Progress, controller: Controller, evaluation: Evaluation
    ) -> None:
        """Event `evaluation`."""
        print_event(
            "evaluation",
            number=progress.evaluations,
            part=evaluation.part,
            **plain(evaluation),
            seconds_left=_left(progress),
        )

    def show_update(self, progress: Progress, controller: Controller, number: int) -> None:
        """Event `update`."""
        print_event(
            "update",
            number=number,
            evaluations=progress.evaluations,
            child_epochs=progress.child_epochs,
            best=None if progress.best is None else plain(progress.best),
            seconds_left=_left(progress),
        )


def plain(evaluation: Evaluation) -> dict[str, Any]:
    """An evaluation without its architecture, which the ledger has under its key."""
    values = evaluation.as_dict()
    del values["architecture"]
    return values


def print_event(event: str, **values: Any) -> None:
    """Print one object on one line, at once."""
    print(json.dumps({"event": event, **values}), flush=True)


def _left(progress: Progress) -> float | None:
    left = progress.seconds_left()
    return None if left is None else round(left, 1)
