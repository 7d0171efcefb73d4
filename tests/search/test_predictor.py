from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rena_pl.resources import NetworkResources
from rena_pl.search.encoding import Encoder
from rena_pl.search.kernel import kernel, noise, parts_of, variance
from rena_pl.search.predictor import Predictor, normal_ranks
from rena_pl.search.reader import Reader
from rena_pl.space.starts import rudimentary
from tests import tables
from tests.search import synthetic


@pytest.fixture
def rows(tmp_path: Path):
    """Some rows of a table with their accuracies, and what reads them."""
    made, ground = tables.ground(tmp_path)
    architectures = made.architectures()
    random.Random(0).shuffle(architectures)
    reader = Reader(Encoder(ground.space, ground.objective, ground.resources), architectures[:50])
    seen = [tables.answer(made, ground, tables.Proposal(a), n) for n, a in enumerate(architectures)]
    return reader, architectures, [evaluation.reward for evaluation in seen]


def fitted(reader: Reader, architectures, rewards, count: int, seed: int = 0) -> Predictor:
    predictor = Predictor(reader, seed)
    taken_in(predictor, architectures, rewards, count)
    return predictor


def taken_in(predictor: Predictor, architectures, rewards, count: int) -> None:
    data = predictor.reader.read(architectures[:count], [1.0] * count)
    predictor.weigh(data, rewards[:count])
    predictor.fit(data, normal_ranks(torch.tensor(rewards[:count]).double()))


def test_what_was_not_seen_is_ranked_well(rows) -> None:
    reader, architectures, rewards = rows
    predictor = fitted(reader, architectures, rewards, 40)
    rest = reader.read(architectures[40:], [1.0] * len(architectures[40:]))
    means = predictor.outlook(rest).means.mean(0)
    both = torch.stack([normal_ranks(means), normal_ranks(torch.tensor(rewards[40:]).double())])
    assert torch.corrcoef(both)[0, 1] > 0.8


def test_what_was_seen_is_surer_than_what_was_not(rows) -> None:
    reader, architectures, rewards = rows
    predictor = fitted(reader, architectures, rewards, 30)
    variances = predictor.outlook(reader.read(architectures[:90], [1.0] * 90)).variances.mean(0)
    assert variances[:30].max() < variances[30:].mean()


def test_one_by_one_or_at_once_is_the_same(rows) -> None:
    reader, architectures, rewards = rows
    at_once = fitted(reader, architectures, rewards, 25)
    one_by_one = Predictor(reader, 0)
    for count in range(2, 26):
        taken_in(one_by_one, architectures, rewards, count)
    some = reader.read(architectures[30:60], [1.0] * 30)
    assert torch.equal(at_once.outlook(some).means, one_by_one.outlook(some).means)


def test_believing_is_what_seeing_the_prediction_would_be(rows) -> None:
    """The shortcut agrees with a Gaussian process that was given the believed value as data."""
    reader, architectures, rewards = rows
    predictor = fitted(reader, architectures, rewards, 20)
    some = reader.read(architectures[30:60], [1.0] * 30)
    outlook = predictor.outlook(some)
    before = outlook.variances.clone()
    outlook.believe(3)
    outlook.believe(7)

    def between(one, other):  # the definition, without the shortcut
        return kernel(predictor.prior, predictor.weights, parts_of(reader, one, other))

    data = type(some)(
        torch.cat([predictor.data.places, some.places[[3, 7]]]),
        torch.cat([predictor.data.content, some.content[[3, 7]]]),
        torch.cat([predictor.data.use, some.use[[3, 7]]]),
    )
    across = between(data, some)
    varying = between(data, data) + noise(predictor.prior, predictor.weights, 22)
    solved = torch.linalg.solve(varying, across)
    expected = variance(reader, some) - (across * solved).sum(1)
    assert torch.allclose(outlook.variances, expected, atol=1e-8)
    assert (outlook.variances <= before + 1e-9).all()


def test_networks_of_different_depth_are_compared_from_both_ends() -> None:
    space = synthetic.space()
    resources = NetworkResources(synthetic.INPUT, synthetic.CLASSES)
    encoder = Encoder(space, synthetic.objective(), resources)
    rng = random.Random(0)
    near = [space.draw(rudimentary(space), rng) for _ in range(30)]
    reader = Reader(encoder, near)
    described = reader.read(near, [0.0] * 30)
    unlike = reader.unlikeness(described, described)
    assert unlike.shape == (2 * space.max_layers, 30, 30)
    assert unlike.diagonal(dim1=1, dim2=2).abs().max() < 1e-12
    assert unlike.min() > -1e-12
    assert unlike.max() <= 1 + 1e-12


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40))
def test_ranks_keep_the_order_and_nothing_else(values) -> None:
    ranks = normal_ranks(torch.tensor(values, dtype=torch.float64))
    assert abs(ranks.mean()) < 1e-9
    for one in range(len(values)):
        for other in range(len(values)):
            assert (values[one] < values[other]) == bool(ranks[one] < ranks[other] - 1e-12)


def test_the_variance_is_the_kernel_with_itself(rows) -> None:
    reader, architectures, _rewards = rows
    some = reader.read(architectures[:9], [1.0] * 9)
    predictor = Predictor(reader, 0)
    itself = kernel(predictor.prior, predictor.weights, parts_of(reader, some, some))
    on_diagonal = itself.diagonal(dim1=1, dim2=2)
    assert torch.allclose(on_diagonal, variance(reader, some).expand_as(on_diagonal))
