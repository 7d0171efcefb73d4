"""What a published network comes to in a few epochs, by the size of its training batches.

    python benchmarks/batch_size.py --root PATH --json benchmarks/results/batch_size.json

The learning rate is the same throughout: smaller batches take more steps an epoch. Prints the
validation accuracy for every seed.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from machine import machine
from rena_pl.child.data import ResidentData
from rena_pl.child.fit import predict, train
from rena_pl.child.metric import measured
from rena_pl.child.module import Child
from rena_pl.data import SpeechCommands
from rena_pl.space.named import NAMED

KEYWORDS = ["yes", "no", "up", "down", "left", "right", "stop", "go"]


def accuracy_after(name: str, task: SpeechCommands, epochs: int, seed: int) -> float:
    """The validation accuracy of a network that was trained from scratch."""
    data = ResidentData(task, torch.device("cpu"))
    torch.manual_seed(seed)
    child = Child(NAMED[name](), task.input_shape, task.num_classes)
    train(child, data, epochs, torch.Generator().manual_seed(seed))
    predicted, true = predict(child, data.split("val"))
    return measured("accuracy", predicted, true, task.num_classes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, required=True, help="folder of Speech Commands")
    parser.add_argument("--networks", nargs="+", default=["tc_resnet8"], choices=sorted(NAMED))
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[100, 32, 16])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    task = SpeechCommands(root=options.root, keywords=KEYWORDS, features="log_mel")
    task.prepare_data()
    task.setup("fit")
    figures: dict[str, dict[int, Any]] = {name: {} for name in options.networks}
    for name in options.networks:
        for size in options.batch_sizes:
            task.batch_size = size
            started = time.process_time()
            reached = [accuracy_after(name, task, options.epochs, seed) for seed in options.seeds]
            seconds = (time.process_time() - started) / options.epochs / len(options.seeds)
            figures[name][size] = {
                "val_accuracy": [round(accuracy, 4) for accuracy in reached],
                "mean": round(fmean(reached), 4),
                "processor_seconds_an_epoch": round(seconds, 2),
            }
            print(name, size, figures[name][size], flush=True)
    words = {
        "networks": options.networks,
        "batch-sizes": options.batch_sizes,
        "epochs": [options.epochs],
        "seeds": options.seeds,
        "threads": [options.threads],
    }
    given = " ".join(f"--{name} {' '.join(map(str, of))}" for name, of in words.items())
    result = {
        "command": f"python benchmarks/batch_size.py --root PATH {given}",
        "machine": machine(),
        "figures": figures,
    }
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
