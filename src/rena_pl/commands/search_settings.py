"""The settings of a search for commands that do not run one."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

import torch
import yaml
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import LightningDataModule
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI

from rena_pl.commands.config_errors import sentence
from rena_pl.commands.fit import TRAINER_DEFAULTS, add_search_arguments, check_trainer
from rena_pl.commands.surroundings import own_modules
from rena_pl.commands.yaml_words import check_configs, read_words
from rena_pl.errors import RenaError
from rena_pl.search.controller import Controller, shared_gpu


@dataclass(frozen=True)
class SearchSettings:
    """What the options of `rena fit` come to.

    Attributes:
        controller: Not set up.
        task: Not set up.
        values: All values of the config.
        device: Where children are trained: one device, however many workers are asked for.
    """

    controller: Controller
    task: LightningDataModule
    values: dict[str, Any]
    device: torch.device


class _SettingsCLI(LightningCLI):
    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Those of `rena fit`."""
        add_search_arguments(parser)


def search_settings(command: str, arguments: list[str]) -> SearchSettings:
    """Read the options of `rena fit`.

    Args:
        command: Whose options they are, for the help.
        arguments: Of the command line.

    Raises:
        RenaError: One is not usable.
    """
    own_modules()
    read_words()
    check_configs(arguments)
    try:
        cli = _SettingsCLI(
            Controller,
            LightningDataModule,
            subclass_mode_data=True,
            save_config_callback=None,
            seed_everything_default=0,
            trainer_defaults={**TRAINER_DEFAULTS, "logger": False},
            parser_kwargs={"exit_on_error": False, "allow_abbrev": False, "prog": command},
            auto_configure_optimizers=False,
            args=arguments,
            run=False,
        )
    except argparse.ArgumentError as error:
        raise RenaError(sentence(error)) from None
    except (TypeError, ValueError, ImportError, MisconfigurationException) as error:
        raise RenaError(sentence(error)) from error
    check_trainer(cli.config["trainer"])
    values = yaml.safe_load(cli.parser.dump(cli.config, skip_none=False))
    del values["progress"]
    device = cli.trainer.strategy.root_device
    if cli.model.child_device is not None:
        device = shared_gpu(0, torch.cuda.device_count())
    return SearchSettings(cli.model, cli.datamodule, values, device)
