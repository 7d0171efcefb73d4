"""What a child costs besides its training: from its architecture to its first step.

    python benchmarks/child_cost.py --json benchmarks/results/child_cost.json

A child of ten layers that inherits: its profile, its network, its parent's weights from the disk,
the morphism, the optimiser. Fitting a child whose function changed takes examples, and so stands
beside.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch

from rena_pl.architecture import Architecture, Skeleton
from rena_pl.child.fit import lay_out
from rena_pl.child.module import Child
from rena_pl.evaluation.weights import WeightStore
from rena_pl.layers import layer_types
from rena_pl.network import build, morph
from rena_pl.resources.profile import profile
from rena_pl.space.actions import Remove, Scale
from report import arguments, finish

SHAPE, CLASSES, LAYERS, EXAMPLES = (1, 40, 101), 12, 10, 256


def ten_layers() -> Architecture:
    """Inverted residuals behind a convolution, as a search builds them."""
    first = layer_types()["conv2d"](channels=16, stride_height=2, stride_width=2).as_layer(0)
    block = layer_types()["inverted_residual"]
    blocks = (block(channels=16).as_layer(index) for index in range(1, LAYERS))
    return Architecture((first, *blocks), Skeleton())


def milliseconds(work: Callable[[], object], rounds: int) -> float:
    """The median time of some work, after a first round that warms up."""
    times = []
    for _ in range(rounds + 1):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return round(1000 * median(times[1:]), 1)


def main() -> None:
    options = arguments(__doc__)
    rounds = 2 if options.quick else 30
    parent = ten_layers()
    network = build(parent, SHAPE, CLASSES)
    examples = torch.randn(EXAMPLES, *SHAPE)
    changes = {"wider": Scale(3, "channels", 24), "a layer less": Remove(4)}
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        store = WeightStore(Path(folder))
        store.save("parent", network.state_dict())
        for name, action in changes.items():
            architecture = action.apply(parent)

            def start(features: torch.Tensor | None, architecture=architecture) -> None:
                profile(architecture, SHAPE, CLASSES)
                child = Child(architecture, SHAPE, CLASSES)
                weights = store.load("parent")
                assert weights is not None
                morph(parent, weights, architecture, child.network, features)
                lay_out(child)
                child.train()
                child.optimizer(100)

            figures[name] = {
                "layers": len(architecture.layers),
                "without data, ms": milliseconds(lambda: start(None), rounds),
                f"with {EXAMPLES} examples, ms": milliseconds(lambda: start(examples), rounds),
            }
    finish(options, "child_cost.py", figures)


if __name__ == "__main__":
    main()
