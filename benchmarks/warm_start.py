"""How many of the policy's own proposals keep the hard bounds, without and with its warm start.

    python benchmarks/warm_start.py --root PATH --json benchmarks/results/warm_start.json

Episodes of three actions from the start network of `kws_micro.yaml`, every action drawn once: the
search draws again where a bound is broken, and asks only for what keeps them. Medians of five
seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, median

from rena_pl.architecture import Architecture
from rena_pl.commands.search_settings import search_settings
from rena_pl.commands.surroundings import quiet
from rena_pl.search.policy.episodes import episode_generator, walk
from rena_pl.search.prepare import ground_of
from rena_pl.search.searchers.rena import Rena
from rena_pl.search.searchers.searcher import Ground
from report import CONFIGS, arguments, finish

STEPS, EPISODES, SEEDS = 3, 200, 5
ALL = "all actions"
AFTER_WARM_UP = 1
"""The update that the episodes are counted to, so that the policy has not seen them."""


def waves(searcher: Rena, start: Architecture) -> list[list[Architecture]]:
    """What the policy makes of the start network, step by step."""
    seed = searcher.ground.seed
    generators = [episode_generator(seed, AFTER_WARM_UP, number) for number in range(EPISODES)]
    starts = [start] * EPISODES
    return walk(searcher.policy, searcher.encoder, starts, STEPS, generators).architectures


def figures_of(ground: Ground, made: Sequence[Sequence[Architecture]]) -> dict[str, float]:
    """The share that keeps the hard bounds, and how many of them are different."""
    shares = {
        f"action {number}": fmean(map(ground.feasible, wave)) for number, wave in enumerate(made, 1)
    }
    different = len({child for wave in made for child in wave})
    return {**shares, ALL: fmean(shares.values()), "different networks": different}


def main() -> None:
    options = arguments(__doc__, data=True)
    quiet()
    config = ["--config", str(CONFIGS / "kws_micro.yaml"), "--data.init_args.root"]
    given = search_settings("warm_start.py", [*config, str(options.root)])
    controller, task = given.controller, given.task
    rows: dict[str, list[dict[str, float]]] = {"without": [], "with warm start": []}
    for seed in range(options.seed, options.seed + (1 if options.quick else SEEDS)):
        ground = ground_of(
            task,
            controller.space,
            controller.objective,
            controller.start,
            controller.inherit,
            seed,
            Path("unused"),
        )
        assert ground.start is not None
        searcher = Rena(ground, STEPS)
        rows["without"].append(figures_of(ground, waves(searcher, ground.start)))
        searcher.warm_up()
        rows["with warm start"].append(figures_of(ground, waves(searcher, ground.start)))
    figures = {
        way: {name: round(median(row[name] for row in of), 3) for name in of[0]}
        for way, of in rows.items()
    }
    for way, of in rows.items():
        figures[way]["all actions, lowest of the seeds"] = round(min(row[ALL] for row in of), 3)
    finish(options, "warm_start.py", figures)


if __name__ == "__main__":
    main()
