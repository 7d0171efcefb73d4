"""What a published network comes to in 20 epochs, by the size of its training batches.

    python benchmarks/batch_size.py --root PATH --json benchmarks/results/batch_size.json

The learning rate is the same throughout: smaller batches take more steps an epoch. Prints the
validation accuracies with three seeds.
"""

from __future__ import annotations

import time

from rena_pl.space.named import NAMED
from report import arguments, finish
from small_speech import by_seed, speech_task, trained_accuracy

NETWORK = NAMED["tc_resnet8"]()  # trains fastest
SIZES = (100, 32, 16)
VIEWS = 4


def main() -> None:
    options = arguments(__doc__, data=True)
    epochs, count = (1, 1) if options.quick else (20, 3)
    seeds = range(options.seed, options.seed + count)
    figures = {}
    for size in SIZES:
        task = speech_task(options.root, size, VIEWS)
        started = time.process_time()
        reached = [trained_accuracy(NETWORK, task, epochs, seed) for seed in seeds]
        seconds = (time.process_time() - started) / epochs / count
        figures[str(size)] = {
            **by_seed(seeds, reached),
            "processor seconds an epoch": round(seconds, 2),
        }
    finish(options, "batch_size.py", figures)


if __name__ == "__main__":
    main()
