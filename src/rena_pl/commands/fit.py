"""`rena fit`: LightningCLI, with the task handed to the controller and a run that resumes."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import LightningDataModule
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from lightning.pytorch.loggers import CSVLogger, Logger
from lightning.pytorch.strategies import DDPStrategy, StrategyRegistry

from rena_pl import data
from rena_pl.commands.config_errors import sentence
from rena_pl.commands.outcome import show_outcome, show_row
from rena_pl.commands.surroundings import own_modules, quiet
from rena_pl.commands.yaml_words import check_configs, read_words
from rena_pl.errors import RenaError, StorageError
from rena_pl.report.wandb_log import WandbSearch, search_logger
from rena_pl.search.checkpoint import read_checkpoint
from rena_pl.search.controller import Controller
from rena_pl.search.lifeline import end_with_launcher
from rena_pl.search.progress.callback import ProgressCallback
from rena_pl.search.progress.display import Lines, LiveDisplay, search_display
from rena_pl.search.progress.json_lines import JsonLines
from rena_pl.search.run_folder import RunFolder
from rena_pl.tabular import Table

SWEEP, RUN = "WANDB_SWEEP_ID", "WANDB_RUN_ID"
"""What the agent of a W&B sweep sets for the commands that it runs."""

TRAINER_DEFAULTS = {
    "default_root_dir": "runs/search",
    "max_epochs": 10,
    "devices": 1,
    "enable_checkpointing": False,  # the run folder keeps the policy
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "log_every_n_steps": 1,
    "num_sanity_val_steps": 0,
}

PROGRESS: dict[str, Callable[[], ProgressCallback]] = {
    "auto": search_display,
    "live": LiveDisplay,
    "lines": Lines,
    "json": JsonLines,
    "none": ProgressCallback,
}
"""How the search is shown while it runs, by the names of `--progress`."""

LONGEST_WAIT = timedelta(days=7)
"""How long a rank waits for the children of the others: a full training may take days.

It is registered with the strategy, which Lightning also takes by itself for several devices.
"""


def check_seed(seed: Any) -> None:
    """Refuse what no generator can be seeded with.

    Raises:
        RenaError: It is negative, or too large.
    """
    if not 0 <= int(seed) < 2**32:
        raise RenaError(f"seed_everything must be from 0 to {2**32 - 1}, not {seed}")


def check_trainer(trainer: Any) -> None:
    """Refuse what Lightning has a meaning for, and a search has not.

    Raises:
        RenaError: There is no run folder, or no number of updates.
    """
    if trainer["default_root_dir"] is None:
        raise RenaError("trainer.default_root_dir: name the run folder")
    if trainer["max_epochs"] is None or trainer["max_epochs"] < 1:
        raise RenaError(
            f"trainer.max_epochs must be at least 1 update, not {trainer['max_epochs']}"
        )


class RenaCLI(LightningCLI):
    """LightningCLI whose `data` is the children's task, and whose `model` is the controller."""

    @staticmethod
    def subcommands() -> dict[str, set[str]]:
        """Only `fit`; the controller has its own dataloader."""
        return {
            "fit": {"model", "train_dataloaders", "val_dataloaders", "datamodule", "weights_only"}
        }

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parse, and look at the seed and at a checkpoint before anything else takes them."""
        super().parse_arguments(parser, args)
        check_seed(self.config["fit"]["seed_everything"])
        checkpoint = self.config["fit"].get("ckpt_path")
        if checkpoint:
            read_checkpoint(Path(checkpoint))

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Those of every command that takes a search's settings."""
        add_search_arguments(parser)

    def before_instantiate_classes(self) -> None:
        """Take the run folder, refusing one that holds a search with other settings.

        Every run of a W&B sweep has one of its own, named after it, in the folder that is given.
        """
        trainer = self.config["fit"]["trainer"]
        check_trainer(trainer)
        if {SWEEP, RUN} <= os.environ.keys():
            trainer.default_root_dir = str(Path(trainer.default_root_dir, os.environ[RUN]))
        config = yaml.safe_load(self.parser.dump(self.config, skip_none=False))["fit"]
        self.progress = PROGRESS[config.pop("progress")]()  # no setting of the search
        self.run_folder = RunFolder(Path(config["trainer"]["default_root_dir"]), config)

    def instantiate_classes(self) -> None:
        """Build the controller, the task and the trainer.

        Raises:
            RenaError: A value of the config is refused by the class that it is for.
        """
        try:
            super().instantiate_classes()
        except (TypeError, ValueError, ImportError, MisconfigurationException) as error:
            raise RenaError(sentence(error)) from error

    def instantiate_trainer(self, **kwargs: Any) -> Any:
        """Add what every search has: progress, a checkpoint of every update, and loggers."""
        wandb = WandbSearch(self.run_folder.config)
        self.trainer_defaults["callbacks"] = [self.progress, self.run_folder, wandb]
        trainer = self.config_init["fit"]["trainer"]
        if trainer.logger is None:
            kwargs["logger"] = _loggers(self.run_folder.path)
        return super().instantiate_trainer(**kwargs)

    def after_instantiate_classes(self) -> None:
        """Hand the task to the controller, so that the Trainer iterates over episodes instead."""
        self.model.task = self.datamodule
        self.datamodule = None

    def fit(self, model: Controller, ckpt_path: str | None = None) -> None:
        """Fit the controller, from its last checkpoint where there is one.

        The folder is locked before the Trainer begins, since that opens the loggers before it calls
        anything else.

        Raises:
            RenaError: Another job is running in the folder, or the checkpoint is not one of such a
                search.
            StorageError: The run folder cannot be written.
        """
        with self.run_folder.locked() if self.trainer.is_global_zero else nullcontext():
            self._fit(model, ckpt_path or self.run_folder.last_checkpoint())

    def _fit(self, model: Controller, checkpoint: str | None) -> None:
        folder = self.run_folder
        try:
            self.trainer.fit(model, ckpt_path=checkpoint, weights_only=True)
        except RenaError:
            raise
        except OSError as error:
            raise StorageError(
                f"{folder.path}: {error}; nothing is lost, the same command goes on when that is "
                "mended"
            ) from error
        except Exception as error:  # what loading a checkpoint raises depends on what is wrong
            loading = hasattr(model, "searcher") and not folder.begun  # set up, and no further
            if checkpoint is None or not loading:
                raise
            raise RenaError(f"{checkpoint}: no search can go on from it: {_line(error)}") from error
        except SystemExit:
            if self.trainer.interrupted:  # Lightning makes an exit of Ctrl-C
                raise KeyboardInterrupt from None
            raise
        finally:
            self.progress.close()


def run_fit(arguments: list[str]) -> None:
    """Run a search from its config, and print where its results are.

    Raises:
        RenaError: The config or the data are not usable.
    """
    quiet()
    end_with_launcher()
    own_modules()
    read_words()
    check_configs(arguments)
    if any(word.endswith("help") for word in arguments):
        _load_tasks()
    StrategyRegistry.register("ddp", DDPStrategy, override=True, timeout=LONGEST_WAIT)
    strict = {"exit_on_error": False, "allow_abbrev": False}
    try:
        cli = RenaCLI(
            Controller,
            LightningDataModule,
            subclass_mode_data=True,
            save_config_callback=None,
            seed_everything_default=0,
            trainer_defaults=dict(TRAINER_DEFAULTS),
            parser_kwargs={**strict, "prog": "rena", "fit": strict},
            auto_configure_optimizers=False,
            load_from_checkpoint_support=False,
            args=["fit", *arguments],
        )
    except argparse.ArgumentError as error:
        raise RenaError(sentence(error)) from None
    except MisconfigurationException as error:  # an option of the Trainer that is not for a search
        raise RenaError(sentence(error)) from error
    model, as_json = cli.model, isinstance(cli.progress, JsonLines)
    if not cli.trainer.is_global_zero:
        return
    if model.summary is not None:
        show_outcome(model.summary, cli.run_folder.path, as_json)
    elif isinstance(model.task, Table) and (best := model.best()) is not None:
        looked_up = sum(evaluation.budget > 0 for evaluation in model.ledger.evaluations())
        show_row(model.task, best, looked_up, as_json)


def add_search_arguments(parser: LightningArgumentParser) -> None:
    """What `rena fit` takes besides model, data and trainer; the search's seed is everything's."""
    parser.add_argument(
        "--progress",
        choices=[*PROGRESS],
        default="auto",
        help="how the search is shown: live, in lines, as JSON lines on standard output, or not; "
        "auto is live in a terminal or notebook and in lines elsewhere",
    )
    parser.link_arguments("seed_everything", "model.seed", compute_fn=int)


def _load_tasks() -> None:
    """Import our tasks, since the help lists the subclasses that are there."""
    for name in data.__all__:
        getattr(data, name)


def _loggers(folder: Path) -> list[Logger]:
    """CSV and W&B, the latter offline unless WANDB_MODE says otherwise: no account needed.

    A run of a sweep is online, since its agent is.
    """
    loggers: list[Logger] = [CSVLogger(folder, name="logs")]
    mode = os.environ.get("WANDB_MODE", "online" if SWEEP in os.environ else "offline")
    if mode != "disabled":
        loggers.append(search_logger(folder, online=mode == "online"))
    return loggers


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]
