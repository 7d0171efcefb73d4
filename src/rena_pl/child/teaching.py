"""Training on what a larger network says of the examples, instead of what they are."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing

import torch
from torch import Tensor, nn

from rena_pl.child.data import ChildData
from rena_pl.child.fit import autocast, lay_out
from rena_pl.child.module import TEMPERATURE
from rena_pl.data.tensor_task import Batch


class TaughtData:
    """Data whose training batches have probabilities `(batch, classes)` as targets.

    They are what a teacher says, at `TEMPERATURE`, of the batch as the child sees it, augmented
    alike (knowledge distillation, arXiv 1503.02531; function matching, arXiv 2106.05237).

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
            for features, _ in batches:
                yield features, self._said_of(features)

    def split(self, name: str) -> Iterator[Batch]:
        """All examples of `train`, `val` or `test`, with their true classes."""
        return self.data.split(name)

    @torch.no_grad()
    def _said_of(self, features: Tensor) -> Tensor:
        with autocast(features.device):
            logits: Tensor = self.teacher(features)
        return (logits.float() / TEMPERATURE).softmax(1)
