"""How many profiles a second, and whether they are what thop counts on the whole network.

    python benchmarks/profiles.py --json benchmarks/results/profiles.json

Random walks in the spaces of two configs; each architecture is compared with thop once, and all of
them are then profiled again and again.
"""

from __future__ import annotations

import random
import time
from statistics import median

import torch
import yaml

from rena_pl.architecture import Architecture, Shape
from rena_pl.network import build
from rena_pl.resources.profile import profile, thop_macs
from rena_pl.space import SearchSpace
from rena_pl.space.starts import RUDIMENTARY, start_architecture
from report import CONFIGS, arguments, finish

TASKS = {"kws_micro": ((1, 40, 101), 12), "cifar10_module": ((3, 32, 32), 10)}
STEPS = 12


def architectures(config: str, count: int, seed: int) -> list[Architecture]:
    """Random walks from the config's start network."""
    model = yaml.safe_load((CONFIGS / f"{config}.yaml").read_text())["model"]
    space = SearchSpace(**model["space"])
    start = start_architecture(model.get("start", RUDIMENTARY), space)
    rng = random.Random(seed)
    found: list[Architecture] = []
    while len(found) < count:
        current = start if len(found) % STEPS == 0 else found[-1]
        found.append(space.random_action(current, rng).apply(current))
    return found


def same_as_thop(architecture: Architecture, shape: Shape, classes: int) -> bool:
    """Whether the sum over the layers is what thop counts on the network."""
    whole = thop_macs(build(architecture, shape, classes), (torch.zeros(1, *shape),))
    return profile(architecture, shape, classes).macs == whole


def main() -> None:
    options = arguments(__doc__)
    count, rounds = (50, 2) if options.quick else (250, 7)
    figures = {}
    for config, (shape, classes) in TASKS.items():
        drawn = architectures(config, count, options.seed)
        equal = sum(same_as_thop(architecture, shape, classes) for architecture in drawn)
        rates = []
        for _ in range(rounds):
            started = time.perf_counter()
            for architecture in drawn:
                profile(architecture, shape, classes)
            rates.append(count / (time.perf_counter() - started))
        figures[config] = {
            "architectures": count,
            "equal_to_thop": equal,
            "profiles_per_second": round(median(rates)),
        }
    finish(options, "profiles.py", figures)


if __name__ == "__main__":
    main()
