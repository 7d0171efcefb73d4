"""Averages over maps."""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch import Tensor, nn


class Average(nn.Module):
    """Maps `(batch, channels, height, width)` to their means, which keep four dimensions.

    Args:
        over: The dimensions that become 1: 2 is height, 3 is width.
    """

    def __init__(self, *over: int) -> None:
        super().__init__()
        self.over = over

    def forward(self, maps: Tensor) -> Tensor:
        """The means."""
        if not self.training:
            return maps.mean(self.over, keepdim=True)
        # The gradient of torch's mean is as large as the maps and lies channels first, wherever
        # they lie; that of a sum is a view of the means' gradient.
        count = prod(maps.shape[dimension] for dimension in self.over)
        return maps.sum(self.over, keepdim=True) / count


def count_average(module: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
    """Thop's rule for a pool: an addition for every value read, a division for every mean."""
    module.total_ops += torch.DoubleTensor([inputs[0].numel() + output.numel()])
