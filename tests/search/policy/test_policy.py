from __future__ import annotations

import random

import pytest
import torch

from rena_pl.errors import RenaError
from rena_pl.layers import layer_types
from rena_pl.objective import Constraint, Objective
from rena_pl.resources import NetworkResources
from rena_pl.search.policy.embedding import RecurrentEmbedding
from rena_pl.search.policy.encoding import Encoder
from rena_pl.search.policy.episodes import Rules, episode_generator, walk
from rena_pl.search.policy.policy import Draw, Policy, PolicySize
from rena_pl.space import Insert, Remove, Scale, SearchSpace
from rena_pl.space.search_space import second_sources
from rena_pl.space.starts import rudimentary

INPUT, CLASSES = (1, 6, 9), 3


def profile_of(architecture):
    return NetworkResources(INPUT, CLASSES).profile(architecture)


@pytest.fixture
def encoder(small_space: SearchSpace) -> Encoder:
    objective = Objective([Constraint("params", max=1000), Constraint("intensity", min=2)])
    return Encoder(small_space, objective, NetworkResources(INPUT, CLASSES))


@pytest.fixture(params=["lstm", "transformer"])
def policy(encoder: Encoder, request: pytest.FixtureRequest) -> Policy:
    torch.manual_seed(0)
    return Policy(encoder, PolicySize(8, 10, network=request.param))


def random_architectures(space: SearchSpace, count: int) -> list:
    rng = random.Random(3)
    architectures = [rudimentary(space)]
    while len(architectures) < count:
        architectures.append(space.random_action(architectures[-1], rng).apply(architectures[-1]))
    return architectures


def test_the_policy_only_takes_legal_actions(encoder: Encoder, policy: Policy) -> None:
    architectures = random_architectures(encoder.space, 200)
    states = encoder.encode(architectures)
    draw = Draw([torch.Generator().manual_seed(n) for n in range(len(architectures))])
    kinds = set()
    for architecture, row in zip(
        architectures, policy(states, draw=draw).decisions.tolist(), strict=True
    ):
        action = encoder.action(row)
        kinds.add(type(action))
        if isinstance(action, Scale):
            assert action in set(encoder.space.scale_actions(architecture))
        elif isinstance(action, Remove):
            assert action in set(encoder.space.remove_actions(architecture))
        else:
            site = (action.reader, action.slot, action.kind)
            assert site in set(encoder.space.insert_sites(architecture))
            assert {name for name, _ in action.hyper} == set(encoder.space.choices[action.kind])
            seconds = set(second_sources(architecture, action.reader, action.slot))
            assert (action.second in seconds) if action.kind == "add" else action.second is None
        encoder.space.check(action.apply(architecture), INPUT)
    assert kinds == {Scale, Insert, Remove}


def test_scoring_again_gives_the_probabilities_of_sampling(
    encoder: Encoder, policy: Policy
) -> None:
    architectures = random_architectures(encoder.space, 30)
    states = encoder.encode(architectures)
    sampled = policy(states, draw=Draw([torch.Generator().manual_seed(n) for n in range(30)]))
    scored = policy(states, decisions=sampled.decisions)
    assert torch.equal(sampled.decisions, scored.decisions)
    assert torch.allclose(sampled.log_prob, scored.log_prob)
    assert (scored.log_prob < 0).all()
    assert (scored.entropy > 0).all()


def test_the_probabilities_of_all_actions_of_a_state_sum_to_one(
    encoder: Encoder, policy: Policy
) -> None:
    """Enumerates every action of one state and adds up what the policy gives them."""
    architecture = random_architectures(encoder.space, 4)[-1]
    state = encoder.encode([architecture])
    total = 0.0
    for decisions in all_decisions(encoder, architecture, state):
        total += policy(state, decisions=torch.tensor([decisions])).log_prob.exp().item()
    assert total == pytest.approx(1, abs=1e-4)


def all_decisions(encoder: Encoder, architecture, state):
    import itertools

    vocabulary = len(encoder.space.vocabulary)
    idle = [0] * encoder.hyper_steps
    for index, place in state.scales_open[0].nonzero().tolist():
        yield [0, index * vocabulary + place, 0, 0, 0, 0, *idle]
    for (index,) in state.removals_open[0].nonzero().tolist():
        yield [2, 0, index, 0, 0, 0, *idle]
    for reader, slot, kind in encoder.space.insert_sites(architecture):
        hyper = encoder.space.choices[kind]
        places = [[encoder.place[kind, name, v] for v in values] for name, values in hyper.items()]
        for chosen in itertools.product(*places):
            padded = [*chosen, *idle][: encoder.hyper_steps]
            seconds = list(second_sources(architecture, reader, slot)) if kind == "add" else [0]
            for second in seconds:
                yield [1, 0, 0, 2 * reader + slot, encoder.kinds.index(kind), second, *padded]


def test_every_parameter_takes_part_in_every_batch(encoder: Encoder, policy: Policy) -> None:
    """DDP would hang on a parameter without a gradient."""
    architectures = random_architectures(encoder.space, 2)
    states = encoder.encode(architectures)
    decisions = torch.zeros(2, 6 + encoder.hyper_steps, dtype=torch.long)
    policy(states, decisions=decisions).log_prob.sum().backward()
    assert all(parameter.grad is not None for parameter in policy.parameters())


def test_padding_does_not_change_an_embedding(encoder: Encoder, policy: Policy) -> None:
    architectures = random_architectures(encoder.space, 20)
    together = encoder.encode(architectures)
    network, _ = policy.embed(together)
    for row, architecture in enumerate(architectures):
        alone, _ = policy.embed(encoder.encode([architecture]))
        assert torch.allclose(network[row], alone[0], atol=1e-6)


def test_the_policy_sees_how_full_the_bounds_are(encoder: Encoder) -> None:
    (architecture,) = random_architectures(encoder.space, 1)
    usage = encoder.encode([architecture]).usage[0].view(-1, 4)
    assert usage[0, 0] == 1  # an upper bound on params, and how full it is
    expected = torch.tensor(profile_of(architecture)["params"] / 1000).log()
    assert usage[0, 1] == pytest.approx(expected.item(), abs=1e-5)
    assert usage[5, 2] == 1  # a lower bound on intensity
    assert usage.count_nonzero() == 4


def test_a_value_outside_the_choices_is_read_as_the_nearest(encoder: Encoder) -> None:
    start = rudimentary(encoder.space)
    odd = Scale(0, "channels", 15).apply(start)
    even = Scale(0, "channels", 16).apply(start)
    rows = encoder.encode([odd, even]).values
    assert torch.equal(rows[0], rows[1])


def test_walks_are_the_same_for_the_same_generators(encoder: Encoder, policy: Policy) -> None:
    start = rudimentary(encoder.space)

    def walked(numbers):
        generators = [episode_generator(7, 3, number) for number in numbers]
        starts = [start] * len(generators)
        return walk(policy, encoder, starts, 3, generators).architectures

    both = walked([0, 1])
    assert both == walked([0, 1])
    assert [step[1] for step in both] == [step[0] for step in walked([1])]
    assert both != walked([2, 3])


def test_actions_whose_children_may_not_be_trained_are_drawn_anew(
    encoder: Encoder, policy: Policy
) -> None:
    start = rudimentary(encoder.space)

    def walked(draws: int, numbers=range(20)):
        generators = [episode_generator(1, 0, number) for number in numbers]
        starts = [start] * len(generators)
        rules = Rules(may_train=small, draws=draws)
        return walk(policy, encoder, starts, 3, generators, rules).architectures

    def small(architecture) -> bool:
        return profile_of(architecture)["params"] <= 1000

    def broken(steps) -> int:
        return sum(not small(child) for step in steps for child in step)

    assert broken(walked(1)) > 4
    assert broken(walked(20)) == 0
    assert [step[3] for step in walked(20)] == [step[0] for step in walked(20, [3])]


def test_an_embedding_depends_on_what_is_read(policy: Policy, encoder: Encoder) -> None:
    """Two networks of the same layers, one of which adds the input and one the first layer."""
    space = SearchSpace({"conv2d": {"channels": [4]}, "add": {}}, max_layers=4)
    branched = Encoder(space, Objective(), NetworkResources(INPUT, CLASSES))
    torch.manual_seed(0)
    sees = Policy(branched, PolicySize(8, 10, network=policy_network(policy)))
    chain = Insert(1, "conv2d", rudimentary(space).layers[0].hyper).apply(rudimentary(space))
    add = layer_types()["add"]().as_layer().hyper
    both = [Insert(2, "add", add, second=second).apply(chain) for second in (0, 1)]
    network, _ = sees.embed(branched.encode(both))
    assert not torch.allclose(network[0], network[1], atol=1e-4)


def policy_network(policy: Policy) -> str:
    return "lstm" if isinstance(policy.network, RecurrentEmbedding) else "transformer"


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(RenaError, match="3 heads do not divide a width of 20"):
        PolicySize(8, 10, network="transformer", heads=3)


def test_a_policy_that_has_diverged_is_said_to_have() -> None:
    draw = Draw([torch.Generator().manual_seed(0)])
    assert draw(torch.tensor([[-torch.inf, 0.0]])).tolist() == [1]
    with pytest.raises(RenaError, match="the policy has diverged; give a smaller"):
        draw(torch.tensor([[torch.nan, 0.0]]))
