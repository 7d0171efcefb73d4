"""Activations by name."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class CReLU(nn.Module):
    """The positive and the negative part, side by side: twice the channels (arXiv 1603.05201)."""

    def forward(self, maps: Tensor) -> Tensor:
        """`(batch, channels, ...)` to `(batch, 2 x channels, ...)`."""
        return torch.cat([maps, -maps], dim=1).relu()


ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "crelu": CReLU,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "swish": nn.SiLU,
    "hard_swish": nn.Hardswish,
    "none": nn.Identity,
}


def activation(name: str) -> nn.Module:
    """A fresh activation module."""
    return ACTIVATIONS[name]()
