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
        if self.training:
            means: Tensor = _Mean.apply(maps, self.over)
            return means
        return maps.mean(self.over, keepdim=True)


class _Mean(torch.autograd.Function):
    """A mean whose gradient is a view of that of the means.

    Torch's is as large as the maps and lies channels first, wherever they lie.
    """

    @staticmethod
    def forward(ctx: Any, maps: Tensor, over: tuple[int, ...]) -> Tensor:
        ctx.shape, ctx.count = maps.shape, prod(maps.shape[dimension] for dimension in over)
        return maps.mean(over, keepdim=True)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return (gradient / ctx.count).expand(ctx.shape), None


def count_average(module: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
    """Thop's rule for a pool: an addition for every value read, a division for every mean."""
    module.total_ops += torch.DoubleTensor([inputs[0].numel() + output.numel()])
