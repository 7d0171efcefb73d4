"""What a published network comes to in 20 epochs, by how many renderings it hears of a clip.

    python benchmarks/views.py --root PATH --json benchmarks/results/views.json

Besides the clip as recorded; the validation clips are as recorded. Prints the validation accuracies
with four seeds.
"""

from __future__ import annotations

from rena_pl.space.named import NAMED
from report import arguments, finish
from small_speech import by_seed, speech_task, trained_accuracy

NETWORK = NAMED["tc_resnet8"]()  # trains fastest
BATCH = 32
VIEWS = (0, 1, 4)


def main() -> None:
    options = arguments(__doc__, data=True)
    epochs, count = (1, 1) if options.quick else (20, 4)
    seeds = range(options.seed, options.seed + count)
    figures = {}
    for views in VIEWS:
        task = speech_task(options.root, BATCH, views)
        reached = [trained_accuracy(NETWORK, task, epochs, seed) for seed in seeds]
        figures[str(views)] = by_seed(seeds, reached)
    finish(options, "views.py", figures)


if __name__ == "__main__":
    main()
