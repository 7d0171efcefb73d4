"""How alike the rewards of two architectures are thought to be, before any is known."""

from __future__ import annotations

import torch
from torch import Tensor

from rena_pl.search.reader import Descriptions, Reader

SHARPNESS = (1.7, 3.4)
"""What the mean unlikeness of two architectures weighs, for each member of the ensemble."""
LOSS = 1.0
"""By how much an heir is thought to fall behind for every layer that is new."""


def mean(some: Descriptions) -> Tensor:
    """What is expected of architectures while nothing is known of any of them, `(N,)`.

    A short training leaves the heirs behind of which much is new, so what is near good networks is
    looked at first.
    """
    return -LOSS * some.new


def kernel(reader: Reader, first: Descriptions, second: Descriptions) -> Tensor:
    """The kernel of every member, `(members, N, M)`.

    Architectures with the same layers in the same places are alike, unless more is new of one of
    them; besides, rewards rise or fall with size and with training throughout.
    """
    unlikeness = reader.unlikeness(first, second)
    apart = (first.new[:, None] - second.new).abs()
    likeness = torch.stack([(-sharpness * unlikeness - apart).exp() for sharpness in SHARPNESS])
    trends = torch.stack([first.size, first.training], 1) @ torch.stack(
        [second.size, second.training]
    )
    return likeness + trends


def variance(some: Descriptions) -> Tensor:
    """The kernel between each architecture and itself, the same for all members, `(N,)`."""
    return 1 + some.size.square() + some.training.square()
