from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rena_pl.architecture import Architecture, Layer
from rena_pl.resources import NetworkResources
from rena_pl.search.policy.encoding import Encoder
from rena_pl.search.predictor.kernel import kernel, variance
from rena_pl.search.predictor.predictor import BEST, NOISE, WORST, Predictor, scaled
from rena_pl.search.predictor.reader import LARGEST, Reader
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


def fitted(reader: Reader, architectures, rewards, count: int) -> Predictor:
    predictor = Predictor(reader)
    predictor.fit(reader.read(architectures[:count], [1.0] * count), rewards[:count])
    return predictor


def test_what_was_not_seen_is_ranked_well(rows) -> None:
    reader, architectures, rewards = rows
    predictor = fitted(reader, architectures, rewards, 40)
    rest = reader.read(architectures[40:], [1.0] * len(architectures[40:]))
    means = predictor.outlook(rest).expected
    both = torch.stack([means, torch.tensor(rewards[40:])]).argsort().argsort()
    assert torch.corrcoef(both.double())[0, 1] > 0.8


def test_the_members_that_explain_more_count_more(rows) -> None:
    """Where every decision adds its part, little is lost by carrying much over."""
    reader, architectures, _rewards = rows
    described = reader.read(architectures, [1.0] * len(architectures))
    rng = torch.Generator().manual_seed(0)
    worth = torch.rand(int(described.places.max()) + 1, generator=rng, dtype=torch.float64)
    sums = worth[described.places].sum(1)
    anything = torch.rand(len(architectures), generator=rng)
    weights = []
    for rewards in (sums, anything):
        predictor = Predictor(reader)
        predictor.fit(described.rows(range(40)), rewards[:40].tolist())
        weights.append(predictor.weights)
        assert predictor.weights.sum() == pytest.approx(1)
    smooth, rough = (of_task[0] - of_task[-1] for of_task in weights)
    assert smooth > 0.3
    assert rough < smooth - 0.3


def test_the_best_of_what_chance_made_is_not_what_must_be_surpassed(rows) -> None:
    reader, architectures, rewards = rows
    predictor = fitted(reader, architectures, rewards, 40)
    outlook = predictor.outlook(reader.read(architectures[:40], [1.0] * 40))
    assert torch.equal(outlook.best, outlook.means.amax(1))
    assert (outlook.best < BEST).all()


def test_improvement_is_expected_on_the_word_of_those_that_count(rows) -> None:
    reader, architectures, rewards = rows
    predictor = fitted(reader, architectures, rewards, 40)
    outlook = predictor.outlook(reader.read(architectures[40:60], [1.0] * 20))
    gains = []
    for alone in torch.eye(len(predictor.weights)).double():
        outlook.weights = alone
        gains.append(outlook.expected_improvement())
    outlook.weights = predictor.weights
    expected = predictor.weights @ torch.stack(gains)
    assert torch.allclose(outlook.expected_improvement(), expected)
    assert not torch.allclose(expected, torch.stack(gains).mean(0))


def test_what_was_seen_is_surer_than_what_was_not(rows) -> None:
    reader, architectures, rewards = rows
    predictor = fitted(reader, architectures, rewards, 30)
    variances = predictor.outlook(reader.read(architectures[:90], [1.0] * 90)).variances.mean(0)
    assert variances[:30].max() < variances[30:].mean()


def test_more_training_is_told_apart_from_a_better_network(rows) -> None:
    """Of equal networks the one that was trained for longer got more, and all will again."""
    reader, architectures, _rewards = rows
    some = architectures[:20]
    trained = [1 + 3.0 * (number % 2) for number in range(20)]
    predictor = Predictor(reader)
    predictor.fit(reader.read(some, trained), [0.5 + 0.1 * (epochs > 1) for epochs in trained])
    short, long = (
        predictor.outlook(reader.read(architectures[20:40], [epochs] * 20)).expected
        for epochs in (1.0, 4.0)
    )
    assert (long > short + 0.1).all()


def test_heirs_that_had_much_changed_are_expected_to_lose_as_others_did() -> None:
    """The more of a network is new, the more a short training leaves it behind its parent."""
    space = synthetic.space()
    encoder = Encoder(
        space, synthetic.objective(), NetworkResources(synthetic.INPUT, synthetic.CLASSES)
    )
    rng = random.Random(0)
    parent = space.draw(rudimentary(space), rng)
    once, often = ([changed(space, parent, count, rng) for _ in range(20)] for count in (1, 4))
    reader = Reader(encoder, [*once, *often])
    heirs = reader.read([*once, *often], [1.0] * 40, [parent] * 40)
    new = heirs.new
    assert new[:20].max() <= 1 < new[20:].mean()
    assert (reader.read([parent], [1.0], [parent]).new == 0).all()
    assert (reader.read(once, [1.0] * 20).new == 0).all()

    predictor = Predictor(reader)
    seen = [*range(10), *range(20, 30)]
    predictor.fit(heirs.rows(seen), (0.9 - 0.1 * new[seen]).tolist())
    means = predictor.outlook(heirs).expected
    assert means[10:20].mean() > means[30:].mean() + 0.1


def changed(space, architecture, count: int, rng: random.Random):
    for _ in range(count):
        architecture = space.random_action(architecture, rng).apply(architecture)
    return architecture


def test_believing_is_what_seeing_the_prediction_would_be(rows) -> None:
    """The shortcut agrees with a Gaussian process that was given the believed value as data."""
    reader, architectures, rewards = rows
    predictor = fitted(reader, architectures, rewards, 20)
    some = reader.read(architectures[30:60], [1.0] * 30)
    outlook = predictor.outlook(some)
    before = outlook.variances.clone()
    outlook.believe(3)
    outlook.believe(7)

    data = reader.read([*architectures[:20], architectures[33], architectures[37]], [1.0] * 22)
    across = kernel(reader, data, some)
    varying = kernel(reader, data, data) + NOISE * torch.eye(22)
    expected = variance(some) - (across * torch.linalg.solve(varying, across)).sum(1)
    assert torch.allclose(outlook.variances, expected, atol=1e-8)
    assert (outlook.variances <= before + 1e-9).all()


def test_networks_of_different_depth_are_compared_from_both_ends() -> None:
    space = synthetic.space()
    resources = NetworkResources(synthetic.INPUT, synthetic.CLASSES)
    encoder = Encoder(space, synthetic.objective(), resources)
    rng = random.Random(0)
    near = [space.draw(rudimentary(space), rng) for _ in range(30)]
    reader = Reader(encoder, near)
    described = reader.read(near, [1.0] * 30)
    unlike = reader.unlikeness(described, described)
    assert described.places.shape == (30, 2 * space.max_layers)
    assert unlike.diagonal(dim1=1, dim2=2).abs().max() < 1e-12
    assert unlike.min() > -1e-12
    assert unlike.sum((1, 2)).tolist() == pytest.approx([30 * 29] * 3)
    assert described.size.mean() == pytest.approx(0, abs=0.1)
    assert 0.7 < described.size.std(correction=0) <= 1  # some are beyond `LARGEST`


def test_the_same_layers_in_another_order_are_more_alike_than_other_layers() -> None:
    space = synthetic.space()
    resources = NetworkResources(synthetic.INPUT, synthetic.CLASSES)
    encoder = Encoder(space, synthetic.objective(), resources)
    rng = random.Random(0)
    reader = Reader(encoder, [space.draw(rudimentary(space), rng) for _ in range(30)])
    deep, wide = (
        [temporal(channels, kernel, stride) for channels, kernel, stride in made]
        for made in ([(8, 9, 1), (16, 5, 2), (32, 3, 1)], [(32, 5, 2), (8, 3, 1), (16, 9, 2)])
    )
    networks = [chain(deep), chain(deep[::-1]), chain(wide)]
    read = reader.read(networks, [1.0] * 3)
    first, reversed_, others = reader.unlikeness(read, read).mean(0)
    assert first[0] == 0
    assert 0 < first[1] < first[2]
    assert reversed_[0] == first[1]
    assert others[0] == first[2]


def temporal(channels: int, kernel: int, stride: int):
    values = {"channels": channels, "kernel": kernel, "stride": stride}
    return {**values, "activation": "relu", "norm": "batch"}


def chain(layers):
    return Architecture(
        tuple(Layer.of("temporal", hyper, (at,)) for at, hyper in enumerate(layers))
    )


def test_a_network_with_more_weights_and_work_is_larger_whatever_its_maps_are() -> None:
    space = synthetic.space()
    resources = NetworkResources(synthetic.INPUT, synthetic.CLASSES)
    rng = random.Random(0)
    networks = [space.draw(rudimentary(space), rng) for _ in range(60)]
    reader = Reader(Encoder(space, synthetic.objective(), resources), networks)
    sizes = reader.read(networks, [1.0] * 60).size
    profiles = [resources.profile(network) for network in networks]
    with_smaller_maps = 0
    for one, size in zip(profiles, sizes, strict=True):
        for other, others_size in zip(profiles, sizes, strict=True):
            if one["params"] >= other["params"] and one["macs"] >= other["macs"]:
                assert size >= others_size
                with_smaller_maps += one["peak_memory"] < other["peak_memory"]
    assert with_smaller_maps


def test_no_trend_is_believed_in_far_beyond_the_usual_sizes() -> None:
    """Where all usual networks are of about one size, a much smaller one is only so far off."""
    space = synthetic.space()
    resources = NetworkResources(synthetic.INPUT, synthetic.CLASSES)
    encoder = Encoder(space, synthetic.objective(), resources)
    large = [chain([temporal(32, kernel, 1)] * 2) for kernel in (5, 9)]
    reader = Reader(encoder, large)
    read = reader.read([*large, chain([temporal(8, 3, 2)])], [1.0] * 3)
    assert read.size.abs().max() == LARGEST
    assert variance(read).max() < 2 + LARGEST**2


def test_of_two_that_nothing_is_known_of_the_larger_is_expected_to_be_better(rows) -> None:
    reader, architectures, rewards = rows
    described = reader.read(architectures, [1.0] * len(architectures))
    order = described.size.argsort().tolist()
    predictor = fitted(reader, architectures, rewards, 1)
    small, large = predictor.outlook(described.rows([order[0], order[-1]])).expected
    assert large > small


def test_where_larger_ones_alone_are_known_smaller_ones_are_expected_to_be_worse(rows) -> None:
    reader, architectures, rewards = rows
    described = reader.read(architectures, [1.0] * len(architectures))
    small, *others = described.size.argsort().tolist()
    large = others[-20:]
    predictor, usual = Predictor(reader), float(described.size[large].median())
    expected = []
    for size in (0.0, usual):
        predictor.fit(described.rows(large), [rewards[one] for one in large], usual_size=size)
        expected.append(float(predictor.outlook(described.rows([small])).expected))
    assert usual > 0.5
    assert expected[1] < min(0.0, expected[0])


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_the_scale_keeps_the_order_but_for_the_worst(values) -> None:
    targets = scaled(values)
    assert targets.median() == 0
    assert targets.max() <= BEST
    assert targets.min() >= WORST
    for one in range(len(values)):
        for other in range(len(values)):
            if values[one] < values[other]:
                assert targets[one] <= targets[other]


def test_a_failure_does_not_hide_the_differences_of_the_others() -> None:
    good = [0.90, 0.92, 0.93, 0.94]
    with_failure = scaled([0.0, 0.91, *good])
    assert with_failure[0] == WORST
    assert with_failure[-1] == BEST
    assert with_failure[-1] - with_failure[-2] > 0.1


def test_the_variance_is_the_kernel_with_itself(rows) -> None:
    reader, architectures, _rewards = rows
    some = reader.read(architectures[:9], list(range(1, 10)))
    on_diagonal = kernel(reader, some, some).diagonal(dim1=1, dim2=2)
    assert torch.allclose(on_diagonal, variance(some).expand_as(on_diagonal))
