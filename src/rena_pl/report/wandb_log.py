"""A search as a run of Weights & Biases: every update and child, and what it came to."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.loggers import WandbLogger

from rena_pl.evaluation.evaluation import Evaluation
from rena_pl.passwords import without_password
from rena_pl.report.facts import lineage
from rena_pl.report.page import page, views_of
from rena_pl.report.run import Run, read_run
from rena_pl.search.controller import Controller
from rena_pl.search.final import ARCHITECTURE, WEIGHTS
from rena_pl.search.search_callback import SearchCallback
from rena_pl.search.summary import SUMMARY, Summary
from rena_pl.whole_files import write_whole

RUN_ID = Path("wandb", "run_id")
MOST_HTML = 25_000_000
"""Characters of a report that is sent along."""
OUTCOME = ("val_accuracy", "test_accuracy", "start_test_accuracy", "constraints_met")


class Outliving:
    """What outlives W&B: what that raises is noted once, and W&B is left out from then on."""

    left_out = False

    def attempt(self, act: Callable[[], object]) -> None:
        """Do something with W&B."""
        if self.left_out:
            return
        try:
            act()
        except Exception as error:  # a server that is gone, a service that died
            self.leave_out(error)

    def leave_out(self, error: Exception) -> None:
        """Note what W&B raised, once."""
        if not self.left_out:
            self.left_out = True
            told = " ".join(f"{type(error).__name__}: {error}".split())
            warnings.warn(f"W&B fails and is left out, the search goes on: {told}", stacklevel=2)


class SearchLogger(Outliving, WandbLogger):
    """A WandbLogger that never stops a search."""

    @property
    def experiment(self) -> Any:
        """The run.

        Raises:
            AttributeError: W&B is left out: there is none, as Lightning understands it.
        """
        if self.left_out:
            raise AttributeError("W&B is left out")
        try:
            return super().experiment
        except Exception as error:  # no login, no network
            self.leave_out(error)
            raise AttributeError("W&B is left out") from error

    def log_hyperparams(self, params: Any) -> None:
        """Begin the run."""
        self.attempt(partial(super().log_hyperparams, params))

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log an update."""
        self.attempt(partial(super().log_metrics, metrics, step))


class WandbSearch(Outliving, SearchCallback):
    """Logs a search to the W&B run of the Trainer's WandbLogger; does nothing where it has none.

    Every evaluation goes by its number, `evaluation/number`, and what the controller logs by
    `update`. At the end come the best network's accuracies, a table of all evaluations, the
    report, and the best network as an artifact that tells how the search came to it.

    Args:
        settings: All settings of the search, for the run's config.
    """

    def __init__(self, settings: Mapping[str, Any] | None = None) -> None:
        self.settings = dict(settings or {})

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say what is drawn over what, and keep the run's id, so that the search goes on in it."""
        assert isinstance(pl_module, Controller)
        file = pl_module.folder / RUN_ID

        def begin(run: Any) -> None:
            run.config.update(_shown(self.settings), allow_val_change=True)
            run.define_metric("*", step_metric="update", step_sync=True)
            run.define_metric("evaluation/*", step_metric="evaluation/number")
            file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(file, run.id)

        self._tell(trainer, begin)

    def on_evaluation(
        self, trainer: Trainer, controller: Controller, evaluation: Evaluation
    ) -> None:
        """Log it."""
        bounded = [constraint.entry for constraint in controller.objective.constraints]
        figures = {
            "number": controller.announced,
            "part": evaluation.part,
            "status": evaluation.status,
            "accuracy": evaluation.accuracy,
            "reward": evaluation.reward,
            "rung": evaluation.rung,
            "child_epochs": evaluation.budget,
            "seconds": evaluation.seconds,
            **{entry: evaluation.profile[entry] for entry in bounded},
        }
        logged = {f"evaluation/{name}": of for name, of in figures.items() if of is not None}
        if evaluation.part == "child":
            logged["update"] = evaluation.place[0] + 1
        self._tell(trainer, lambda run: run.log(logged))

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Log what the search came to, if it came to its end."""
        assert isinstance(pl_module, Controller)
        summary = pl_module.summary
        if summary is None:
            return

        def end(run: Any) -> None:
            folder, evaluations = pl_module.folder, pl_module.ledger.evaluations()
            search = replace(read_run(folder), evaluations=evaluations)
            figures = {name: getattr(summary, name) for name in OUTCOME}
            ended = {name: of for name, of in figures.items() if of is not None}
            run.log({**ended, "evaluations": table(evaluations), **_report(search)})
            run.log_artifact(best_network(folder, search, summary))

        self._tell(trainer, end)

    def _tell(self, trainer: Trainer, act: Callable[[Any], object]) -> None:
        """Do something with the run, if there is one."""
        logger = next((one for one in trainer.loggers if isinstance(one, WandbLogger)), None)
        if logger is None or not trainer.is_global_zero or getattr(logger, "left_out", False):
            return
        self.attempt(lambda: act(logger.experiment))


def search_logger(folder: Path, online: bool) -> SearchLogger:
    """The logger of a search, which goes on in the run that it began in.

    Args:
        folder: The run folder.
        online: Whether it sends what it logs.
    """
    import wandb

    logger = SearchLogger(
        project=os.environ.get("WANDB_PROJECT", "rena-pl"),
        name=folder.name,
        save_dir=folder,
        offline=not online,
        id=run_id(folder),
    )
    logger.attempt(
        lambda: wandb.setup(wandb.Settings(mode="online" if online else "offline", silent=True))
    )
    return logger


def run_id(folder: Path) -> str | None:
    """The id of the W&B run that a run folder belongs to, if there is one."""
    with suppress(OSError, UnicodeDecodeError):
        text = (folder / RUN_ID).read_text(encoding="utf-8")
        if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", text):
            return text
    return None


def table(evaluations: list[Evaluation]) -> Any:
    """A `wandb.Table` of evaluations, one a row."""
    import wandb

    entries = list(evaluations[0].profile)
    columns: dict[str, Callable[[Evaluation], Any]] = {
        "key": lambda e: e.key,
        "part": lambda e: e.part,
        "update": lambda e: e.place[0] + 1 if e.part == "child" else None,
        "episode": lambda e: e.place[1] + 1 if e.part == "child" else None,
        "step": lambda e: e.place[2] + 1 if e.part == "child" else None,
        "rung": lambda e: e.rung,
        "status": lambda e: e.status,
        "reason": lambda e: e.reason,
        "accuracy": lambda e: e.accuracy,
        "reward": lambda e: e.reward,
        "child_epochs": lambda e: e.budget,
        "trained": lambda e: e.trained,
        "seconds": lambda e: e.seconds,
        "parent": lambda e: e.parent,
        "arch_id": lambda e: e.architecture.arch_id,
        "architecture": lambda e: e.architecture.to_json(),
    }
    rows = [
        [*(value(e) for value in columns.values()), *(e.profile[entry] for entry in entries)]
        for e in evaluations
    ]
    return wandb.Table(columns=[*columns, *entries], data=rows)


def best_network(folder: Path, search: Run, summary: Summary) -> Any:
    """The best network of a run folder as a `wandb.Artifact`, with its lineage as metadata.

    The lineage is the way from the start network: every network on it, with its changes.
    """
    import wandb

    way = [
        {
            "key": step.evaluation.key,
            "arch_id": step.evaluation.architecture.arch_id,
            "changes": [change.text for change in step.changes],
            "accuracy": step.evaluation.accuracy,
            "reward": step.evaluation.reward,
        }
        for step in lineage(search)
    ]
    told = (
        "arch_id",
        "start_arch_id",
        "metric",
        *OUTCOME,
        "profile",
        "constraints",
        "child_epochs",
    )
    artifact = wandb.Artifact(
        re.sub(r"[^A-Za-z0-9_.-]+", "_", folder.resolve().name)[:120] + "-best",
        type="model",
        description="The best network of a search, trained in full.",
        metadata={**{name: getattr(summary, name) for name in told}, "lineage": way},
    )
    for name in (ARCHITECTURE, WEIGHTS, Path(SUMMARY)):
        artifact.add_file(str(folder / name), name=name.as_posix())
    return artifact


def _report(search: Run) -> dict[str, Any]:
    """The report, unless it is too large to be looked at there."""
    import wandb

    html = page(views_of([search]))
    return {"report": wandb.Html(html, inject=False)} if len(html) <= MOST_HTML else {}


def _shown(settings: Any) -> Any:
    """Settings without passwords."""
    if isinstance(settings, Mapping):
        return {name: _shown(value) for name, value in settings.items()}
    return without_password(settings) if isinstance(settings, str) else settings
