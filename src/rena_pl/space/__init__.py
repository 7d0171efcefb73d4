"""The search space: what is allowed, and the actions that turn one architecture into another."""

from rena_pl.space.actions import Action, Insert, Remove, Scale
from rena_pl.space.search_space import SearchSpace

__all__ = ["Action", "Insert", "Remove", "Scale", "SearchSpace"]
