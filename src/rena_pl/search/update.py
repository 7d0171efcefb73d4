"""One update of a search: a searcher is asked, its children are evaluated, it is told."""

from __future__ import annotations

from rena_pl.evaluation.evaluation import Candidate, Evaluation
from rena_pl.evaluation.waves import EvaluateAll, Training, evaluate_wave
from rena_pl.search.searchers.searcher import Searcher


def run_update(
    searcher: Searcher, update: int, children: int, training: Training, evaluate_all: EvaluateAll
) -> list[Evaluation]:
    """Ask for children, evaluate them, tell.

    Args:
        searcher: Is asked and told, once or in several waves.
        update: Its number.
        children: How many are asked for, over all waves.
        training: How much each is trained.
        evaluate_all: Evaluates some candidates side by side.

    Returns:
        The last evaluation of every child.
    """
    evaluations: list[Evaluation] = []
    for wave in range(searcher.waves):
        proposals = searcher.ask(children // searcher.waves)
        candidates = [
            Candidate(
                proposal.architecture,
                proposal.parent,
                training.epochs,
                (update, n, wave),
                searcher.ground.inherits,
            )
            for n, proposal in enumerate(proposals)
        ]
        best = searcher.best.reward if searcher.known else 0.0
        answers = evaluate_wave(candidates, best, training, evaluate_all)
        searcher.tell(answers)
        evaluations += answers
    return evaluations
