"""Where two branches meet."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from rena_pl.architecture import Shape
from rena_pl.layers.modules.activation import activation
from rena_pl.layers.modules.convolution import NormedConvolution
from rena_pl.layers.modules.norm import silence


class Resize(nn.Module):
    """Rows and columns picked evenly: a stride where the extent shrinks by a whole factor.

    They are picked by number, since runtimes round differently when they interpolate.

    Args:
        extent: Height and width to come to.
    """

    def __init__(self, extent: tuple[int, int]) -> None:
        super().__init__()
        self.extent = extent

    def forward(self, maps: Tensor) -> Tensor:
        """Maps `(batch, channels, ...)` to `(batch, channels, height, width)`."""
        for dimension, after in enumerate(self.extent, start=2):
            numbers = torch.arange(after, device=maps.device) * maps.shape[dimension] // after
            maps = maps.index_select(dimension, numbers)
        return maps


def resize(source: Shape, target: Shape) -> nn.Module:
    """What brings maps of one shape to the height and width of another."""
    return nn.Identity() if source[1:] == target[1:] else Resize(target[1:])


class Sum(nn.Module):
    """The sum of two branches, the second brought to the shape of the first.

    Args:
        first: Shape of the first branch, and of the output.
        second: Shape of the second.
        norm: `batch` for a norm on the second branch, or `none`.
        activation_name: After the sum.
    """

    def __init__(self, first: Shape, second: Shape, norm: str, activation_name: str) -> None:
        super().__init__()
        self.resize = resize(second, first)
        self.branch: nn.Module
        if first[0] != second[0]:
            self.branch = NormedConvolution(second[0], first[0], first[1:], norm=norm)
        elif norm == "batch":
            self.branch = nn.Sequential(OrderedDict(norm=nn.BatchNorm2d(first[0])))
        else:
            self.branch = nn.Identity()
        self.activation = activation(activation_name)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """The activated sum."""
        out: Tensor = self.activation(first + self.branch(self.resize(second)))
        return out

    def pass_on(self) -> None:
        """Silence the second branch, where it has weights."""
        silence(self.branch)


class Concatenation(nn.Module):
    """Two branches side by side, the second brought to the height and width of the first.

    Args:
        first: Shape of the first branch.
        second: Shape of the second.
        channels: Of the output; the second branch is cut off there.
    """

    def __init__(self, first: Shape, second: Shape, channels: int) -> None:
        super().__init__()
        self.resize = resize(second, first)
        self.channels = channels

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """The channels of the first, then those of the second."""
        return torch.cat([first, self.resize(second)], dim=1)[:, : self.channels]
