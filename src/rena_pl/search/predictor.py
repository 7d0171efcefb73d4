"""A model of the reward: an ensemble of Gaussian processes that read what the policy reads.

Two networks are alike if their layers are alike place by place, if they hold the same layers
wherever these stand, and if they need the same resources. Every member weighs the three, and what
makes them up, in its own way; the weights follow the data by Markov chains (Neal, 1997), so that
members agree where the data decide and differ where they do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import log, pi, sqrt

import torch
from torch import Tensor

from rena_pl.architecture import Architecture, Layer
from rena_pl.search.encoding import Encoder

KERNELS = 3
CONTENT, RESOURCE = 0.15, 0.3
"""What a difference of one deviation weighs at first."""
NOISE = 0.05
SPREAD = 0.7
"""Of the weights of parts around their common one, in the logarithm."""
MOST = 300
"""As many evaluations are taken in at most: a Gaussian process takes their number cubed."""


def _moments() -> Iterator[int]:
    count = 2
    while count <= MOST:
        yield count
        count += max(1, count // 8)


MOMENTS = tuple(_moments())
"""Numbers of data at which the members' weights move."""


class Reader:
    """Architectures as the predictor compares them, from the encoding that the policy reads.

    Args:
        encoder: Knows the layers' places in the vocabulary.
        reference: Architectures whose differences show what is much and what is little.
    """

    def __init__(self, encoder: Encoder, reference: Sequence[Architecture]) -> None:
        self.encoder = encoder
        self.longest = encoder.space.max_layers
        width = len(encoder.kinds) + len(encoder.space.vocabulary) + 1
        self.numbers: dict[Layer, int] = {}
        absent = torch.zeros(width, dtype=torch.float64)
        absent[-1] = 1
        self.rows = [absent]
        self.table = absent[None]
        self.means = self._use(reference).mean(0).clamp(min=1e-9)
        seen = self.read(reference, [0.0] * len(reference))
        self.content_scale, self.use_scale = _deviations(seen.content), _deviations(seen.use)
        self.use_scale[-1] = 1.0

    def read(self, architectures: Sequence[Architecture], trained: Sequence[float]) -> Descriptions:
        """Describe some architectures.

        Args:
            architectures: What is compared.
            trained: Child-epochs that each has had when it is measured, its ancestors' included.
        """
        places = torch.tensor([self._places(architecture) for architecture in architectures])
        self.table = torch.stack(self.rows)
        rows = self.table[places[:, : self.longest]]
        content = (rows / rows.sum(2, keepdim=True).sqrt()).sum(1)[:, :-1]
        use = (self._use(architectures) / self.means + 1e-3).log()
        epochs = torch.tensor(trained, dtype=torch.float64)[:, None].log1p()
        return Descriptions(places, content, torch.cat([use, epochs], dim=1))

    def size(self, architecture: Architecture) -> float:
        """How much it needs of everything, in deviations above the usual."""
        use = (self._use([architecture]) / self.means + 1e-3).log()
        return float((use / self.use_scale[:-1]).sum()) / max(1, use.shape[1])

    def unlikeness(self, first: Descriptions, second: Descriptions) -> Tensor:
        """How much the layers differ at each place, `(places, first, second)`, from 0 to 1."""
        rows, row_of = torch.unique(first.places, return_inverse=True)
        columns, column_of = torch.unique(second.places, return_inverse=True)
        one, other = self.table[rows], self.table[columns]
        # Whole numbers until the end: what a product comes to must not depend on its size.
        shared = one @ other.T
        alike = shared / (one.sum(1)[:, None] * other.sum(1)).sqrt()
        return torch.stack(
            [
                1 - alike[one_of][:, other_of]
                for one_of, other_of in zip(row_of.T, column_of.T, strict=True)
            ]
        )

    def _use(self, architectures: Sequence[Architecture]) -> Tensor:
        profiles = [self.encoder.resources.profile(architecture) for architecture in architectures]
        return torch.tensor([[*profile.values()] for profile in profiles], dtype=torch.float64)

    def _places(self, architecture: Architecture) -> list[int]:
        """Numbers of the layers counted from the input, and if lengths vary from the output too."""
        numbers = [self._number(layer.reading()) for layer in architecture.layers]
        padding = [0] * (self.longest - len(numbers))
        forth = numbers + padding
        if self.encoder.space.min_layers == self.longest:
            return forth
        return forth + numbers[::-1] + padding

    def _number(self, layer: Layer) -> int:
        number = self.numbers.get(layer)
        if number is None:
            row = torch.zeros_like(self.rows[0])
            row[self.encoder.kinds.index(layer.kind)] = 1
            for place in self.encoder.places(layer):
                row[len(self.encoder.kinds) + place] = 1
            number = self.numbers[layer] = len(self.rows)
            self.rows.append(row)
        return number


@dataclass(frozen=True)
class Descriptions:
    """Some architectures; N of them.

    Attributes:
        places: Number of the layer at each place, `(N, places)`.
        content: How much there is of everything, `(N, values)`.
        use: Logarithms of the resources and of the training, `(N, entries + 1)`.
    """

    places: Tensor
    content: Tensor
    use: Tensor

    def __len__(self) -> int:
        return len(self.places)

    def rows(self, numbers: Sequence[int]) -> Descriptions:
        """Some of them."""
        chosen = list(numbers)
        return Descriptions(self.places[chosen], self.content[chosen], self.use[chosen])


@dataclass(frozen=True)
class Weights:
    """What the members weigh how, all in logarithms; M members.

    Attributes:
        place: Of each place, `(M, places)`.
        content: Of each value, `(M, values)`.
        use: Of each resource, `(M, entries + 1)`.
        shares: Of the three kernels, `(M, 3)`.
        noise: Variance of what is not explained, `(M, 1)`.
    """

    place: Tensor
    content: Tensor
    use: Tensor
    shares: Tensor
    noise: Tensor

    @classmethod
    def means(cls, like: Descriptions) -> Weights:
        """What the data have to argue against."""
        places = like.places.shape[1]
        return cls(
            torch.full((1, places), log(4 / places)),
            torch.full((1, like.content.shape[1]), log(CONTENT)),
            torch.full((1, like.use.shape[1]), log(RESOURCE)),
            torch.zeros(1, KERNELS),
            torch.full((1, 1), log(NOISE)),
        )

    def drawn(self, members: int, generator: torch.Generator) -> Weights:
        """Some around these."""

        def around(mean: Tensor, common: float, own: float) -> Tensor:
            shared = torch.randn(members, 1, generator=generator)
            single = torch.randn(members, mean.shape[1], generator=generator)
            return mean + common * shared + own * single

        return Weights(
            around(self.place, 0.6, SPREAD),
            around(self.content, 0.6, SPREAD),
            around(self.use, 0.6, SPREAD),
            around(self.shares, 0.0, 1.0),
            around(self.noise, 1.0, 0.0),
        )

    def moved(self, fresh: Weights, means: Weights, reach: Tensor) -> Weights:
        """A step towards fresh draws that leaves the prior as it is (arXiv 1202.0709)."""
        kept = (1 - reach**2).sqrt()

        def step(now: Tensor, drawn: Tensor, mean: Tensor) -> Tensor:
            return mean + kept * (now - mean) + reach * (drawn - mean)

        return Weights(
            *(
                step(getattr(self, name), getattr(fresh, name), getattr(means, name))
                for name in FIELDS
            )
        )

    def where(self, accepted: Tensor, other: Weights) -> Weights:
        """These where `accepted`, `(M,)`, else the other ones."""
        return Weights(
            *(
                torch.where(accepted[:, None], getattr(self, name), getattr(other, name))
                for name in FIELDS
            )
        )

    def rows(self, numbers: Tensor) -> Weights:
        """Those of some members."""
        return Weights(*(getattr(self, name)[numbers] for name in FIELDS))


FIELDS = ("place", "content", "use", "shares", "noise")


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
        self.weights: Weights | None = None
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
        assert self.weights is not None
        self.data, self.targets = data, ranks
        kernel = self._kernel(self.weights, data, data) + self._noise(self.weights, len(data))
        self.factor = torch.linalg.cholesky(kernel)

    def outlook(self, candidates: Descriptions) -> Outlook:
        """What is expected of some architectures."""
        weights = self.weights
        assert weights is not None
        across = self._kernel(weights, self.data, candidates)
        halfway = torch.linalg.solve_triangular(self.factor, across, upper=False)
        known = _whitened(self.factor, self.targets)
        return Outlook(
            lambda one: self._kernel(weights, candidates.rows([one]), candidates)[:, 0],
            (halfway * known).sum(1),
            1 - halfway.square().sum(1),
            halfway,
            weights.noise.double().exp()[:, 0],
            self.targets.max().expand(self.members),
        )

    def _move(self, data: Descriptions, targets: Tensor) -> None:
        prior = Weights.means(data)
        if self.weights is None:
            self.weights = prior.drawn(self.members, self.generator)
        parts = self._parts(data, data)
        now = self._likelihood(self.weights, parts, targets)
        for _ in range(self.moves):
            reach = torch.where(
                torch.rand(self.members, 1, generator=self.generator) < 0.7, 0.4, 0.9
            )
            fresh = prior.drawn(self.members, self.generator)
            proposed = self.weights.moved(fresh, prior, reach)
            likelihood = self._likelihood(proposed, parts, targets)
            chance = torch.rand(self.members, generator=self.generator).log()
            accepted = chance < likelihood - now
            self.weights = proposed.where(accepted, self.weights)
            now = torch.where(accepted, likelihood, now)
        drawn = torch.multinomial(
            (now - now.max()).exp(), self.members, replacement=True, generator=self.generator
        )
        half = torch.arange(self.members) < self.members // 2
        self.weights = self.weights.rows(torch.where(half, drawn, torch.arange(self.members)))

    def _likelihood(self, weights: Weights, parts: Parts, targets: Tensor) -> Tensor:
        """Log-likelihood of the targets by every member, `(M,)`, up to a constant."""
        kernel = _weighed(weights, parts) + self._noise(weights, len(targets))
        factor = torch.linalg.cholesky(kernel)
        misfit: Tensor = _whitened(factor, targets).square().sum((1, 2)) / 2
        determinant: Tensor = factor.diagonal(dim1=1, dim2=2).log().sum(1)
        return -misfit - determinant

    def _noise(self, weights: Weights, count: int) -> Tensor:
        return weights.noise.double().exp()[:, :, None] * torch.eye(count, dtype=torch.float64)

    def _kernel(self, weights: Weights, first: Descriptions, second: Descriptions) -> Tensor:
        return _weighed(weights, self._parts(first, second))

    def _parts(self, first: Descriptions, second: Descriptions) -> Parts:
        places = self.reader.unlikeness(first, second)
        content, use = self.reader.content_scale, self.reader.use_scale
        return Parts(
            places, (first.content / content, second.content / content),
            (first.use / use, second.use / use),
        )  # fmt: skip


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


@dataclass(frozen=True)
class Parts:
    """What kernels between two sets of architectures are made of.

    Attributes:
        places: Unlikeness by place, `(places, N, M)`.
        content: Content of both, in deviations.
        use: Resources of both, in deviations.
    """

    places: Tensor
    content: tuple[Tensor, Tensor]
    use: tuple[Tensor, Tensor]


def _weighed(weights: Weights, parts: Parts) -> Tensor:
    """The kernel of every member, `(members, N, M)`."""
    place = weights.place.double().exp()
    count, first, second = parts.places.shape
    by_place = (place @ parts.places.reshape(count, -1)).reshape(-1, first, second)
    by_content = _distance(weights.content, *parts.content)
    by_use = _distance(weights.use, *parts.use)
    shares = weights.shares.double().softmax(1)[:, :, None, None]
    return (
        shares[:, 0] * (-by_place).exp()
        + shares[:, 1] * (-by_content).exp()
        + shares[:, 2] * (-by_use).exp()
    )


def _distance(weight: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Weighed squared distances, `(members, N, M)`."""
    root = (weight.double() / 2).exp()[:, None]
    one, other = root * first, root * second
    squares = one.square().sum(2)[:, :, None] + other.square().sum(2)[:, None]
    return (squares - 2 * one @ other.transpose(1, 2)).clamp(min=0)


def _deviations(values: Tensor) -> Tensor:
    """The deviation of every column; 1 for what is always the same."""
    deviation = values.std(0, correction=0)
    return torch.where(deviation > 1e-9, deviation, 1.0)


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
