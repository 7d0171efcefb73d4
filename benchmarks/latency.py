"""How well the latency of a search, a sum over layers, tells that of the exported network.

    python benchmarks/latency.py --json benchmarks/results/latency.json

Random networks of the spaces of three configs. The files are those that `rena export` writes,
without a front end. Layers and whole networks are timed by turns in one process, by the time that
it has the processor for. Each turn measures
all layers anew, as a search does once, and is compared with the medians of the whole networks.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np
import torch
import yaml

from rena_pl.architecture import Architecture, Shape
from rena_pl.deploy.onnx_graph import FEATURES, LOGITS, export
from rena_pl.deploy.onnx_session import OnnxNetwork
from rena_pl.network import build
from rena_pl.resources import NetworkResources, latency
from rena_pl.resources.latency import Latencies
from rena_pl.resources.latency_file import Part
from rena_pl.resources.onnx_runtime import median_seconds, thread_clock
from rena_pl.space import SearchSpace
from rena_pl.space.starts import RUDIMENTARY, start_architecture
from report import CONFIGS, arguments, finish

SPEECH = ((1, 40, 101), 12)
TASKS = {"kws_tight": SPEECH, "kws_free": SPEECH, "cifar10_module": ((3, 32, 32), 10)}
NETWORKS, TURNS, STEPS = 20, 5, 12


def networks(config: str, count: int, seed: int) -> list[Architecture]:
    """The ends of random walks from the config's start network."""
    model = yaml.safe_load((CONFIGS / f"{config}.yaml").read_text())["model"]
    space = SearchSpace(**model["space"])
    start = start_architecture(model.get("start", RUDIMENTARY), space)
    rng = random.Random(seed)
    found: dict[Architecture, None] = {}
    while len(found) < count:
        architecture = start
        for _ in range(rng.randint(1, STEPS)):
            architecture = space.random_action(architecture, rng).apply(architecture)
        found[architecture] = None
    return list(found)


def exported(architecture: Architecture, shape: Shape, classes: int) -> Callable[[], object]:
    """The whole network as `rena export` writes it, ready to run."""
    network = build(architecture, shape, classes).eval()
    model = export(network, torch.randn(2, *shape), FEATURES, LOGITS)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        path.write_bytes(model.SerializeToString())
        run = OnnxNetwork(path)
    example = torch.randn(1, *shape)
    return lambda: run(example)


def rank_correlation(one: Sequence[float], other: Sequence[float]) -> float:
    """Spearman's, of numbers that are all different."""
    ranks = [np.argsort(np.argsort(values)) for values in (one, other)]
    return float(np.corrcoef(*ranks)[0, 1])


def compared(config: str, shape: Shape, classes: int, count: int, turns: int, seed: int) -> Any:
    """The figures of one space."""
    drawn = networks(config, count, seed)
    whole = [exported(architecture, shape, classes) for architecture in drawn]
    seconds: list[float] = []

    def timed(part: Part) -> float:
        started = time.perf_counter()
        milliseconds = latency.measure(part)
        seconds.append(time.perf_counter() - started)
        return milliseconds

    sums = np.zeros((turns, count))
    wholes = np.zeros((turns, count))
    for turn in range(turns):
        latencies = Latencies(measure=timed)
        for number, architecture in enumerate(drawn):
            sums[turn, number] = latencies.network(architecture, shape, classes)
            wholes[turn, number] = 1000 * median_seconds(
                whole[number], warm_up=20, runs=100, clock=thread_clock
            )
    true = np.median(wholes, axis=0)
    counted = NetworkResources(shape, classes)
    macs = [counted.profile(architecture)["macs"] for architecture in drawn]
    error = np.abs(sums / true - 1)
    return {
        "networks": count,
        "fastest, ms": round(float(true.min()), 3),
        "slowest, ms": round(float(true.max()), 3),
        "rank correlation": round(fmean(rank_correlation(row, true) for row in sums), 3),
        "rank correlation of MACs": round(rank_correlation(macs, true), 3),
        "median relative error": round(float(np.median(error)), 3),
        "largest relative error": round(float(error.max()), 3),
        "sum / whole network, median": round(float(np.median(sums / true)), 3),
        "whole network again, median relative error": round(
            float(np.median(np.abs(wholes / true - 1))), 3
        ),
        "ms to measure a layer": round(1000 * median(seconds), 1),
    }


def main() -> None:
    options = arguments(__doc__)
    count, turns = (3, 1) if options.quick else (NETWORKS, TURNS)
    figures = {
        config: compared(config, shape, classes, count, turns, options.seed)
        for config, (shape, classes) in TASKS.items()
    }
    finish(options, "latency.py", figures)


if __name__ == "__main__":
    main()
