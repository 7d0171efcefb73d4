"""Examples a second on a CUDA device: plain steps, steps replayed as a graph, and a loop by hand.

    python benchmarks/gpu.py --json benchmarks/results/gpu.json

Made-up features; the same batches, augmentation and type on all sides. Also the share of the time
in which the device runs a kernel, and the rate of four children that four processes train on it at
once.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from rena_pl.child.data import ResidentData
from rena_pl.child.fit import train
from rena_pl.child.module import Child
from rena_pl.data.images import ImageTask
from rena_pl.data.tensor_task import Batch
from rena_pl.space.named import NAMED
from report import arguments, finish
from training import MadeUpSpeech, by_hand

NETWORKS = ("bc_resnet_1", "ds_cnn_s", "tc_resnet8", "resnet20")
AT_ONCE = 4

Loop = Callable[[Child, ResidentData, int, torch.Generator], None]


class MadeUpImages(ImageTask):
    """Pixels of the size of CIFAR's, and nothing in them."""

    input_shape = (3, 32, 32)
    labels = [f"class {number}" for number in range(10)]

    def __init__(self, count: int, seed: int = 0) -> None:
        super().__init__(seed=seed)
        self.count = count

    def images(self) -> dict[str, Batch]:
        """Noise for every split."""
        generator = torch.Generator().manual_seed(self.seed)
        shape = (self.count, *self.input_shape)
        pixels = torch.randint(256, shape, dtype=torch.uint8, generator=generator)
        targets = torch.randint(self.num_classes, (self.count,), generator=generator)
        return dict.fromkeys(("train", "val", "test"), (pixels, targets))


LOOPS: dict[str, Loop] = {
    "graph": train,
    "plain": partial(train, graph=False),
    "by hand": by_hand,
}


class Bench:
    """A network, its made-up task on the card, and how long a training takes.

    Args:
        name: Of the network.
        examples: In an epoch, whole batches.
        epochs: Of a training.
        seed: Of weights, features and order.
    """

    def __init__(self, name: str, examples: int, epochs: int, seed: int) -> None:
        self.name, self.epochs, self.seed = name, epochs, seed
        self.examples = examples * epochs
        task = (MadeUpImages if name == "resnet20" else MadeUpSpeech)(examples, seed)
        task.setup()
        self.data = ResidentData(task, torch.device("cuda"))

    def seconds(self, loop: Loop) -> float:
        """One training from fresh weights, until the card is done; the capture counts."""
        task = self.data.task
        torch.manual_seed(self.seed)
        child = Child(NAMED[self.name](), task.input_shape, task.num_classes).to("cuda")
        generator = torch.Generator("cuda").manual_seed(self.seed)
        torch.cuda.synchronize()
        started = time.perf_counter()
        loop(child, self.data, self.epochs, generator)
        torch.cuda.synchronize()
        return time.perf_counter() - started

    def kernel_share(self, loop: Loop) -> float:
        """The share of a training in which the card runs a kernel."""
        with profile(activities=[ProfilerActivity.CUDA]) as profiled:
            whole = self.seconds(loop)
        kernels = [
            event.time_range.elapsed_us()
            for event in profiled.events()
            if event.device_type == DeviceType.CUDA and not event.name.startswith("Mem")
        ]
        return sum(kernels) / 1e6 / whole


def one_of_many(barrier: Any, results: Any, *of_bench: Any) -> None:
    """Train when all the others are ready too, and put the seconds into `results`."""
    bench = Bench(*of_bench)
    bench.seconds(train)
    barrier.wait()
    results.put(bench.seconds(train))


def at_once(*of_bench: Any) -> float:
    """Seconds until the last of several processes has trained its child."""
    spawn = multiprocessing.get_context("spawn")
    barrier, results = spawn.Barrier(AT_ONCE), spawn.Queue()
    processes = [
        spawn.Process(target=one_of_many, args=(barrier, results, *of_bench))
        for _ in range(AT_ONCE)
    ]
    for process in processes:
        process.start()
    slowest = max(results.get() for _ in processes)
    for process in processes:
        process.join()
    return slowest


def main() -> None:
    options = arguments(__doc__)
    if not torch.cuda.is_available():
        sys.exit("There is no CUDA device here, which is what this benchmark measures.")
    examples, epochs, rounds = (2000, 2, 2) if options.quick else (10_000, 5, 5)
    figures = {}
    for name in NETWORKS:
        bench = Bench(name, examples, epochs, options.seed)
        seconds: dict[str, list[float]] = {way: [] for way in LOOPS}
        for turn in range(rounds + 1):
            for way, loop in LOOPS.items():
                taken = bench.seconds(loop)
                if turn:  # the first one warms up
                    seconds[way].append(taken)
        rates = {way: bench.examples / median(taken) for way, taken in seconds.items()}
        slowest = at_once(name, examples, epochs, options.seed)
        figures[name] = {
            **{f"{way}, examples/s": round(rate) for way, rate in rates.items()},
            **{f"{way}, kernel share": round(bench.kernel_share(LOOPS[way]), 2) for way in LOOPS},
            "graph / plain": round(rates["graph"] / rates["plain"], 2),
            "graph / by hand": round(rates["graph"] / rates["by hand"], 2),
            f"{AT_ONCE} children at once, examples/s": round(AT_ONCE * bench.examples / slowest),
        }
    finish(options, "gpu.py", figures)


if __name__ == "__main__":
    main()
