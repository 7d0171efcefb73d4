"""Normalisations by name."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rena_pl.layers.geometry import bands


class SubSpectralNorm(nn.Module):
    """Batch norm with statistics of its own for every band of frequencies (arXiv 2103.13620).

    Args:
        channels: Of the maps.
        bands: Into how many bands the height is divided; a divisor of it.
    """

    def __init__(self, channels: int, bands: int) -> None:
        super().__init__()
        self.bands = bands
        self.norm = nn.BatchNorm2d(channels * bands)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps `(batch, channels, height, width)` to maps of the same shape."""
        _, channels, height, width = maps.shape
        banded = maps.reshape(-1, channels * self.bands, height // self.bands, width)
        normed: Tensor = self.norm(banded)
        return normed.reshape(-1, channels, height, width)


def norm(name: str, channels: int, height: int) -> nn.Module:
    """A fresh `batch`, `sub_spectral` or no norm, for maps of that height."""
    if name == "none":
        return nn.Identity()
    count = bands(height) if name == "sub_spectral" else 1
    return SubSpectralNorm(channels, count) if count > 1 else nn.BatchNorm2d(channels)


@torch.no_grad()
def make_neutral(module: nn.Module) -> None:
    """Let every norm in a module pass its input on, in evaluation mode."""
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.reset_running_stats()
            part.weight.fill_((1 + part.eps) ** 0.5)
            part.bias.zero_()


@torch.no_grad()
def silence(module: nn.Module) -> None:
    """Let every norm in a module, and every convolution with a bias, give zero and still learn."""
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d) or (
            isinstance(part, nn.Conv2d) and part.bias is not None
        ):
            assert part.bias is not None
            part.weight.zero_()
            part.bias.zero_()
