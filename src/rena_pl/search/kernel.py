"""The kernels of the model of the reward, and how its members weigh what they are made of."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import torch
from torch import Tensor

from rena_pl.search.reader import Descriptions, Reader

KERNELS = 3
TREND = 1.0
"""The variance of what one deviation of size brings, before there are data."""
CONTENT, RESOURCE, NOISE = 0.15, 0.3, 0.05
"""What a difference of one deviation weighs at first, and the variance of what is unexplained."""
COMMON, OWN = 0.6, 0.7
"""How much weights spread together and each for itself, in the logarithm."""


class Prior:
    """What the members are thought to weigh before there are data: normal, in logarithms.

    A member's weights are a row: one for each place, value and resource, one for each of the three
    kernels, and the variance of what is not explained.

    Args:
        reader: Describes architectures.
    """

    def __init__(self, reader: Reader) -> None:
        places, values, uses = reader.sizes
        self.blocks = (
            (places, log(4 / places), COMMON, OWN),
            (values, log(CONTENT), COMMON, OWN),
            (uses, log(RESOURCE), COMMON, OWN),
            (KERNELS, 0.0, 0.0, 1.0),
            (1, log(NOISE), 1.0, 0.0),
        )
        self.mean = torch.cat([torch.full((size,), mean) for size, mean, _, _ in self.blocks])

    def draw(self, members: int, generator: torch.Generator) -> Tensor:
        """The weights of some members, `(M, weights)`."""
        return torch.cat(
            [
                mean
                + common * torch.randn(members, 1, generator=generator)
                + own * torch.randn(members, size, generator=generator)
                for size, mean, common, own in self.blocks
            ],
            dim=1,
        )

    def step(self, weights: Tensor, reach: Tensor, generator: torch.Generator) -> Tensor:
        """A step towards a fresh draw that leaves the prior as it is (arXiv 1202.0709)."""
        fresh = self.draw(len(weights), generator)
        kept = (1 - reach**2).sqrt()
        return self.mean + kept * (weights - self.mean) + reach * (fresh - self.mean)

    def split(self, weights: Tensor) -> tuple[Tensor, ...]:
        """Weights of places, values, resources and kernels, and the noise; no logarithms any more.

        Those of the kernels add up to 1.
        """
        sizes = [size for size, *_ in self.blocks]
        place, content, use, shares, noise = torch.split(weights.double(), sizes, dim=1)
        return place.exp(), content.exp(), use.exp(), shares.softmax(1), noise.exp()


@dataclass(frozen=True)
class Parts:
    """What kernels between two sets of architectures are made of.

    Attributes:
        places: Unlikeness by place, `(places, N, M)`.
        content: Content of both, in deviations.
        use: Resources of both, in deviations.
        size: How large both are, in deviations.
    """

    places: Tensor
    content: tuple[Tensor, Tensor]
    use: tuple[Tensor, Tensor]
    size: tuple[Tensor, Tensor]


def parts_of(reader: Reader, first: Descriptions, second: Descriptions) -> Parts:
    """What the kernels between some architectures are made of."""
    content, use = reader.content_scale, reader.use_scale
    return Parts(
        reader.unlikeness(first, second),
        (first.content / content, second.content / content),
        (first.use / use, second.use / use),
        (reader.size(first), reader.size(second)),
    )


def kernel(prior: Prior, weights: Tensor, parts: Parts) -> Tensor:
    """The kernel of every member, `(members, N, M)`.

    Three kernels of likeness, and a trend: larger networks are better or worse throughout.
    """
    place, content, use, shares, _ = prior.split(weights)
    count, first, second = parts.places.shape
    by_place = (place @ parts.places.reshape(count, -1)).reshape(-1, first, second)
    by_content = _distance(content, *parts.content)
    by_use = _distance(use, *parts.use)
    shares = shares[:, :, None, None]
    return (
        shares[:, 0] * (-by_place).exp()
        + shares[:, 1] * (-by_content).exp()
        + shares[:, 2] * (-by_use).exp()
        + TREND * parts.size[0][:, None] * parts.size[1]
    )


def variance(reader: Reader, some: Descriptions) -> Tensor:
    """The kernel between each architecture and itself, the same for all members, `(N,)`."""
    return 1 + TREND * reader.size(some).square()


def noise(prior: Prior, weights: Tensor, count: int) -> Tensor:
    """What is added to the kernel of every member, `(members, count, count)`."""
    *_, variance = prior.split(weights)
    return variance[:, :, None] * torch.eye(count, dtype=torch.float64)


def _distance(weight: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Weighed squared distances, `(members, N, M)`."""
    root = weight.sqrt()[:, None]
    one, other = root * first, root * second
    squares = one.square().sum(2)[:, :, None] + other.square().sum(2)[:, None]
    return (squares - 2 * one @ other.transpose(1, 2)).clamp(min=0)
