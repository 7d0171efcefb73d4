"""How alike the rewards of two architectures are thought to be, before any is known."""

from __future__ import annotations

import torch
from torch import Tensor

from rena_pl.search.predictor.reader import Descriptions, Reader

SHARPNESS = (0.85, 1.7, 3.4)
"""What the unlikeness of two architectures weighs, for each member of the ensemble."""
DOUBT = 0.5
"""The deviation of what is thought of the growth of rewards with size."""


def kernel(reader: Reader, first: Descriptions, second: Descriptions) -> Tensor:
    """The kernel of every member, `(members, N, M)`.

    Architectures are alike in some ways, and may be unlike in others, such as those with the same
    layers in other places; and they are less so if more is new of one of them. Besides, rewards
    rise or fall with training throughout, and with size where nothing is inherited.
    """
    unlikeness = reader.unlikeness(first, second)
    apart = (first.new[:, None] - second.new).abs()
    likeness = torch.stack(
        [(-sharpness * unlikeness - apart).exp().mean(0) for sharpness in SHARPNESS]
    )
    return likeness + _trends(first) @ _trends(second).T


def variance(some: Descriptions) -> Tensor:
    """The kernel between each architecture and itself, the same for all members, `(N,)`."""
    return 1 + _trends(some).square().sum(1)


def _trends(some: Descriptions) -> Tensor:
    return torch.stack([DOUBT * some.size * (1 - some.heir), some.training], 1)
