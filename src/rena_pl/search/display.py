"""The live display of a search: a Lightning callback that draws with rich."""

from __future__ import annotations

import time
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from rena_pl.evaluation.evaluation import FINAL, START, Evaluation
from rena_pl.numbers import readable
from rena_pl.search.controller import Controller


class SearchDisplay(Callback):
    """Shows updates, children, child-epochs, the best network against its bounds, and time left.

    In a terminal it is redrawn in place; elsewhere, a line is printed for every update.
    """

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False)
        self.live: Live | None = None

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Ask to be told of every child."""
        assert isinstance(pl_module, Controller)
        if trainer.is_global_zero:
            pl_module.on_evaluation = lambda evaluation: self._advance(pl_module, evaluation)
            self.console.print("Preparing the data ...")

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin to draw."""
        assert isinstance(pl_module, Controller)
        if not trainer.is_global_zero:
            return
        budget = pl_module.budget
        children = budget.children
        updates = trainer.max_epochs or 0
        self.started = time.monotonic()
        self.bars = Progress(
            TextColumn("[bold]{task.description:<8}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}"),
            console=self.console,
        )
        self.search = self.bars.add_task("search", total=updates * children, note="")
        self.final = self.bars.add_task("in full", total=budget.full_trainings, note="")
        self.epochs_before = pl_module.ledger.child_epochs
        before = len(pl_module.ledger)
        self.console.print(
            f"Going on in {pl_module.folder} after {before} evaluations."
            if before
            else f"Searching in {pl_module.folder}; Ctrl-C stops, the same command goes on.",
            soft_wrap=True,
        )
        if self.console.is_terminal:
            self.live = Live(
                get_renderable=lambda: Group(self.bars, self._standing(pl_module)),
                console=self.console,
                refresh_per_second=2,
                transient=True,
            )
            self.live.start()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin at the update that a checkpoint was left at."""
        assert isinstance(pl_module, Controller)
        if trainer.is_global_zero:
            done = trainer.current_epoch * pl_module.budget.children
            self.bars.update(self.search, completed=done)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """A line for logs, where there is no terminal."""
        assert isinstance(pl_module, Controller)
        if trainer.is_global_zero:
            children = pl_module.budget.children
            self.bars.update(self.search, completed=(trainer.current_epoch + 1) * children)
            if self.live is None:
                self._print_line(trainer, pl_module)

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Stop drawing, so that the message is readable."""
        self.close()

    def close(self) -> None:
        """Stop drawing; harmless when nothing is drawn."""
        if self.live is not None:
            self.live.stop()
            self.live = None

    def _advance(self, controller: Controller, evaluation: Evaluation) -> None:
        if evaluation.place[0] == FINAL:
            self.bars.update(self.final, advance=1)
        elif evaluation.place != START and evaluation.rung == 0:
            self.bars.update(self.search, advance=1)
        self.bars.update(self.search, note=self._time_left(controller))

    def _time_left(self, controller: Controller) -> str:
        """An estimate from the time that a child-epoch has taken so far."""
        spent = controller.ledger.child_epochs - self.epochs_before
        if spent <= 0:
            return ""
        pace = (time.monotonic() - self.started) / spent
        budget = controller.budget
        bars = {task.id: task for task in self.bars.tasks}
        epochs = (bars[self.search].remaining or 0) * budget.training.epochs_a_child
        epochs += (bars[self.final].remaining or 0) * budget.final_epochs
        seconds = pace * epochs
        return f"about {seconds / 60:.0f} min left" if seconds > 90 else f"{seconds:.0f} s left"

    def _standing(self, controller: Controller) -> Table:
        table = Table(box=None, show_header=False, padding=(0, 2))
        for name, value in _facts(controller):
            table.add_row(name, value)
        return table

    def _print_line(self, trainer: Trainer, controller: Controller) -> None:
        facts = ", ".join(f"{name} {value}" for name, value in _facts(controller))
        left = self._time_left(controller)
        progress = f"update {trainer.current_epoch + 1}/{trainer.max_epochs}"
        self.console.print(f"{progress}: {facts}{left and ', ' + left}", soft_wrap=True)


def _facts(controller: Controller) -> list[tuple[str, str]]:
    """What a person wants to know now."""
    evaluations = controller.ledger.evaluations()
    trained = [evaluation for evaluation in evaluations if evaluation.status == "done"]
    count: dict[Any, int] = {}
    for evaluation in evaluations:
        count[evaluation.status] = count.get(evaluation.status, 0) + 1
    children = ", ".join(f"{number} {status}" for status, number in count.items())
    facts = [
        ("children", children or "none yet"),
        ("child-epochs", str(controller.ledger.child_epochs)),
    ]
    if trained:
        best = controller.best()
        facts.append(("best validation accuracy", f"{best.accuracy:.2%}"))
        facts += [
            (constraint.entry, f"{readable(best.profile[constraint.entry])} ({constraint})")
            for constraint in controller.objective.constraints
        ]
    return facts
