"""What BC-ResNet-1 comes to in a short training, and by how much that depends on the seed.

    python benchmarks/short_training.py --root PATH --json benchmarks/results/short_training.json

Children of `kws_micro.yaml` are trained so. Prints validation accuracies with three seeds, by
learning rate, size of the batches, epochs, and renderings of each clip besides the one as recorded.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from statistics import fmean

import torch

from rena_pl.child.data import ResidentData
from rena_pl.child.fit import train
from rena_pl.child.module import Child, Recipe
from rena_pl.space.named import NAMED
from report import arguments, finish
from small_speech import speech_task, val_accuracy


@dataclass(frozen=True)
class Way:
    """How a child is trained."""

    rate: float
    batch: int
    epochs: int
    views: int

    def __str__(self) -> str:
        return f"rate {self.rate}, {self.epochs} epochs of {self.batch}, {self.views} views"


WAYS = (Way(0.01, 100, 4, 4), Way(0.02, 100, 4, 4), Way(0.02, 100, 4, 1), Way(0.02, 50, 2, 1))


def accuracy(way: Way, seed: int, options: argparse.Namespace) -> float:
    """The validation accuracy that BC-ResNet-1 comes to."""
    task = speech_task(options.root, way.batch, way.views)
    data = ResidentData(task, torch.device("cpu"))
    torch.manual_seed(seed)
    recipe = Recipe(learning_rate=way.rate)
    child = Child(NAMED["bc_resnet_1"](), task.input_shape, task.num_classes, recipe)
    epochs = 1 if options.quick else way.epochs
    train(child, data, epochs, torch.Generator().manual_seed(seed))
    return val_accuracy(child, data, task.num_classes)


def main() -> None:
    options = arguments(__doc__, data=True)
    seeds = range(options.seed, options.seed + (1 if options.quick else 3))
    figures = {}
    for way in WAYS:
        reached = [accuracy(way, seed, options) for seed in seeds]
        figures[str(way)] = {
            **{f"seed {seed}": round(at, 4) for seed, at in zip(seeds, reached, strict=True)},
            "mean": round(fmean(reached), 4),
            "range": round(max(reached) - min(reached), 4),
        }
    finish(options, "short_training.py", figures)


if __name__ == "__main__":
    main()
