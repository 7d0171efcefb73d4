"""`rena test`: the accuracy of a run's network on a split of its task."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from rena_pl.child.data import child_data
from rena_pl.commands.run_task import task_of
from rena_pl.commands.surroundings import quiet
from rena_pl.deploy.accuracy import accuracy
from rena_pl.deploy.trained import load

SPLITS = ("test", "val", "train")


def run_test(arguments: list[str]) -> None:
    """Load, set the task up, measure, print.

    Raises:
        RenaError: The run has not ended, or its data are not usable.
    """
    parser = argparse.ArgumentParser(
        prog="rena test",
        description="Accuracy on a split. `--data.root PATH` and the like change the run's task.",
        allow_abbrev=False,
    )
    parser.add_argument("run", type=Path, help="a run folder")
    parser.add_argument("--split", choices=SPLITS, default="test", help="default: %(default)s")
    options, changes = parser.parse_known_args(arguments)
    quiet()
    trained = load(options.run)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    data = child_data(task_of(options.run, trained, changes), device)
    share, examples = accuracy(trained.to(device), data.split(options.split))
    print(f"{options.split} accuracy {share:.2%} ({examples:,} examples)")
