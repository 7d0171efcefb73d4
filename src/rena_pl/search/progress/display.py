"""What a person sees of a search while it runs, printed with rich."""

from __future__ import annotations

from importlib.util import find_spec

from lightning.pytorch import LightningModule, Trainer
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table

from rena_pl.child.metric import metric_in_words
from rena_pl.console import plain_console
from rena_pl.evaluation.evaluation import Evaluation
from rena_pl.numbers import in_percent, readable
from rena_pl.search.controller import Controller
from rena_pl.search.progress.callback import ProgressCallback
from rena_pl.search.progress.progress import Progress, duration


class Lines(ProgressCallback):
    """Prints a line for every update and every full training: for log files.

    Args:
        console: Where; standard error when left out.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or plain_console(stderr=True)

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Say what takes a while."""
        if trainer.is_global_zero:
            self._print("Preparing the data ...")

    def show_begin(self, progress: Progress, controller: Controller) -> None:
        """Where the search takes place, and whether it goes on."""
        self._print(
            f"Going on in {controller.folder} after {progress.evaluations} evaluations."
            if progress.evaluations
            else f"Searching in {controller.folder}; Ctrl-C stops, the same command goes on."
        )

    def show_evaluation(
        self, progress: Progress, controller: Controller, evaluation: Evaluation
    ) -> None:
        """What a network came to that was trained in full."""
        if evaluation.part != "full":
            return
        came_to = "failed" if evaluation.accuracy is None else in_percent(evaluation.accuracy)
        metric = metric_in_words(controller.metric)
        self._print(
            f"in full {progress.full_trainings}/{progress.all_full_trainings}: "
            f"validation {metric} {came_to}, {duration(evaluation.seconds)}{_left(progress, ', ')}"
        )

    def show_update(self, progress: Progress, controller: Controller, number: int) -> None:
        """What the search has come to."""
        told = ", ".join(f"{name} {value}" for name, value in _facts(progress, controller))
        self._print(f"update {number}/{progress.updates}: {told}{_left(progress, ', ')}")

    def _print(self, text: str) -> None:
        self.console.print(text, soft_wrap=True)


class LiveDisplay(Lines):
    """Draws updates, full trainings, time left, and the best network against its bounds, in place.

    In a terminal or a notebook.
    """

    live: Live | None = None

    def show_begin(self, progress: Progress, controller: Controller) -> None:
        """Begin to draw."""
        super().show_begin(progress, controller)
        bars = Bars(
            TextColumn("[bold]{task.description:<8}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=self.console,
        )
        search = bars.add_task("search", total=progress.all_children, left="")
        full = bars.add_task("in full", total=progress.all_full_trainings, left="")

        def drawn() -> Group:
            bars.update(search, completed=progress.children, left=_left(progress))
            bars.update(full, completed=progress.full_trainings)
            table = Table(box=None, show_header=False, padding=(0, 2))
            for name, value in _facts(progress, controller):
                table.add_row(name, value)
            return Group(bars, table)

        self.live = Live(
            get_renderable=drawn, console=self.console, refresh_per_second=2, transient=True
        )
        self.live.start()

    def show_evaluation(
        self, progress: Progress, controller: Controller, evaluation: Evaluation
    ) -> None:
        """It is drawn."""

    def show_update(self, progress: Progress, controller: Controller, number: int) -> None:
        """It is drawn."""

    def close(self) -> None:
        """Stop drawing; harmless when nothing is drawn."""
        if self.live is not None:
            self.live.stop()
            self.live = None


def search_display() -> Lines:
    """A live display in a terminal or a notebook, lines elsewhere."""
    console = plain_console(stderr=True)
    draws_in_notebook = console.is_jupyter and find_spec("ipywidgets") is not None
    return (LiveDisplay if console.is_terminal or draws_in_notebook else Lines)(console)


def _left(progress: Progress, before: str = "") -> str:
    seconds = progress.seconds_left()
    return "" if seconds is None else f"{before}about {duration(seconds)} left"


def _facts(progress: Progress, controller: Controller) -> list[tuple[str, str]]:
    """What a person wants to know now."""
    counts = ", ".join(f"{number} {status}" for status, number in list(progress.statuses.items()))
    told = [("evaluations", counts or "none yet"), ("child-epochs", str(progress.child_epochs))]
    best = progress.best
    if best is not None and best.accuracy is not None:
        metric = metric_in_words(controller.metric)
        told.append((f"best validation {metric}", in_percent(best.accuracy)))
        told += [
            (bound.entry, f"{readable(best.profile[bound.entry])} ({bound})")
            for bound in controller.objective.constraints
        ]
    return told
