"""The torch modules of the recurrent layer types."""

from __future__ import annotations

from torch import Tensor, nn


class GruOverTime(nn.Module):
    """`(batch, channels, height, time)` to `(batch, units, 1, time)` through a GRU."""

    def __init__(self, features: int, units: int) -> None:
        super().__init__()
        self.gru = nn.GRU(features, units, batch_first=True)

    def forward(self, maps: Tensor) -> Tensor:
        """Every step's output, as a map of height 1."""
        steps: Tensor = self.gru(maps.flatten(1, 2).transpose(1, 2))[0]
        return steps.transpose(1, 2).unsqueeze(2)
