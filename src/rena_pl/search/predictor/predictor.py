"""A model of the reward: an ensemble of Gaussian processes that read what the policy reads.

Its members differ in how far they carry what was seen of one network over to others. The better a
member explains what was seen, the more its word counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import pi, sqrt

import torch
from torch import Tensor

from rena_pl.search.predictor.kernel import kernel, variance
from rena_pl.search.predictor.reader import Descriptions, Reader

NOISE = 0.07
"""The variance of what is not explained, where the kernel between equals is 1."""
BEST, WORST = 0.5, -2.0
"""Where the best reward lies on the scale of the model, whose 0 is the median; and the lowest."""
GROWTH = 0.5
"""By how much rewards are thought to grow with each deviation of size, without inheritance."""
LOSS, HEIRS = 1.0, 4
"""By how much an heir is thought to fall behind for every new layer, on the word of how many."""


class Predictor:
    """Predicts rewards, on a scale on which the median is 0 and the best `BEST`.

    Args:
        reader: Describes architectures.
    """

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    def fit(
        self,
        data: Descriptions,
        rewards: Sequence[float],
        attained: Sequence[bool] | None = None,
        usual_size: float = 0.0,
    ) -> None:
        """Take the rewards of some architectures for what is known.

        Args:
            data: The architectures.
            rewards: Of each.
            attained: Which of them are there to be surpassed; all when left out. Where none is,
                what is expected to be best is wanted.
            usual_size: The size that is thought to earn the median reward, if nothing is inherited.
        """
        self.data = data
        self.usual_size = usual_size
        self.targets = scaled(rewards)
        there = torch.tensor([True] * len(data) if attained is None else attained)
        self.best = self.targets[there].max() if there.any() else self.targets.min()
        self.loss = self._loss(data)
        between = kernel(self.reader, data, data)
        self.factor = torch.linalg.cholesky(between + NOISE * torch.eye(len(data)))
        unforeseen = (self.targets - self._foreseen(data)).expand(len(between), -1)
        self.known = self._halfway(unforeseen[:, :, None])
        self.weights = self._evidence().softmax(0)
        means = self._expected(data, self._halfway(between))[:, there]
        self.to_surpass = means.amax(1) if there.any() else self.best.expand(len(means))

    def _loss(self, data: Descriptions) -> Tensor:
        """How far heirs fell behind the best for every new layer, and were thought to."""
        behind = data.heir * (self.best - self.targets)
        fallen, layers = (data.new * behind).sum(), data.new.square().sum()
        return ((fallen + LOSS * HEIRS) / (layers + HEIRS)).clamp(min=0)

    def _evidence(self) -> Tensor:
        """How likely every member thought what was seen, `(M,)`: the logarithm, but for a constant.

        The marginal likelihood (Rasmussen and Williams, 2006, section 2.3) where the kernel is as
        much larger or smaller as suits the member best.
        """
        misses = self.known.square().sum((1, 2)).clamp(min=1e-12)
        spread = self.factor.diagonal(dim1=1, dim2=2).log().sum(1)
        evidence: Tensor = -len(self.targets) / 2 * misses.log() - spread
        return evidence

    def outlook(self, candidates: Descriptions) -> Outlook:
        """What is expected of some architectures."""
        halfway = self._halfway(kernel(self.reader, self.data, candidates))
        return Outlook(
            self.weights,
            lambda one: kernel(self.reader, candidates.rows([one]), candidates)[:, 0],
            self._expected(candidates, halfway),
            variance(candidates) - halfway.square().sum(1),
            halfway,
            self.to_surpass,
        )

    def _halfway(self, between: Tensor) -> Tensor:
        halfway: Tensor = torch.linalg.solve_triangular(self.factor, between, upper=False)
        return halfway

    def _expected(self, some: Descriptions, halfway: Tensor) -> Tensor:
        expected: Tensor = self._foreseen(some) + (halfway * self.known).sum(1)
        return expected

    def _foreseen(self, some: Descriptions) -> Tensor:
        """What is expected before anything like it is known, `(N,)`.

        Of an heir that it is as good as the best, less what heirs lost so far for every new layer:
        a short training leaves those behind of which much is new. Of others that large ones are
        better.
        """
        inherited = some.heir * self.best - self.loss * some.new
        return inherited + GROWTH * (some.size - self.usual_size) * (1 - some.heir)


@dataclass
class Outlook:
    """What every member expects of N candidates, and how surely; M members.

    Attributes:
        weights: How much each member's word counts, `(M,)`, 1 in all.
        prior: The kernel between one candidate and all of them, `(M, N)`.
        means: `(M, N)`.
        variances: `(M, N)`.
        halfway: What the variances were reduced by, `(M, data, N)`: its columns squared and summed.
        best: The best that is to be surpassed, `(M,)`: what each member thinks of what was seen in
            this search, which chance may have made look better, or what it believes in.
    """

    weights: Tensor
    prior: Callable[[int], Tensor]
    means: Tensor
    variances: Tensor
    halfway: Tensor
    best: Tensor

    @property
    def expected(self) -> Tensor:
        """What is expected of each, `(N,)`."""
        return self.weights @ self.means

    def expected_improvement(self) -> Tensor:
        """By how much each is expected to surpass the best, `(N,)`."""
        deviations = self.variances.clamp(min=1e-9).sqrt()
        ahead = (self.means - self.best[:, None]) / deviations
        density = (-ahead.square() / 2).exp() / sqrt(2 * pi)
        gain: Tensor = deviations * (ahead * torch.special.ndtr(ahead) + density)
        return self.weights @ gain

    def believe(self, one: int) -> None:
        """Take a candidate as if it had been seen, with the reward that each member expects of it.

        What is chosen next then lies elsewhere (Ginsbourger et al., 2010, kriging believer).
        """
        known: Tensor = (self.halfway[:, :, one, None] * self.halfway).sum(1)
        spread = (self.variances[:, one].clamp(min=0) + NOISE).sqrt()
        row = (self.prior(one) - known) / spread[:, None]
        self.variances = self.variances - row.square()
        self.halfway = torch.cat([self.halfway, row[:, None]], dim=1)
        self.best = torch.maximum(self.best, self.means[:, one])


def scaled(rewards: Sequence[float]) -> Tensor:
    """Rewards on the model's scale.

    The differences among good networks count, and what a few bad ones miss does not stretch it.
    """
    values = torch.tensor(rewards, dtype=torch.float64)
    above = values - values.median()
    half = above.max() if above.max() > 0 else -above.min()
    return (BEST * above / half.clamp(min=1e-9)).clamp(min=WORST)
