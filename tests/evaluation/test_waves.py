from __future__ import annotations

from collections.abc import Sequence

from rena_pl.evaluation.evaluation import Candidate, Evaluation
from rena_pl.evaluation.waves import Training, evaluate_wave, last_rungs
from rena_pl.space.named import NAMED


def test_a_child_that_is_met_twice_is_trained_on_where_it_was_first() -> None:
    evaluated: dict[str, Evaluation] = {}

    def evaluate_all(candidates: Sequence[Candidate]) -> list[Evaluation]:
        for candidate in candidates:
            key, reward = candidate.key("setting"), len(candidate.architecture.layers)
            evaluated.setdefault(
                key,
                Evaluation(
                    key, candidate.architecture, candidate.parent, candidate.budget,
                    candidate.place, {}, "done", reward, reward, rung=candidate.rung,
                    inherited=len(candidate.architecture.layers) if candidate.inherits_from else 0,
                ),
            )  # fmt: skip
        return [evaluated[candidate.key("setting")] for candidate in candidates]

    names = ("tc_resnet8", "bc_resnet_1", "tc_resnet8", "bc_resnet_1")
    wave = [
        Candidate(NAMED[name](), "best", 1, (0, n, 0), heir=False) for n, name in enumerate(names)
    ]
    answers = evaluate_wave(wave, 0.0, Training(1, halvings=1), evaluate_all)
    assert [answer.rung for answer in answers] == [0, 1, 0, 1]
    assert [answer.place for answer in answers] == [(0, n, 0) for n in (0, 1, 0, 1)]
    assert {(answer.parent, answer.inherited) for answer in answers} == {("best", 0)}
    assert {(e.parent, e.inherited) for e in last_rungs(evaluated.values())} == {("best", 0)}
