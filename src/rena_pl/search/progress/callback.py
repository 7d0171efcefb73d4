"""The Lightning callback that follows a search; subclasses show what it sees."""

from __future__ import annotations

from lightning.pytorch import LightningModule, Trainer

from rena_pl.evaluation.evaluation import Evaluation
from rena_pl.evaluation.evaluator import ChildTrainer
from rena_pl.search.controller import Controller
from rena_pl.search.progress.progress import Progress
from rena_pl.search.search_callback import SearchCallback


class ProgressCallback(SearchCallback):
    """Counts on worker 0, and tells a subclass; on the others it does nothing."""

    progress: Progress | None = None

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Count what the ledger holds."""
        assert isinstance(pl_module, Controller)
        if trainer.is_global_zero:
            self.progress = Progress(
                pl_module.budget,
                trainer.max_epochs or 0,
                trainer.world_size,
                isinstance(pl_module.evaluator.scorer, ChildTrainer),
            )
            for evaluation in pl_module.ledger.evaluations():
                self.progress.count(evaluation)
            self.show_begin(self.progress, pl_module)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin at the update that a checkpoint was left at."""
        if self.progress is not None:
            self.progress.begin_update(trainer.current_epoch)

    def on_evaluation(
        self, trainer: Trainer, controller: Controller, evaluation: Evaluation
    ) -> None:
        """Count it."""
        assert self.progress is not None
        self.progress.count(evaluation)
        self.show_evaluation(self.progress, controller, evaluation)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Count the update."""
        assert isinstance(pl_module, Controller)
        if self.progress is not None:
            self.progress.end_update(trainer.current_epoch)
            self.show_update(self.progress, pl_module, trainer.current_epoch + 1)

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Stop, so that the message is readable."""
        self.close()

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Stop."""
        self.close()

    def show_begin(self, progress: Progress, controller: Controller) -> None:
        """The search begins or goes on."""

    def show_evaluation(
        self, progress: Progress, controller: Controller, evaluation: Evaluation
    ) -> None:
        """An evaluation is new."""

    def show_update(self, progress: Progress, controller: Controller, number: int) -> None:
        """An update has ended, the first of them with number 1."""

    def close(self) -> None:
        """Show nothing any more; harmless when nothing is shown."""
