"""How often a network is right."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from rena_pl.data.tensor_task import Batch


@torch.inference_mode()
def accuracy(network: Callable[[Tensor], Tensor], batches: Iterable[Batch]) -> tuple[float, int]:
    """The share of examples whose largest logit is that of their class, and their number."""
    right = total = 0
    for inputs, targets in batches:
        right += int((network(inputs).argmax(1) == targets).sum())
        total += len(targets)
    return right / total, total
