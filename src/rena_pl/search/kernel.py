"""How alike the rewards of two architectures are thought to be, before any is known."""

from __future__ import annotations

import torch
from torch import Tensor

from rena_pl.search.reader import Descriptions, Reader

SHARPNESS = (1.7, 3.4)
"""What the mean unlikeness of two architectures weighs, for each member of the ensemble."""


def kernel(reader: Reader, first: Descriptions, second: Descriptions) -> Tensor:
    """The kernel of every member, `(members, N, M)`.

    Architectures with the same layers in the same places are alike; besides, rewards rise or fall
    with size, with training and with how much was not inherited throughout.
    """
    unlikeness = reader.unlikeness(first, second)
    likeness = torch.stack([(-sharpness * unlikeness).exp() for sharpness in SHARPNESS])
    return likeness + first.trends @ second.trends.T


def variance(some: Descriptions) -> Tensor:
    """The kernel between each architecture and itself, the same for all members, `(N,)`."""
    return 1 + some.trends.square().sum(1)
