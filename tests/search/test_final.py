"""Which networks are trained in full."""

from __future__ import annotations

from collections.abc import Sequence

from rena_pl.architecture import Architecture
from rena_pl.evaluation.evaluation import START, Candidate, Evaluation, Place
from rena_pl.layers import layer_types
from rena_pl.objective import Constraint, Objective
from rena_pl.search.final import finalists, full_trainings


def evaluation(channels: int, place: Place, reward: float, params: int = 100) -> Evaluation:
    return evaluation_of([channels], place, reward, params)


def evaluation_of(
    channels: Sequence[int], place: Place, reward: float, params: int = 100
) -> Evaluation:
    """Of a network with a layer of each of these many channels."""
    temporal = layer_types()["temporal"]
    layers = [temporal(channels=many, kernel=3).as_layer(n) for n, many in enumerate(channels)]
    return Evaluation(
        key=str(place),
        architecture=Architecture(tuple(layers)),
        parent=None,
        budget=1,
        place=place,
        profile={"params": params},
        status="done",
        accuracy=reward,
        reward=reward,
    )


SEARCHED = [
    evaluation(8, START, 0.5),
    evaluation(12, (0, 0, 0), 0.80),
    evaluation(16, (0, 0, 1), 0.90),
    evaluation(20, (0, 1, 0), 0.70),
    evaluation(16, (0, 1, 1), 0.60),
    evaluation(24, (1, 0, 0), 0.99, params=300),
]
BOUND = Objective([Constraint("params", max=200)])


def channels(evaluations: Sequence[Evaluation | Candidate]) -> list[object]:
    return [dict(e.architecture.layers[0].hyper)["channels"] for e in evaluations]


def test_every_architecture_has_one_place_and_the_feasible_come_first() -> None:
    assert channels(finalists(SEARCHED[1:], BOUND, 4)) == [16, 12, 20, 24]


def test_what_is_like_a_better_one_comes_after_the_others() -> None:
    best = evaluation_of([8, 8, 8, 8], (0, 0, 0), 0.9)
    like_it = evaluation_of([8, 8, 8, 16], (0, 1, 0), 0.8)
    another = evaluation_of([8, 8, 16, 16], (1, 0, 0), 0.7)
    too_large = evaluation_of([32, 32, 32, 32], (1, 1, 0), 0.95, params=300)
    searched = [like_it, too_large, best, another]
    assert finalists(searched, BOUND, 2) == [best, another]
    assert finalists(searched, BOUND, 4) == [best, another, like_it, too_large]


def test_the_start_network_takes_no_place_of_a_finalist() -> None:
    again = evaluation(8, (2, 0, 0), 0.95)
    candidates = full_trainings([*SEARCHED, again], BOUND, 5, 2)
    assert channels(candidates) == [8, 16, 12]
    assert {(c.parent, c.budget) for c in candidates} == {(None, 5)}
