"""The task of a finished run, from the config in its folder."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser
from lightning.pytorch import LightningDataModule

from rena_pl.commands.config_errors import sentence
from rena_pl.commands.surroundings import own_modules
from rena_pl.commands.yaml_words import read_words
from rena_pl.data.tensor_task import TensorTask
from rena_pl.deploy.trained import Trained
from rena_pl.documents import read_settings
from rena_pl.errors import RenaError
from rena_pl.layers.registry import named_kind
from rena_pl.search.run_folder import CONFIG
from rena_pl.search.same_task import difference


def own_layer_types(run: Path) -> None:
    """Make the layer types known that a run's config names by their class paths.

    Raises:
        RenaError: One is not there any more.
    """
    own_modules()
    config = run / CONFIG
    layers: Any = read_settings(config) if config.is_file() else None
    for part in ("model", "space", "layers"):
        layers = layers.get(part) if isinstance(layers, dict) else None
    for name in layers if isinstance(layers, dict) else ():
        named_kind(str(name))


def task_of(run: Path, trained: Trained, options: list[str]) -> LightningDataModule:
    """The task that a network was trained on, set up, with features as the network takes them.

    Data that have changed since have another mean and deviation, by which its features are not.

    Args:
        run: The run folder.
        trained: Its network.
        options: What differs from the run's config, such as `--data.root PATH`.

    Raises:
        RenaError: The config or an option is not usable, the data are not there, or they are not
            for this network.
    """
    own_modules()
    read_words()
    parser = ArgumentParser(prog="rena", exit_on_error=False)
    parser.add_subclass_arguments(LightningDataModule, "data", required=True)
    settings = read_settings(run / CONFIG).get("data")
    if settings is None:
        raise RenaError(f"{run / CONFIG}: names no data")
    try:
        config = parser.parse_args(["--data", json.dumps(settings), *options])
        task: LightningDataModule = parser.instantiate_classes(config).data
    except TypeError as error:
        raise RenaError(f"{run / CONFIG}: cannot be read: {sentence(error)}") from None
    except (argparse.ArgumentError, ValueError) as error:
        raise RenaError(sentence(error)) from None
    task.prepare_data()
    task.setup("fit")
    task.setup("test")
    another = difference(task, trained.summary)
    if another is not None:
        raise RenaError(f"{run}: the network is for another task: {another}")
    if isinstance(task, TensorTask) and trained.front_end is not None:
        task.normalise_as(trained.front_end)
    return task
