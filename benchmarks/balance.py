"""The share of 64 workers' time that is training, by how children are shared out.

    python benchmarks/balance.py --json benchmarks/results/balance.json

Random children of two configs are trained for a few steps each, for their processor seconds; then
waves of them are replayed for 64 simulated workers, who wait for each other at a wave's end.
Claimed is what the search does: whoever is free takes the child that is expected to be the longest
of those left, by multiply-adds. Static sharing deals the children in that order out to the workers
in turn. With `--quick`, few children are measured.
"""

from __future__ import annotations

import heapq
import random
import time
from collections.abc import Callable, Sequence
from statistics import fmean

import torch
import yaml

from rena_pl.architecture import Architecture
from rena_pl.child.data import child_data
from rena_pl.child.fit import train
from rena_pl.child.module import Child
from rena_pl.objective import Constraint, Objective
from rena_pl.resources import NetworkResources
from rena_pl.space import SearchSpace
from rena_pl.space.starts import start_architecture
from report import CONFIGS, arguments, finish
from training import MadeUpSpeech

SPACES = ("kws_micro", "kws_free")
WORKERS, WAVES = 64, 300
CHILDREN_A_WORKER = (1, 2, 4, 8, 16)
BATCHES = 8
"""Training steps that each child is measured for."""

Cost = tuple[float, float]
"""What a child is expected to take, and what it takes."""


def measured(config: str, count: int, seed: int, task: MadeUpSpeech) -> list[Cost]:
    """The costs of random feasible children of a config's space."""
    model = yaml.safe_load((CONFIGS / f"{config}.yaml").read_text())["model"]
    space = SearchSpace(**model["space"])
    constraints = model.get("objective", {}).get("constraints", [])
    objective = Objective([Constraint(**constraint) for constraint in constraints])
    start = start_architecture(model["start"], space)
    resources = NetworkResources(task.input_shape, task.num_classes)
    rng, costs = random.Random(seed), []
    data = child_data(task, torch.device("cpu"))

    def seconds(architecture: Architecture) -> float:
        child = Child(architecture, task.input_shape, task.num_classes)
        generator = torch.Generator().manual_seed(seed)
        started = time.process_time()
        train(child, data, 1, generator)
        return time.process_time() - started

    seconds(start)  # sets libraries up
    while len(costs) < count:
        architecture = space.draw(start, rng)
        use = resources.profile(architecture)
        if objective.feasible(use):
            costs.append((use["macs"], seconds(architecture)))
    return costs


def static(children: Sequence[Cost]) -> float:
    """When the last worker is done if children are dealt out in turn, the costliest first."""
    ordered = sorted(children, reverse=True)
    return max(sum(cost for _, cost in ordered[worker::WORKERS]) for worker in range(WORKERS))


def claimed(children: Sequence[Cost]) -> float:
    """When the last worker is done if each takes the next child as soon as it is free."""
    free = [0.0] * WORKERS
    for _, cost in sorted(children, reverse=True):
        heapq.heapreplace(free, free[0] + cost)
    return max(free)


def training_share(
    share_out: Callable[[Sequence[Cost]], float], waves: Sequence[Sequence[Cost]]
) -> float:
    """The mean share of all workers' time that is training."""
    spent = (sum(cost for _, cost in wave) / (WORKERS * share_out(wave)) for wave in waves)
    return round(fmean(spent), 3)


def main() -> None:
    options = arguments(__doc__)
    count = 5 if options.quick else 150
    task = MadeUpSpeech(BATCHES * 100, options.seed)
    task.setup()
    figures = {}
    for config in SPACES:
        costs = measured(config, count, options.seed, task)
        taken = sorted(cost for _, cost in costs)
        print(f"{config}: {taken[0]:.2f} to {taken[-1]:.2f} s, mean {fmean(taken):.2f} s")
        rng = random.Random(options.seed)
        for each in CHILDREN_A_WORKER:
            waves = [rng.choices(costs, k=each * WORKERS) for _ in range(WAVES)]
            figures[f"{config}, {each} a worker"] = {
                "claimed": training_share(claimed, waves),
                "static": training_share(static, waves),
                "children measured": count,
                "longest / mean": round(taken[-1] / fmean(taken), 2),
            }
    names = next(iter(figures.values()))
    finish(
        options,
        "balance.py",
        {name: {row: figure[name] for row, figure in figures.items()} for name in names},
    )


if __name__ == "__main__":
    main()
