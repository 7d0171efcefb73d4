"""RENA with a model of the reward."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest
import torch

from rena_pl.architecture import Architecture
from rena_pl.errors import RenaError
from rena_pl.evaluation.evaluation import Candidate, Evaluation
from rena_pl.evaluation.evaluator import Scored
from rena_pl.layers.registry import layer_type
from rena_pl.objective import Constraint, Objective
from rena_pl.search.budget import Budget
from rena_pl.search.compare import best_of_table
from rena_pl.search.controller import Controller
from rena_pl.search.prepare import ground_of
from rena_pl.search.searchers.rena import Imagination, Rena, crossed
from rena_pl.search.searchers.searcher import Ground
from rena_pl.search.searchers.uniform import RandomSearch
from rena_pl.space import SearchSpace
from rena_pl.space.starts import rudimentary
from tests import tables
from tests.search import synthetic


def trainings_to_top(make, folder: Path, seed: int) -> int:
    made, ground = tables.ground(folder, seed)
    top = best_of_table(made, ground.objective)
    asked = make(ground)
    for number in range(100):
        (proposal,) = asked.ask(1)
        if proposal.architecture in top:
            return number + 1
        asked.tell([tables.answer(made, ground, proposal, number)])
    return 200


def test_it_needs_far_fewer_trainings_than_chance(tmp_path: Path) -> None:
    lean = Imagination(updates=0, warm_up=0, candidates=200)
    rena = [
        trainings_to_top(lambda g: Rena(g, imagination=lean), tmp_path, seed) for seed in range(7)
    ]
    chance = [trainings_to_top(RandomSearch, tmp_path, seed) for seed in range(7)]
    assert median(rena) <= 0.7 * median(chance)


def test_the_first_ones_are_the_largest_within_the_bounds(tmp_path: Path) -> None:
    _made, ground = tables.ground(tmp_path)
    asked = Rena(ground, imagination=Imagination(first=4, warm_up=2))
    proposals = asked.ask(4)
    assert all(ground.resources.profile(p.architecture)["params"] == 23 for p in proposals)


def network_ground(folder: Path, start: Architecture) -> Ground:
    space, objective = synthetic.space(), synthetic.objective()
    return ground_of(synthetic.Shapes(), space, objective, start, True, 0, folder / "latency")


def test_around_a_start_network_among_the_largest_the_first_ones_are_any(tmp_path: Path) -> None:
    ground = network_ground(tmp_path, rudimentary(synthetic.space()))
    rounds = 0
    while True:
        asked = Rena(ground, imagination=Imagination(warm_up=0, updates=0))
        first = [proposal.architecture for proposal in asked.ask(4)]
        rng = random.Random(0)
        drawn = asked.reader.share_of_usual([ground.draw(rng) for _ in range(200)])
        shares = asked.reader.share_of_usual(first)
        if shares.min() < drawn.median():
            break
        ground = replace(ground, start=first[int(shares.argmax())])
        rounds += 1
        assert rounds < 10
    assert rounds > 0


def test_a_layer_may_give_way_to_a_larger_one_of_another_type(tmp_path: Path) -> None:
    space = SearchSpace({"temporal": {"channels": [8], "kernel": [3, 5]}, "gru": {"units": [16]}})
    small = [layer_type("temporal")(channels=8, kernel=5).as_layer(n) for n in range(6)]
    start, latency = Architecture(tuple(small)), tmp_path / "latency"
    shapes = synthetic.Shapes()
    free = ground_of(shapes, space, Objective(), start, True, 0, latency)
    use = free.resources.profile
    bounds = Objective([Constraint("params", max=use(start)["params"])])
    asked = Rena(
        ground_of(shapes, space, bounds, start, True, 0, latency),
        imagination=Imagination(warm_up=0, updates=0),
    )
    near = [proposal.architecture for proposal in asked.ask(30)]
    larger = [made for made in near if any(layer.kind == "gru" for layer in made.layers)]
    assert larger
    assert all(use(made)["params"] <= use(start)["params"] for made in near)


def trained(ground: Ground, network: Architecture, number: int, accuracy: float) -> Evaluation:
    profile = ground.resources.profile(network)
    place = (0, number)
    return Evaluation(
        str(number), network, None, 1, place, profile, "done", accuracy, accuracy, trained=1
    )


@pytest.mark.parametrize("inherits", [True, False])
def test_from_scratch_candidates_have_parts_of_others_than_the_best(
    tmp_path: Path, inherits: bool
) -> None:
    temporal, dense = layer_type("temporal")(channels=8, kernel=3), layer_type("dense")(units=16)
    flat = Architecture((temporal.as_layer(0), *(dense.as_layer(n) for n in range(1, 6))))
    best = Architecture(tuple(temporal.as_layer(n) for n in range(4)))
    ground = replace(network_ground(tmp_path, best), inherits=inherits)
    asked = Rena(ground, imagination=Imagination(2, 0, 0, candidates=60, elite=1))
    asked.tell([trained(ground, best, 0, 0.9), trained(ground, flat, 1, 0.5)])
    made = [proposal.architecture for proposal in asked.ask(60)]
    mostly_flat = [sum(layer.kind == "dense" for layer in one.layers) > 3 for one in made]
    assert len(made) > 20
    assert any(mostly_flat) != inherits


@pytest.mark.parametrize("inherits", [True, False])
def test_from_scratch_candidates_lie_near_the_best_of_an_earlier_search_too(
    tmp_path: Path, inherits: bool
) -> None:
    narrow, wide = (layer_type("temporal")(channels=c, kernel=5) for c in (8, 32))
    dense = layer_type("dense")(units=64)
    start = Architecture(tuple(narrow.as_layer(n) for n in range(4)))
    large = Architecture((wide.as_layer(0), *(dense.as_layer(n) for n in range(1, 6))))
    ground = replace(network_ground(tmp_path, start), inherits=inherits)
    assert not ground.feasible(large)
    before = [trained(ground, large, 0, 0.9)]
    asked = Rena(replace(ground, past=before), imagination=Imagination(2, 0, 0, candidates=60))
    asked.tell([trained(ground, start, 1, 0.8)])
    proposals = asked.ask(60)
    many = [p for p in proposals if sum(la.kind == "dense" for la in p.architecture.layers) > 3]
    assert any(many) != inherits
    assert {p.parent for p in proposals} <= {None, "1"}
    assert all(ground.feasible(p.architecture) for p in proposals)


def test_a_crossing_names_the_network_whose_first_layers_it_has(tmp_path: Path) -> None:
    temporal = layer_type("temporal")
    wide, narrow = (
        Architecture(tuple(temporal(channels=channels, kernel=3).as_layer(n) for n in range(3)))
        for channels in (32, 8)
    )
    ground = network_ground(tmp_path, wide)
    one, other = trained(ground, wide, 0, 0.9), trained(ground, narrow, 1, 0.8)
    for seed in range(30):
        front, made = crossed(ground.space, one, other, random.Random(seed))
        assert made.layers[0] == front.architecture.layers[0]


def test_from_scratch_a_search_goes_on_where_all_so_far_failed(tmp_path: Path) -> None:
    ground = replace(network_ground(tmp_path, rudimentary(synthetic.space())), inherits=False)
    asked = Rena(ground, imagination=Imagination(1, 0, 0, candidates=20))
    failed = trained(ground, rudimentary(synthetic.space()), 0, 0.0)
    asked.tell([replace(failed, status="failed", accuracy=None)])
    assert asked.ask(2)


def heir(candidate: Candidate, *_: object) -> Scored:
    """The made-up accuracy of a network that inherited."""
    accuracy = synthetic.made_up_accuracy(candidate).accuracy
    return Scored(accuracy, inherited=0 if candidate.parent is None else 1)


def of_heirs(budget: Budget, imagination: Imagination) -> Controller:
    made = synthetic.controller(1, budget, imagination)
    made.scorer = heir
    return made


@pytest.mark.parametrize("halvings", [0, 1])
def test_a_search_with_the_model_goes_on_as_if_it_had_never_stopped(
    tmp_path: Path, halvings: int
) -> None:
    budget = Budget(episodes=2, steps=2, halvings=halvings)
    imagination = Imagination(warm_up=3, candidates=60)
    whole = of_heirs(budget, imagination)
    synthetic.trainer(6, tmp_path / "whole").fit(whole)

    first = of_heirs(budget, imagination)
    trainer = synthetic.trainer(3, tmp_path / "parts", enable_checkpointing=True)
    trainer.fit(first)
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    rest = of_heirs(budget, imagination)
    synthetic.trainer(6, tmp_path / "parts").fit(
        rest, ckpt_path=tmp_path / "last.ckpt", weights_only=True
    )
    assert rest.ledger.evaluations() == whole.ledger.evaluations()
    assert rest.searcher.predictor.data.new.max() > 0

    replayed = of_heirs(budget, imagination)
    (tmp_path / "replayed").mkdir()
    journal = tmp_path / "parts" / "ledger.journal"
    (tmp_path / "replayed" / "ledger.journal").write_bytes(journal.read_bytes())
    before = len(rest.ledger)
    synthetic.trainer(6, tmp_path / "replayed").fit(replayed)
    assert len(replayed.ledger) == before


def test_with_the_model_no_child_is_infeasible(tmp_path: Path) -> None:
    made = synthetic.controller(2, Budget(episodes=2, steps=2), Imagination(candidates=60))
    synthetic.trainer(4, tmp_path).fit(made)
    assert {evaluation.status for evaluation in made.ledger.evaluations()} == {"done"}


def test_the_policy_learns_from_what_is_imagined(tmp_path: Path) -> None:
    _made, ground = tables.ground(tmp_path)
    asked = Rena(ground, imagination=Imagination(warm_up=0, updates=1))
    before = [parameter.clone() for parameter in asked.policy.parameters()]
    asked.ask(1)
    after = list(asked.policy.parameters())
    assert any(not torch.equal(*pair) for pair in zip(before, after, strict=True))
    assert {"loss", "entropy"} <= asked.figures.keys()


def test_of_many_evaluations_the_best_and_the_latest_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rena_pl.search.searchers.rena.MOST", 10)
    made, ground = tables.ground(tmp_path)
    asked = Rena(ground, imagination=Imagination(warm_up=0, updates=0, candidates=50))
    for number in range(25):
        (proposal,) = asked.ask(1)
        asked.tell([tables.answer(made, ground, proposal, number)])
    asked.ask(1)
    assert len(asked.predictor.data) == 10
    best = asked.reader.read([asked.best.architecture], [1.0])
    assert any(torch.equal(best.places[0], row) for row in asked.predictor.data.places)
    latest = asked.reader.read([asked.seen[-1].architecture], [1.0])
    assert any(torch.equal(latest.places[0], row) for row in asked.predictor.data.places)


@pytest.mark.parametrize("setting", [{"warm_up": -1}, {"candidates": 0}, {"elite": 0}])
def test_impossible_settings_are_refused(setting: dict) -> None:
    with pytest.raises(RenaError, match=f"imagination.{next(iter(setting))} must be at least"):
        Imagination(**setting)
