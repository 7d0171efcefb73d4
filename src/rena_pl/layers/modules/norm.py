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


def neutral_norms(module: nn.Module) -> list[nn.BatchNorm2d]:
    """The norms that pass their input on, as `make_neutral` leaves them."""
    return [
        part for part in module.modules() if isinstance(part, nn.BatchNorm2d) and _is_neutral(part)
    ]


@torch.no_grad()
def give_statistics(module: nn.Module, *inputs: Tensor) -> None:
    """Let norms that pass their input on do so in training mode as well.

    Args:
        module: A whole network; left in evaluation mode. All its `neutral_norms` change.
        inputs: A batch of what it reads.
    """

    def settle(norm: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        assert isinstance(norm, nn.BatchNorm2d)
        take_statistics(norm, arguments[0])

    hooks = [norm.register_forward_pre_hook(settle) for norm in neutral_norms(module)]
    module.eval()
    if hooks:
        module(*inputs)
    for hook in hooks:
        hook.remove()


def take_statistics(norm: nn.BatchNorm2d, maps: Tensor) -> None:
    """Give a norm the running statistics of some maps that it reads.

    One that passes its input on gets them as gain and shift too, besides a shift it may have: it
    gives the same as before, whether it normalises by running statistics or by those of a batch.
    """
    if norm.running_mean is None or norm.running_var is None:
        return
    neutral = _is_neutral(norm)
    variance, mean = torch.var_mean(maps, dim=(0, 2, 3), correction=0)
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
    if neutral:
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.bias.add_(mean)


def _is_neutral(norm: nn.BatchNorm2d) -> bool:
    if norm.running_mean is None or norm.running_var is None:
        return False
    passing = torch.full_like(norm.weight, (1 + norm.eps) ** 0.5)
    return (
        not norm.running_mean.any()
        and bool((norm.running_var == 1).all())
        and torch.allclose(norm.weight, passing, atol=1e-7, rtol=0)
    )
