"""Attention over time."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from rena_pl.layers.modules.convolution import NormedConvolution, merge_height
from rena_pl.layers.modules.norm import silence

HEAD_SIZE = 8


class WeightedSum(nn.Module):
    """Weights `(batch, time, 1)` and steps `(batch, time, units)` to `(batch, 1, units)`."""

    def forward(self, weights: Tensor, steps: Tensor) -> Tensor:
        """The sum of the steps, each multiplied by its weight."""
        summed: Tensor = weights.transpose(1, 2) @ steps
        return summed


class DotProductAttention(nn.Module):
    """Queries, keys and values `(batch, heads, time, size)` to the values' weighed sums."""

    def forward(self, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Scaled dot-product attention (arXiv 1706.03762, section 3.2)."""
        scores = queries @ keys.transpose(2, 3) / queries.shape[3] ** 0.5
        gathered: Tensor = scores.softmax(dim=3) @ values
        return gathered


def count_weighted_sum(module: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
    """One multiply-add, as thop counts, for every value that is summed."""
    module.total_ops += torch.DoubleTensor([inputs[1].numel()])


def count_attention(module: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
    """Two products of matrices, in multiply-adds as thop counts."""
    queries, keys, _ = inputs
    module.total_ops += torch.DoubleTensor([2 * queries.numel() * keys.shape[2]])


class SelfAttentionBlock(nn.Module):
    """Self-attention over time with a shortcut, normalised first by batch norm.

    Maps `(batch, channels, height, time)` to `(batch, units, 1, time)`; a 1x1 convolution comes
    first where channels times height are not the units.

    Args:
        features: Channels times height of the input.
        units: Channels of the output.
        width: Time steps.
        heads: Of the attention, of 8 values each.
    """

    def __init__(self, features: int, units: int, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.merge = merge_height(features)
        self.project = (
            nn.Identity()
            if features == units
            else NormedConvolution(features, units, (1, width), norm="none")
        )
        self.norm = nn.BatchNorm2d(units)
        self.queries = nn.Conv2d(units, heads * HEAD_SIZE, 1)
        self.keys = nn.Conv2d(units, heads * HEAD_SIZE, 1, bias=False)  # softmax is blind to it
        self.values = nn.Conv2d(units, heads * HEAD_SIZE, 1)
        self.attention = DotProductAttention()
        self.out = nn.Conv2d(heads * HEAD_SIZE, units, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """The input and what every step gathers from the others, added."""
        maps = self.project(self.merge(maps))
        normed = self.norm(maps)
        gathered = self.attention(
            *map(self._split, (self.queries, self.keys, self.values), [normed] * 3)
        )
        joined = gathered.transpose(2, 3).flatten(1, 2).unsqueeze(2)
        out: Tensor = maps + self.out(joined)
        return out

    def pass_on(self) -> None:
        """Silence the attention and let the projection pass its input on."""
        silence(self.out)
        if isinstance(self.project, NormedConvolution):
            self.project.pass_on()

    def _split(self, projection: nn.Module, maps: Tensor) -> Tensor:
        """Project `(batch, units, 1, time)` to `(batch, heads, time, head size)`."""
        projected: Tensor = projection(maps)
        split = torch.unflatten(projected.squeeze(2), 1, (self.heads, HEAD_SIZE))
        return split.transpose(2, 3)
