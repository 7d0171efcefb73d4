"""What a search is made of, from its settings and its task."""

from __future__ import annotations

import random
import warnings
from pathlib import Path

import torch
from lightning.pytorch import LightningDataModule
from torch import nn

from rena_pl.architecture import Architecture
from rena_pl.child.data import stated_shapes
from rena_pl.child.module import Recipe
from rena_pl.errors import RenaError
from rena_pl.evaluation.evaluator import ChildTrainer, Scorer
from rena_pl.evaluation.weights import WeightStore
from rena_pl.numbers import readable
from rena_pl.objective import Objective
from rena_pl.resources.latency import LATENCY, Latencies, TimedResources
from rena_pl.resources.resources import NetworkResources, Resources
from rena_pl.search.feasible import feasible_start
from rena_pl.search.searchers.searcher import Ground
from rena_pl.space.search_space import SearchSpace
from rena_pl.tabular import Table


def ground_of(
    task: LightningDataModule,
    space: SearchSpace | None,
    objective: Objective,
    start: Architecture | None,
    inherits: bool,
    seed: int,
    latencies: Path,
) -> Ground:
    """Where a search takes place: in a table, or among the networks of a space on a task.

    Args:
        task: The data, or the table.
        space: Of networks; none for a table.
        objective: The bounds; for networks, on what the profile of one has.
        start: A network of the space; one near it is taken if it breaks a hard bound.
        inherits: Whether children start from their parents' weights.
        seed: Of everything random.
        latencies: Where measured latencies are kept, if a bound is on them.

    Raises:
        RenaError: A bound is on a column that the table has not, the start is not part of the
            space, or no network that keeps the hard bounds was found.
    """
    if isinstance(task, Table):
        objective.check(task.resources.entries)
        return Ground(task.space, objective, task.resources, None, seed, inherits=inherits)
    if space is None or start is None:
        raise RenaError("model.space: say what the networks may be made of")
    resources = resources_of(task, objective, latencies)
    try:
        space.check(start, stated_shapes(task)[0])
    except RenaError as error:
        raise RenaError(f"the start network: {error}") from None
    if next(space.legal_actions(start, random.Random(0)), None) is None:
        raise RenaError("the search space allows no action: it is a single architecture")
    near = feasible_start(start, space, objective, resources.profile, seed)
    if near != start:
        use, kept = resources.profile(start), resources.profile(near)
        warnings.warn(
            "the search starts from a network near the start network, which breaks "
            + "; ".join(
                f"{c} (it has {readable(use[c.entry])}, the other {readable(kept[c.entry])})"
                for c in objective.broken(use)
            ),
            stacklevel=2,
        )
    return Ground(space, objective, resources, near, seed, inherits=inherits)


def resources_of(task: LightningDataModule, objective: Objective, latencies: Path) -> Resources:
    """The resource use of networks on a task; the latency is measured only if a bound is on it.

    Args:
        task: It states its shapes.
        objective: The bounds.
        latencies: Where measured latencies are kept.
    """
    counted = NetworkResources(*stated_shapes(task))
    if any(constraint.entry == LATENCY for constraint in objective.constraints):
        return TimedResources(counted, Latencies(latencies))
    return counted


def scorer_of(
    task: LightningDataModule,
    recipe: Recipe,
    metric: str,
    weights: WeightStore,
    device: torch.device,
    seconds: float | None = None,
    teacher: nn.Module | None = None,
) -> Scorer:
    """What turns candidates into accuracies: a table, or training on the task."""
    if isinstance(task, Table):
        return task.accuracy
    return ChildTrainer(task, recipe, metric, weights, device, seconds, teacher)
