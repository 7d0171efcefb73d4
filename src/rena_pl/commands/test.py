"""`rena test`: accuracy and metric of a run's network on a split of its task."""

from __future__ import annotations

from pathlib import Path

import torch

from rena_pl.child.data import child_data
from rena_pl.child.fit import predict
from rena_pl.child.metric import measured, metric_in_words
from rena_pl.commands.options import Options
from rena_pl.commands.run_task import own_layer_types, task_of
from rena_pl.commands.surroundings import quiet
from rena_pl.deploy.trained import load
from rena_pl.errors import RenaError

SPLITS = ("test", "val", "train")


def run_test(arguments: list[str]) -> None:
    """Load, set the task up, measure, print.

    Raises:
        RenaError: The run has not ended, its data are not usable, or its metric is no number.
    """
    parser = Options(
        prog="rena test",
        description="Accuracy on a split, and the run's metric where that is another. "
        "`--data.root PATH` and the like change the run's task.",
    )
    parser.add_argument("run", type=Path, help="a run folder")
    parser.add_argument("--split", choices=SPLITS, default="test", help="default: %(default)s")
    options, changes = parser.parse_with_changes(arguments, "the run folder")
    quiet()
    own_layer_types(options.run)
    trained = load(options.run)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    data = child_data(task_of(options.run, trained, changes), device)
    predicted, true = predict(trained.to(device), data.split(options.split))
    metric = trained.summary.metric
    for name in dict.fromkeys((metric, "accuracy")):
        try:
            value = measured(name, predicted, true, len(trained.labels))
        except ValueError as error:
            raise RenaError(f"{options.run}: on the {options.split} split, {error}") from None
        words = f"{options.split} {metric_in_words(name)}"
        print(f"{words} {value:.2%} ({len(true):,} examples)")
