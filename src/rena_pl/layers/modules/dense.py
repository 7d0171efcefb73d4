"""Fully connected modules."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rena_pl.layers.modules.activation import activation
from rena_pl.layers.modules.average import Average


class AveragedLinear(nn.Module):
    """Average over height and width, linear, activation: `(batch, units, 1, 1)`.

    Args:
        channels: Of the input.
        units: Of the linear part.
        activation_name: After it.
    """

    def __init__(self, channels: int, units: int, activation_name: str) -> None:
        super().__init__()
        self.average = Average(2, 3)
        self.flatten = nn.Flatten()
        self.linear = nn.Linear(channels, units)
        self.activation = activation(activation_name)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps `(batch, channels, height, width)` to one activated value a unit."""
        units: Tensor = self.activation(self.linear(self.flatten(self.average(maps))))
        return units[:, :, None, None]

    @torch.no_grad()
    def pass_on(self) -> None:
        """Let unit `i` give the mean of channel `i`; further ones stay."""
        channels = min(self.linear.in_features, self.linear.out_features)
        self.linear.weight[:channels] = torch.eye(channels, self.linear.in_features)
        self.linear.bias.zero_()
