"""Training on what a larger network says of the examples, besides what they are."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing

import torch
from torch import Tensor, nn
from torch.nn import functional

from rena_pl.child.data import ChildData
from rena_pl.child.fit import autocast, lay_out
from rena_pl.data.tensor_task import Batch

SHARE = 0.7
"""The share of its teacher's probabilities in what a child is trained on."""


class TaughtData:
    """Data whose training batches have probabilities `(batch, classes)` as targets.

    They are the weighted mean of what a teacher says of the batch as the child sees it, augmented
    alike, and the true class (knowledge distillation, arXiv 1503.02531 and 2106.05237).

    Args:
        data: What is taught.
        teacher: Maps features to logits; on the device of the data, in evaluation mode.
    """

    def __init__(self, data: ChildData, teacher: nn.Module) -> None:
        self.data = data
        self.teacher = teacher
        lay_out(teacher)

    @property
    def batches_per_epoch(self) -> int:
        """Training steps in one epoch."""
        return self.data.batches_per_epoch

    def epoch(self, generator: torch.Generator) -> Generator[Batch, None, None]:
        """The training batches of one epoch."""
        with closing(self.data.epoch(generator)) as batches:
            for features, targets in batches:
                yield features, self._taught(features, targets)

    def split(self, name: str) -> Iterator[Batch]:
        """All examples of `train`, `val` or `test`, with their true classes."""
        return self.data.split(name)

    @torch.no_grad()
    def _taught(self, features: Tensor, targets: Tensor) -> Tensor:
        with autocast(features.device):
            logits: Tensor = self.teacher(features)
        said = logits.float().softmax(1)
        true = functional.one_hot(targets.long(), said.shape[1])
        return SHARE * said + (1 - SHARE) * true
