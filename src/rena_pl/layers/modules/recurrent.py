"""Recurrent modules over time."""

from __future__ import annotations

from torch import Tensor, nn

from rena_pl.layers.modules.attention import WeightedSum


def as_steps(maps: Tensor) -> Tensor:
    """`(batch, channels, height, time)` to `(batch, time, channels x height)`."""
    return maps.flatten(1, 2).transpose(1, 2)


class OverTime(nn.Module):
    """`(batch, channels, height, time)` to `(batch, units, 1, time)` through a GRU or an LSTM.

    Args:
        cell: `nn.GRU` or `nn.LSTM`.
        features: Channels times height of the input.
        units: Of the cell.
    """

    def __init__(self, cell: type[nn.GRU] | type[nn.LSTM], features: int, units: int) -> None:
        super().__init__()
        self.cell = cell(features, units, batch_first=True)

    def forward(self, maps: Tensor) -> Tensor:
        """Every step's output, as a map of height 1."""
        steps: Tensor = self.cell(as_steps(maps))[0]
        return steps.transpose(1, 2).unsqueeze(2)


class AttentionOverTime(nn.Module):
    """`(batch, channels, height, time)` to `(batch, units, 1, 1)`: a GRU, its steps weighed.

    Args:
        features: Channels times height of the input.
        units: Of the GRU.
    """

    def __init__(self, features: int, units: int) -> None:
        super().__init__()
        self.cell = nn.GRU(features, units, batch_first=True)
        self.score = nn.Linear(units, 1)
        self.sum = WeightedSum()

    def forward(self, maps: Tensor) -> Tensor:
        """The sum of the steps, each weighed by the softmax of its score."""
        steps = self.cell(as_steps(maps))[0]
        summed: Tensor = self.sum(self.score(steps).softmax(dim=1), steps)
        return summed.transpose(1, 2).unsqueeze(3)
