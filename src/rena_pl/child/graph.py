"""One training step of a child, called from Python or, on CUDA, replayed as a graph."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Protocol

import torch
from torch import Tensor

WARM_UP = 3
"""Steps before the capture: libraries set themselves up, and the optimiser makes its state."""

_logger = logging.getLogger(__name__)


class Step(Protocol):
    """Changes weights, optimiser state and running statistics as one batch says."""

    def __call__(self, features: Tensor, targets: Tensor) -> Tensor:
        """Learn from features `(batch, channels, height, width)` and the targets of a loss.

        Returns:
            The loss before the step, without gradient; good until the next step.
        """


Work = Callable[[], Tensor]


class GraphStep:
    """A step whose kernels are captured once and then launched together.

    Small networks leave a GPU waiting for Python, which launches hundreds of kernels a step; a
    graph (https://pytorch.org/docs/stable/notes/cuda.html#cuda-graphs) launches them at once. The
    first batches are trained on by plain calls. Batches of another size than the first always are,
    and all batches where the capture fails, as it does where a layer waits for the device.

    Whatever changes from step to step besides the batch must be a tensor on the device that is
    changed in place, such as the learning rate.

    Args:
        step: What is captured; its optimiser is `capturable`.
        capture: Turns work on fixed tensors into a call that does it again.
    """

    def __init__(self, step: Step, capture: Callable[[Work], Work] | None = None) -> None:
        self.step = step
        self.capture = capture or cuda_graph
        self.size: torch.Size | None = None
        self.warmed = 0
        self.replay: Step | None = None

    def __call__(self, features: Tensor, targets: Tensor) -> Tensor:
        """Learn from a batch."""
        if self.size is None:
            self.size = features.shape
        if features.shape != self.size:
            return self.step(features, targets)
        if self.warmed < WARM_UP:
            self.warmed += 1
            with aside(features.device):
                return self.step(features, targets)
        if self.replay is None:
            self.replay = self._captured(features, targets)
        return self.replay(features, targets)

    def _captured(self, features: Tensor, targets: Tensor) -> Step:
        """The step on buffers of its own, or the plain step where it cannot be captured."""
        fixed = features.clone(), targets.clone()
        try:
            work = self.capture(lambda: self.step(*fixed))
        except RuntimeError as error:  # all that CUDA refuses arrives as one
            _logger.info("training goes on without a CUDA graph: %s", error)
            return self.step

        def replay(features: Tensor, targets: Tensor) -> Tensor:
            fixed[0].copy_(features)
            fixed[1].copy_(targets)
            return work()

        return replay


def cuda_graph(work: Work) -> Work:
    """Capture some work, without doing it, and replay it with every call.

    Waits for the device once.

    Raises:
        RuntimeError: It does something that cannot be captured.
    """
    graph = torch.cuda.CUDAGraph()
    # The outer context gives the stream back: after a capture that failed, the inner one does not.
    # Other threads, such as NCCL's watchdog, may go on talking to the device.
    with (
        torch.cuda.stream(side_stream()),
        torch.cuda.graph(graph, stream=side_stream(), capture_error_mode="thread_local"),
    ):
        result = work()

    def replay() -> Tensor:
        graph.replay()
        return result

    return replay


@contextmanager
def aside(device: torch.device) -> Iterator[None]:
    """On CUDA, work on the stream that captures, between what came before and what follows."""
    if device.type != "cuda":
        yield
        return
    main, side = torch.cuda.current_stream(), side_stream()
    side.wait_stream(main)
    with torch.cuda.stream(side), warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*capturable=True.*")  # it is captured soon
        yield
    main.wait_stream(side)


@cache
def side_stream() -> torch.cuda.Stream:
    """One for the process: each one more would keep memory for matrix products of its own."""
    return torch.cuda.Stream()  # type: ignore[no-untyped-call, unused-ignore]
