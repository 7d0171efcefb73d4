"""`rena fit`, with a line in `trained.log` of the run folder for every training that begins.

    python benchmarks/watched_search.py --config CONFIG ...

Its task is made up, so that children take a moment and nothing has to be there.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from rena_pl.cli import main
from rena_pl.data.tensor_task import Split, TensorTask
from rena_pl.evaluation.evaluator import ChildTrainer

LOG = "trained.log"


class MadeUp(TensorTask):
    """Noise with two bright points, one in each of two rows; how far apart tells the class.

    Args:
        examples: In the training split; a quarter of them in each of the others.
    """

    input_shape = (1, 6, 8)
    labels = ["low", "middle", "high"]

    def __init__(self, examples: int = 1200, batch_size: int = 20, seed: int = 0) -> None:
        super().__init__(batch_size, seed)
        self.examples = examples

    def load(self) -> dict[str, Split]:
        """All of them, drawn with the seed."""
        generator = torch.Generator().manual_seed(self.seed)
        counts = {"train": self.examples, "val": self.examples // 4, "test": self.examples // 4}
        splits = {}
        for name, count in counts.items():
            features = torch.randn(count, 1, *self.input_shape, generator=generator)
            targets, every = torch.arange(count) % 3, torch.arange(count)
            first = torch.randint(0, 6, (count,), generator=generator)
            features[every, 0, 0, 0, first] += 3
            features[every, 0, 0, 1, first + targets] += 3
            splits[name] = Split(features, targets)
        return splits


def watched() -> None:
    """Run the command."""
    train = ChildTrainer.__call__

    def noted(self: ChildTrainer, candidate: Any, key: str, *rest: Any) -> Any:
        with (self.weights.folder.parent / LOG).open("a") as log:
            log.write(f"{key}\n")
        return train(self, candidate, key, *rest)

    with patch.object(ChildTrainer, "__call__", noted):
        main(["fit", *sys.argv[1:]])


def trainings(folder: Path) -> list[str]:
    """The keys of all trainings that were begun in a run folder."""
    log = folder / LOG
    return log.read_text().split() if log.is_file() else []


if __name__ == "__main__":
    watched()
