"""How soon a child is back at its parent's accuracy, with its weights and from scratch.

    python benchmarks/inheritance.py --root PATH --json benchmarks/results/inheritance.json

Trains a few parents on keyword spotting, draws single random actions on them, and trains every
child twice, from inherited weights and from scratch, until its validation accuracy is at most half
a point below the parent's. Prints the epochs that each needed.
"""

from __future__ import annotations

import argparse
import json
import random
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import torch
import yaml

from machine import machine
from rena_pl.architecture import Architecture
from rena_pl.child.data import ResidentData, examples
from rena_pl.child.fit import train
from rena_pl.child.module import Child, Recipe
from rena_pl.evaluation.evaluator import SAMPLE
from rena_pl.network import morph
from rena_pl.space import SearchSpace
from rena_pl.space.named import NAMED
from report import CONFIGS
from small_speech import speech_task, val_accuracy

PARENTS = {
    "tc_resnet8": "kws_tight.yaml",
    "bc_resnet_1": "kws_micro.yaml",
    "ds_cnn_s": "kws_free.yaml",
}
"""Named networks, and the config whose search space the actions on each are from."""
SLACK = 0.005


@dataclass(frozen=True)
class Row:
    """One action: the epochs until the child was back, or none if it never was."""

    parent: str
    action: str
    exact: bool
    inherited: int | None
    from_scratch: int | None


class Bench:
    """The task, and how children are trained on it.

    Args:
        root: Folder of Speech Commands.
        batch_size: Examples in a training batch.
        patience: The most epochs a child is trained for.
        recipe: How. Whether a child is back after so many epochs is only seen where its schedule
            ends, so epochs are trained one by one, each with a cycle of its own.
    """

    def __init__(self, root: Path, batch_size: int, patience: int, recipe: Recipe) -> None:
        task = speech_task(root, batch_size)
        self.shape, self.classes = task.input_shape, task.num_classes
        device = torch.device("cpu")
        self.data = ResidentData(task, device)
        self.sample = examples(self.data, SAMPLE, device)
        self.patience = patience
        self.recipe = recipe

    def child(self, architecture: Architecture, seed: int, inherits: bool = False) -> Child:
        """A fresh child."""
        torch.manual_seed(seed)
        recipe = self.recipe.inherited() if inherits else self.recipe
        return Child(architecture, self.shape, self.classes, recipe)

    def accuracy(self, child: Child) -> float:
        """Its accuracy on the validation split."""
        return val_accuracy(child, self.data, self.classes)

    def epochs_until(self, target: float, child: Child, seed: int) -> int | None:
        """Epochs until the child reaches the target: 0 if it is there already."""
        for epochs in range(self.patience + 1):
            if epochs:
                train(child, self.data, 1, torch.Generator().manual_seed(seed + epochs))
            if self.accuracy(child) >= target:
                return epochs
        return None


def compared(
    bench: Bench, name: str, parent: Child, target: float, seeds: list[int], rng: random.Random
) -> list[Row]:
    """A random action on a trained parent for every seed: heirs, and the same from scratch."""
    model = yaml.safe_load((CONFIGS / PARENTS[name]).read_text())["model"]
    space, architecture = SearchSpace(**model["space"]), parent.architecture
    weights = parent.network.state_dict()
    rows = []
    for seed in seeds:
        action = space.random_action(architecture, rng)
        changed = action.apply(architecture)
        heir, fresh = bench.child(changed, seed, inherits=True), bench.child(changed, seed)
        taken = morph(architecture, weights, changed, heir.network, bench.sample)
        row = Row(
            name,
            str(action),
            taken.exact,
            bench.epochs_until(target, heir, seed),
            bench.epochs_until(target, fresh, seed),
        )
        print(row, flush=True)
        rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, required=True, help="folder of Speech Commands")
    parser.add_argument("--actions", type=int, default=30, help="how many actions in all")
    parser.add_argument("--batch-size", type=int, default=16, help="of the training")
    parser.add_argument("--parent-epochs", type=int, default=20, help="training of each parent")
    parser.add_argument("--patience", type=int, default=10, help="the most epochs of a child")
    parser.add_argument("--inherited-rate", type=float, default=0.1, help="see `Recipe`")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    recipe = Recipe(inherited_rate=options.inherited_rate)
    bench = Bench(options.root, options.batch_size, options.patience, recipe)
    rng = random.Random(options.seed)
    rows: list[Row] = []
    accuracies: dict[str, float] = {}
    for number, name in enumerate(PARENTS):
        generator = torch.Generator().manual_seed(options.seed)
        parent = bench.child(NAMED[name](), options.seed)
        train(parent, bench.data, options.parent_epochs, generator)
        accuracies[name] = bench.accuracy(parent)
        print(f"{name}: validation accuracy {accuracies[name]:.4f}", flush=True)
        seeds = [1000 * options.seed + at for at in range(number, options.actions, len(PARENTS))]
        rows += compared(bench, name, parent, accuracies[name] - SLACK, seeds, rng)
    never = options.patience + 1
    result = {
        "command": f"python benchmarks/inheritance.py --root PATH --actions {options.actions} "
        f"--batch-size {options.batch_size} --parent-epochs {options.parent_epochs} "
        f"--patience {options.patience} "
        f"--inherited-rate {options.inherited_rate} --seed {options.seed} "
        f"--threads {options.threads}",
        "machine": machine(),
        "parents": accuracies,
        "median_epochs_inherited": median(
            r.inherited if r.inherited is not None else never for r in rows
        ),
        "median_epochs_from_scratch": median(
            r.from_scratch if r.from_scratch is not None else never for r in rows
        ),
        "exact": sum(row.exact for row in rows),
        "back_within_one_epoch": {
            name: sum(r.parent == name and r.inherited in (0, 1) for r in rows) for name in PARENTS
        },
        "actions": [asdict(row) for row in rows],
    }
    print(
        json.dumps({name: value for name, value in result.items() if name != "actions"}, indent=2)
    )
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
