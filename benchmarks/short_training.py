"""What BC-ResNet-1 comes to in a short training, and by how much that depends on the seed.

    python benchmarks/short_training.py --root PATH --json benchmarks/results/short_training.json

Children of `kws_micro.yaml` are trained so. Prints validation accuracies with three seeds, by
learning rate, size of the batches, epochs, and renderings of each clip besides the one as recorded.
"""

from __future__ import annotations

from dataclasses import dataclass

from rena_pl.child.module import Recipe
from rena_pl.space.named import NAMED
from report import arguments, finish
from small_speech import by_seed, speech_task, trained_accuracy


@dataclass(frozen=True)
class Way:
    """How a child is trained."""

    rate: float
    batch: int
    epochs: int
    views: int

    def __str__(self) -> str:
        return f"rate {self.rate}, {self.epochs} epochs of {self.batch}, {self.views} views"


NETWORK = NAMED["bc_resnet_1"]()
WAYS = (Way(0.01, 100, 4, 4), Way(0.02, 100, 4, 4), Way(0.02, 100, 4, 1), Way(0.02, 50, 2, 1))


def main() -> None:
    options = arguments(__doc__, data=True)
    seeds = range(options.seed, options.seed + (1 if options.quick else 3))
    figures = {}
    for way in WAYS:
        task = speech_task(options.root, way.batch, way.views)
        epochs, recipe = 1 if options.quick else way.epochs, Recipe(learning_rate=way.rate)
        reached = [trained_accuracy(NETWORK, task, epochs, seed, recipe) for seed in seeds]
        figures[str(way)] = {
            **by_seed(seeds, reached),
            "range": round(max(reached) - min(reached), 4),
        }
    finish(options, "short_training.py", figures)


if __name__ == "__main__":
    main()
