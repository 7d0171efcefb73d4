"""Optuna's samplers as searchers."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import optuna
from optuna.samplers import BaseSampler, GPSampler, NSGAIISampler, TPESampler
from optuna.trial import Trial, TrialState

from rena_pl.architecture import Value
from rena_pl.evaluation.evaluation import Evaluation
from rena_pl.extras import require_extra
from rena_pl.objective import infeasible_reward
from rena_pl.search.searchers.evolution import POPULATION
from rena_pl.search.searchers.searcher import Ground, OneByOne, Proposal

REFUSALS, REPEATS = 300, 20
"""How many infeasible proposals, and how many known ones, before one is drawn at random."""


class OptunaSearch(OneByOne):
    """Asks a sampler of Optuna for one decision after the other.

    What it proposes is new and feasible in few of many trials; the others cost no training, and it
    is told of them too: of an infeasible architecture by how much it breaks the bounds, of a known
    one its reward again. A sampler that does not learn of them proposes them for ever. Of what is
    drawn at random where it finds nothing new, it is not told.

    Args:
        ground: Where it searches.
        sampler: Decides.
    """

    def __init__(self, ground: Ground, sampler: BaseSampler) -> None:
        super().__init__(ground)
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.study = optuna.create_study(direction="maximize", sampler=sampler)
        self.asked: list[Trial | None] = []

    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        """Pass the rewards on."""
        super().tell(evaluations)
        for trial, evaluation in zip(self.asked, evaluations, strict=False):
            if trial is not None:
                self.study.tell(trial, evaluation.reward)
        self.asked = []

    def choose(self, taken: Sequence[Proposal]) -> Proposal:
        """What the sampler proposes, if it is feasible and new; else any that is."""
        asked = {proposal.architecture for proposal in taken}
        refused = repeated = 0
        while refused < REFUSALS and repeated < REPEATS:
            trial = self.study.ask()

            def decide(name: str, options: Sequence[Value], trial: Trial = trial) -> Value:
                decided = trial.suggest_categorical(name, list(options))
                assert decided is not None
                return decided

            architecture = self.ground.space.compose(decide)
            if architecture in asked:
                repeated += 1
                self.study.tell(trial, state=TrialState.FAIL)
            elif architecture in self.known:
                repeated += 1
                self.study.tell(trial, self.known[architecture].reward)
            elif not self.ground.space.holds(architecture):
                refused += 1
                self.study.tell(trial, state=TrialState.FAIL)
            elif violation := self.ground.violation(architecture):
                refused += 1
                self.study.tell(trial, infeasible_reward(violation))
            else:
                self.asked.append(trial)
                return Proposal(architecture, self.nearest(architecture))
        self.asked.append(None)
        return self.somewhere(taken)


def tpe(ground: Ground) -> OptunaSearch:
    """The tree-structured Parzen estimator, multivariate."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = TPESampler(seed=ground.seed, multivariate=True, group=True)
    return OptunaSearch(ground, sampler)


def nsga2(ground: Ground) -> OptunaSearch:
    """NSGA-II with a small population."""
    return OptunaSearch(ground, NSGAIISampler(seed=ground.seed, population_size=POPULATION))


def gaussian_process(ground: Ground) -> OptunaSearch:
    """Optuna's Gaussian process, for spaces whose decisions are always the same.

    Raises:
        RenaError: Its extra is not installed.
    """
    require_extra("compare", "the searcher gp")
    return OptunaSearch(ground, GPSampler(seed=ground.seed, deterministic_objective=False))
