"""What a published network comes to in 20 epochs, by the size of its training batches.

    python benchmarks/batch_size.py --root PATH --json benchmarks/results/batch_size.json

The learning rate is the same throughout: smaller batches take more steps an epoch. Prints the
validation accuracies with three seeds.
"""

from __future__ import annotations

import argparse
import time
from statistics import fmean

import torch

from rena_pl.child.data import ResidentData
from rena_pl.child.fit import train
from rena_pl.child.module import Child
from rena_pl.space.named import NAMED
from report import arguments, finish
from small_speech import speech_task, val_accuracy

NETWORK = "tc_resnet8"  # trains fastest
SIZES = (100, 32, 16)
VIEWS = 4


def accuracy_after(epochs: int, batch_size: int, seed: int, options: argparse.Namespace) -> float:
    """The validation accuracy of the network, trained from scratch."""
    task = speech_task(options.root, batch_size, VIEWS)
    data = ResidentData(task, torch.device("cpu"))
    torch.manual_seed(seed)
    child = Child(NAMED[NETWORK](), task.input_shape, task.num_classes)
    train(child, data, epochs, torch.Generator().manual_seed(seed))
    return val_accuracy(child, data, task.num_classes)


def main() -> None:
    options = arguments(__doc__, data=True)
    epochs, count = (1, 1) if options.quick else (20, 3)
    seeds = range(options.seed, options.seed + count)
    figures = {}
    for size in SIZES:
        started = time.process_time()
        reached = [accuracy_after(epochs, size, seed, options) for seed in seeds]
        seconds = (time.process_time() - started) / epochs / count
        figures[str(size)] = {
            **{f"seed {seed}": round(at, 4) for seed, at in zip(seeds, reached, strict=True)},
            "mean": round(fmean(reached), 4),
            "processor seconds an epoch": round(seconds, 2),
        }
    finish(options, "batch_size.py", figures)


if __name__ == "__main__":
    main()
