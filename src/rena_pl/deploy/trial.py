"""A file for devices is tried out on the test split before it gets its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from rena_pl.data.tensor_task import Batch
from rena_pl.errors import RenaError
from rena_pl.resources.onnx_runtime import median_seconds
from rena_pl.whole_files import whole

LEAST_AGREEMENT = 0.999
"""Share of test examples for which a float file must choose the class that PyTorch chooses."""
LOST = 100
"""An int8 file may be right about one test example in so many less; about one in any case."""


class Runner(Protocol):
    """A file as its runtime runs it."""

    def __call__(self, batch: Tensor) -> Tensor:
        """Input `(batch, ...)` to logits `(batch, classes)`."""

    def peak_memory(self, example: Tensor) -> int | None:
        """Bytes of the tensors alive at once, at their most, on a batch of one; if known."""


@dataclass(frozen=True)
class Exported:
    """A file for devices and what was measured of it.

    Attributes:
        path: The file.
        file_bytes: Its size.
        peak_memory: Bytes of the tensors alive at once, at their most, at batch 1; if known.
        latency: Seconds of one inference at batch 1.
        examples: In the test split.
        accuracy: On them.
        torch_accuracy: PyTorch's, on the same input.
        agreement: Share of the test examples for which both choose the same class.
    """

    path: Path
    file_bytes: int
    peak_memory: int | None
    latency: float
    examples: int
    accuracy: float
    torch_accuracy: float
    agreement: float


def write_tried(
    content: bytes,
    path: Path,
    runner: Callable[[Path], Runner],
    reference: nn.Module,
    batches: Iterable[Batch],
    int8: bool = False,
) -> Exported:
    """Write a file that does what PyTorch does, or none.

    Args:
        content: Of the file.
        path: Where it goes.
        runner: Opens it.
        reference: What it comes from, in evaluation mode.
        batches: The test split, as both take it.
        int8: Whether it may choose other classes, as long as it is right as often.

    Raises:
        RenaError: It does not agree with the reference.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as unfinished:
        unfinished.write_bytes(content)
        exported = _tried(unfinished, runner(unfinished), reference, batches, path)
        _require_agreement(exported, int8)
    return exported


@torch.inference_mode()
def _tried(
    file: Path, runner: Runner, reference: nn.Module, batches: Iterable[Batch], path: Path
) -> Exported:
    """Run a file and its reference on the same input, and measure the file."""
    total = right = right_in_torch = same = 0
    example: Tensor | None = None
    for inputs, targets in batches:
        example = inputs[:1]
        chosen, expected = runner(inputs).argmax(1), reference(inputs).argmax(1)
        total += len(targets)
        right += int((chosen == targets).sum())
        right_in_torch += int((expected == targets).sum())
        same += int((chosen == expected).sum())
    if example is None:
        raise RenaError("the test split is empty")
    return Exported(
        path=path,
        file_bytes=file.stat().st_size,
        peak_memory=runner.peak_memory(example),
        latency=median_seconds(lambda: runner(example), warm_up=20, runs=100),
        examples=total,
        accuracy=right / total,
        torch_accuracy=right_in_torch / total,
        agreement=same / total,
    )


def _require_agreement(exported: Exported, int8: bool) -> None:
    lost = exported.torch_accuracy - exported.accuracy
    if int8 and round(lost * exported.examples) > max(1, exported.examples // LOST):
        raise RenaError(
            f"{exported.path}: not written: in int8 the network has {exported.accuracy:.2%} of the "
            f"test examples right, {100 * lost:.2f} points less than in float"
        )
    if not int8 and exported.agreement < LEAST_AGREEMENT:
        raise RenaError(
            f"{exported.path}: not written: it agrees with PyTorch on {exported.agreement:.2%} of "
            f"the test examples, at least {LEAST_AGREEMENT:.1%} are needed"
        )
