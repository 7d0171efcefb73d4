"""What a published network comes to in 20 epochs, by how many renderings it hears of a clip.

    python benchmarks/views.py --root PATH --json benchmarks/results/views.json

Besides the clip as recorded; the validation clips are as recorded. Prints the validation accuracies
with four seeds.
"""

from __future__ import annotations

import argparse
from statistics import fmean

import torch

from rena_pl.child.data import ResidentData
from rena_pl.child.fit import train
from rena_pl.child.module import Child
from rena_pl.space.named import NAMED
from report import arguments, finish
from small_speech import speech_task, val_accuracy

NETWORK = "tc_resnet8"  # trains fastest
BATCH = 32
VIEWS = (0, 1, 4)


def accuracy_after(epochs: int, views: int, seed: int, options: argparse.Namespace) -> float:
    """The validation accuracy of the network, trained from scratch."""
    task = speech_task(options.root, BATCH, views)
    data = ResidentData(task, torch.device("cpu"))
    torch.manual_seed(seed)
    child = Child(NAMED[NETWORK](), task.input_shape, task.num_classes)
    train(child, data, epochs, torch.Generator().manual_seed(seed))
    return val_accuracy(child, data, task.num_classes)


def main() -> None:
    options = arguments(__doc__, data=True)
    epochs, count = (1, 1) if options.quick else (20, 4)
    seeds = range(options.seed, options.seed + count)
    figures = {}
    for views in VIEWS:
        reached = [accuracy_after(epochs, views, seed, options) for seed in seeds]
        figures[str(views)] = {
            **{f"seed {seed}": round(at, 4) for seed, at in zip(seeds, reached, strict=True)},
            "mean": round(fmean(reached), 4),
        }
    finish(options, "views.py", figures)


if __name__ == "__main__":
    main()
