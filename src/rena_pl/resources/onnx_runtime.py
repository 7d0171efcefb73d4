"""ONNX Runtime on one thread of the processor, and how long something takes on it."""

from __future__ import annotations

import contextlib
import io
import logging
import time
import warnings
from collections.abc import Callable, Iterator
from math import inf
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

_fine = time.get_clock_info("thread_time").resolution < 1e-6
thread_clock = time.thread_time if _fine else time.perf_counter
"""Counts the time that this thread has the processor for, as far as the system counts it finely.

A session computes in the thread that calls it. While others want the processor too, long inferences
are interrupted and short ones are not: by the clock on the wall, a network of 10 ms took twice what
its layers do.
"""
LEAST_RUNS = 5
"""Inferences that are timed however long they take."""


def open_session(path: Path, optimised: Path | None = None, optimise: bool = True) -> Any:
    """A session on one thread; may write down the graph that it made of the file's."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    levels = onnxruntime.GraphOptimizationLevel
    if optimised is not None:
        options.optimized_model_filepath = str(optimised)
        options.graph_optimization_level = levels.ORT_ENABLE_EXTENDED  # the same on every processor
    if not optimise:
        options.graph_optimization_level = levels.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def median_seconds(
    run: Callable[[], object],
    warm_up: int,
    runs: int,
    longest: float = inf,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Seconds of one inference, the median of many.

    Args:
        run: The inference.
        warm_up: Inferences that are not timed.
        runs: Inferences that are.
        longest: Seconds after which either is cut short, the latter after `LEAST_RUNS`.
        clock: Gives seconds.
    """
    begin = clock()
    for _ in range(warm_up):
        run()
        if clock() - begin > longest:
            break
    times: list[float] = []
    while len(times) < runs and (len(times) < LEAST_RUNS or sum(times) < longest):
        begin = clock()
        run()
        times.append(clock() - begin)
    return median(times)


def inference(module: nn.Module, examples: tuple[Tensor, ...]) -> Callable[[], object]:
    """A module as the runtime runs it, on these inputs.

    It is exported by tracing, which takes a fiftieth of the time of PyTorch's later exporter; both
    give the same operators.

    Args:
        module: In evaluation mode.
        examples: Its inputs, a batch of one each.
    """
    with TemporaryDirectory() as folder, quietly(), torch.inference_mode():
        path = Path(folder, "module.onnx")
        torch.onnx.export(module, examples, path, dynamo=False)
        session = open_session(path)
    names = [source.name for source in session.get_inputs()]
    feed = dict(zip(names, (example.numpy() for example in examples), strict=True))
    return lambda: session.run(None, feed)


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Keep what exporters and quantisers say about themselves from the user."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
