"""A Lightning callback that is told of children too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightning.pytorch import Callback, Trainer

from rena_pl.evaluation.evaluation import Evaluation

if TYPE_CHECKING:
    from rena_pl.search.controller import Controller


class SearchCallback(Callback):
    """A Lightning callback with one hook more."""

    def on_evaluation(
        self, trainer: Trainer, controller: Controller, evaluation: Evaluation
    ) -> None:
        """Called on worker 0 for every new evaluation, whichever worker made it.

        Those of other workers come when worker 0 has ended a child of its own, or at the end of
        the wave.
        """
