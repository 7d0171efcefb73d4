"""The searchers, by their names in configs and commands."""

from __future__ import annotations

from collections.abc import Callable

from rena_pl.search.searchers.evolution import Evolution
from rena_pl.search.searchers.hill import HillClimbing
from rena_pl.search.searchers.searcher import Ground, Searcher
from rena_pl.search.searchers.uniform import RandomSearch
from rena_pl.search.searchers.with_optuna import gaussian_process, nsga2, tpe

RENA, PAPER = "rena", "paper"
"""With a model of the reward, and with the policy gradient alone."""
OTHERS: dict[str, Callable[[Ground], Searcher]] = {
    "random": RandomSearch,
    "evolution": Evolution,
    "hill": HillClimbing,
    "tpe": tpe,
    "nsga2": nsga2,
    "gp": gaussian_process,
}
"""Those without a policy."""
NAMES = (RENA, PAPER, *OTHERS)
