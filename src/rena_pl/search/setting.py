"""What is the same for all children of a search and decides their outcome, as one short text."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict

from lightning.pytorch import LightningDataModule

from rena_pl.architecture import Architecture
from rena_pl.child.module import Recipe
from rena_pl.hashing import printed
from rena_pl.objective import Objective


def setting_of(
    seed: int,
    task: LightningDataModule,
    objective: Objective,
    recipe: Recipe,
    metric: str,
    inherit: bool,
    start: Architecture | None = None,
    earlier: str | None = None,
) -> str:
    """A hash of all of them, for the keys of evaluations and to tell ledgers apart.

    `earlier` is the key of an earlier search, if one is gone on from.
    """
    parts = (
        seed,
        task_fingerprint(task),
        asdict(objective),
        asdict(recipe),
        metric,
        inherit,
        None if start is None else start.arch_id,
        earlier,
    )
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def task_fingerprint(task: LightningDataModule) -> str:
    """The task's own fingerprint, else its class and the hyper-parameters that it saved."""
    own = getattr(task, "fingerprint", None)
    if callable(own):
        return str(own())
    hyper = sorted((name, printed(repr(_ordered(value)))) for name, value in task.hparams.items())
    return f"{type(task).__module__}.{type(task).__qualname__}{hyper}"


def _ordered(value: object) -> object:
    """A set as a list, since the order of its texts is another in every process."""
    return sorted(value, key=repr) if isinstance(value, set | frozenset) else value
