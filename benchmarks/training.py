"""Examples a second inside the search, against the best loop that can be written by hand.

    python benchmarks/training.py --json benchmarks/results/training.json

The same networks, made-up features, batches, augmentation, type and memory layout on both sides,
in one process, by turns.
"""

from __future__ import annotations

import time
from statistics import median

import torch
from torch.nn import functional

from rena_pl.child.data import ResidentData
from rena_pl.child.fit import autocast, lay_out, train
from rena_pl.child.module import Child, Recipe
from rena_pl.data.clips import Clips
from rena_pl.data.codes import encode
from rena_pl.data.speech import SpeechTask
from rena_pl.data.tensor_task import Split
from rena_pl.space.named import NAMED
from report import arguments, finish

NETWORKS = ("bc_resnet_1", "ds_cnn_s", "tc_resnet8")
CLASSES = 12


class MadeUpSpeech(SpeechTask):
    """Features of the right size, and nothing in them."""

    def __init__(self, count: int, seed: int = 0) -> None:
        words = [f"word{number}" for number in range(CLASSES - 2)]
        super().__init__(words, features="log_mel", cache_dir=None, seed=seed)
        self.count = count

    def clips(self) -> dict[str, Clips]:
        """None: `load` makes features up."""
        raise NotImplementedError

    def load(self) -> dict[str, Split]:
        """Two views of noise for every split."""
        generator = torch.Generator().manual_seed(self.seed)
        features = encode(torch.randn(self.count, 2, *self.input_shape, generator=generator))
        targets = torch.randint(self.num_classes, (self.count,), generator=generator)
        return {name: Split(features, targets) for name in ("train", "val", "test")}


def by_hand(child: Child, data: ResidentData, epochs: int, generator: torch.Generator) -> None:
    """The plainest loop that does the same."""
    lay_out(child)
    network, recipe = child.network.train(), child.recipe
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )
    split, size = data.splits["train"], data.task.batch_size
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.learning_rate, total_steps=epochs * (len(split) // size)
    )
    for _ in range(epochs):
        order = torch.randperm(len(split), generator=generator, device=data.device)
        for start in range(0, len(split) - size + 1, size):
            features, targets = split.take(order[start : start + size], generator)
            features = data.task.augment(features, generator)
            with autocast(data.device):
                loss = functional.cross_entropy(
                    network(features), targets, label_smoothing=recipe.label_smoothing
                )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()


def main() -> None:
    options = arguments(__doc__)
    clips, rounds = (300, 2) if options.quick else (2000, 7)
    task = MadeUpSpeech(clips, options.seed)
    task.setup()
    data = ResidentData(task, torch.device("cpu"))
    figures = {}
    for name in NETWORKS:
        rates: dict[str, list[float]] = {"search": [], "by hand": []}
        for turn in range(rounds + 1):
            for way, loop in (("search", train), ("by hand", by_hand)):
                torch.manual_seed(options.seed)
                child = Child(NAMED[name](), task.input_shape, task.num_classes, Recipe())
                generator = torch.Generator().manual_seed(options.seed)
                started = time.perf_counter()
                loop(child, data, 1, generator)
                if turn:  # the first one warms up
                    rates[way].append(clips / (time.perf_counter() - started))
        ratios = [ours / other for ours, other in zip(*rates.values(), strict=True)]
        figures[name] = {
            "parameters": sum(p.numel() for p in child.parameters()),
            "search, examples/s": round(median(rates["search"])),
            "by hand, examples/s": round(median(rates["by hand"])),
            "ratio": round(median(ratios), 3),
        }
    finish(options, "training.py", figures)


if __name__ == "__main__":
    main()
