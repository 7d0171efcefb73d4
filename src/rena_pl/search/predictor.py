"""A model of the reward: an ensemble of Gaussian processes that read what the policy reads.

Two networks are alike if their layers are alike place by place, if they hold the same layers
wherever these stand, and if they need the same resources; besides, the reward may rise or fall with
a network's size throughout. Every member weighs the three, and what makes them up, in its own way;
the weights follow the data by Markov chains (Neal, 1997), of which the likelier half goes on in
place of the others every time that there are enough new data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import pi, sqrt

import torch
from torch import Tensor

from rena_pl.search.kernel import Parts, Prior, kernel, noise, parts_of, variance
from rena_pl.search.reader import Descriptions, Reader

MOST = 300
"""As many evaluations are taken in at most: a Gaussian process takes their number cubed."""


def _moments() -> Iterator[int]:
    count = 2
    while count <= MOST:
        yield count
        count += max(1, count // 8)


MOMENTS = tuple(_moments())
"""Numbers of data at which the members' weights move."""


class Predictor:
    """Predicts rewards, as ranks among those seen: on a normal scale, 0 the middle.

    Args:
        reader: Describes architectures.
        seed: Of the members.
        members: How many there are.
        moves: Steps of each chain, every time that there are enough new data.
    """

    def __init__(self, reader: Reader, seed: int, members: int = 12, moves: int = 6) -> None:
        self.reader = reader
        self.members = members
        self.moves = moves
        self.generator = torch.Generator().manual_seed(seed)
        self.prior = Prior(reader)
        self.weights = self.prior.draw(members, self.generator)
        self.weighed = 0
        """On how many data the weights were last moved."""

    def weigh(self, data: Descriptions, rewards: Sequence[float]) -> None:
        """Move the weights as far as the data go.

        They move at fixed numbers of data, on just so many, so that they are the same whether the
        data came one by one or at once.

        Args:
            data: The first that were seen, at most `MOST`, in their order.
            rewards: Of each.
        """
        values = torch.tensor(rewards, dtype=torch.float64)
        for count in MOMENTS:
            if self.weighed < count <= len(data):
                self._move(data.rows(range(count)), normal_ranks(values[:count]))
                self.weighed = count

    def fit(self, data: Descriptions, ranks: Tensor) -> None:
        """Take data for what is known, each with its rank on a normal scale."""
        self.data, self.targets = data, ranks
        self.factor = self._factor(self.weights, parts_of(self.reader, data, data))

    def outlook(self, candidates: Descriptions) -> Outlook:
        """What is expected of some architectures."""

        def between(some: Descriptions) -> Tensor:
            return kernel(self.prior, self.weights, parts_of(self.reader, some, candidates))

        halfway = torch.linalg.solve_triangular(self.factor, between(self.data), upper=False)
        known = _whitened(self.factor, self.targets)
        *_, unexplained = self.prior.split(self.weights)
        return Outlook(
            lambda one: between(candidates.rows([one]))[:, 0],
            (halfway * known).sum(1),
            variance(self.reader, candidates) - halfway.square().sum(1),
            halfway,
            unexplained[:, 0],
            self.targets.max().expand(self.members),
        )

    def _move(self, data: Descriptions, targets: Tensor) -> None:
        parts = parts_of(self.reader, data, data)
        now = self._likelihood(self.weights, parts, targets)
        for _ in range(self.moves):
            reach = torch.where(
                torch.rand(self.members, 1, generator=self.generator) < 0.7, 0.4, 0.9
            )
            proposed = self.prior.step(self.weights, reach, self.generator)
            likelihood = self._likelihood(proposed, parts, targets)
            chance = torch.rand(self.members, generator=self.generator).log()
            accepted = chance < likelihood - now
            self.weights = torch.where(accepted[:, None], proposed, self.weights)
            now = torch.where(accepted, likelihood, now)
        drawn = torch.multinomial(
            (now - now.max()).exp(), self.members, replacement=True, generator=self.generator
        )
        half = torch.arange(self.members) < self.members // 2
        self.weights = self.weights[torch.where(half, drawn, torch.arange(self.members))]

    def _likelihood(self, weights: Tensor, parts: Parts, targets: Tensor) -> Tensor:
        """Log-likelihood of the targets by every member, `(M,)`, up to a constant."""
        factor = self._factor(weights, parts)
        misfit: Tensor = _whitened(factor, targets).square().sum((1, 2)) / 2
        determinant: Tensor = factor.diagonal(dim1=1, dim2=2).log().sum(1)
        return -misfit - determinant

    def _factor(self, weights: Tensor, parts: Parts) -> Tensor:
        """The Cholesky factor of what every member expects of data to vary, `(M, N, N)`."""
        expected = kernel(self.prior, weights, parts)
        varying = expected + noise(self.prior, weights, expected.shape[-1])
        factor: Tensor = torch.linalg.cholesky(varying)
        return factor


@dataclass
class Outlook:
    """What every member expects of N candidates, and how surely; M members.

    Attributes:
        prior: The kernel between one candidate and all of them, `(M, N)`.
        means: `(M, N)`.
        variances: `(M, N)`.
        halfway: What the variances were reduced by, `(M, data, N)`: its columns squared and summed.
        noise: `(M,)`.
        best: The best that was seen, or is believed in, `(M,)`.
    """

    prior: Callable[[int], Tensor]
    means: Tensor
    variances: Tensor
    halfway: Tensor
    noise: Tensor
    best: Tensor

    def expected_improvement(self) -> Tensor:
        """By how much each is expected to surpass the best, `(N,)`; the mean of the members'."""
        deviations = self.variances.clamp(min=1e-9).sqrt()
        ahead = (self.means - self.best[:, None]) / deviations
        density = (-ahead.square() / 2).exp() / sqrt(2 * pi)
        gain: Tensor = deviations * (ahead * torch.special.ndtr(ahead) + density)
        return gain.mean(0)

    def believe(self, one: int) -> None:
        """Take a candidate as if it had been seen, with the reward that each member expects of it.

        What is chosen next then lies elsewhere (Ginsbourger et al., 2010, kriging believer).
        """
        known: Tensor = (self.halfway[:, :, one, None] * self.halfway).sum(1)
        spread = (self.variances[:, one].clamp(min=0) + self.noise).sqrt()
        row = (self.prior(one) - known) / spread[:, None]
        self.variances = self.variances - row.square()
        self.halfway = torch.cat([self.halfway, row[:, None]], dim=1)
        self.best = torch.maximum(self.best, self.means[:, one])


def _whitened(factor: Tensor, targets: Tensor) -> Tensor:
    """The targets as each member sees them, without what they have in common, `(M, N, 1)`."""
    columns = targets[:, None].expand(len(factor), -1, 1)
    whitened: Tensor = torch.linalg.solve_triangular(factor, columns, upper=False)
    return whitened


def normal_ranks(values: Tensor) -> Tensor:
    """Values as normal quantiles of their ranks, equal ones alike; their mean is 0."""
    _, place, counts = torch.unique(values, return_inverse=True, return_counts=True)
    middle = counts.cumsum(0).double() - (counts + 1) / 2  # mean rank, from 0, of equal values
    ranks: Tensor = torch.special.ndtri((middle[place] + 0.5) / len(values))
    return ranks - ranks.mean()
