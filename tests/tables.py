"""A small tabular benchmark, made up."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path

import yaml

from rena_pl.evaluation.evaluation import Candidate, Evaluation
from rena_pl.objective import Constraint, Objective
from rena_pl.search.searchers.searcher import Ground, Proposal
from rena_pl.tabular import Table

OPTIONS = ("conv", "pool", "skip")
DECISIONS = ["a", "b", "c", "d", "e"]
WORTH = {"conv": 3.0, "pool": 1.0, "skip": 2.0}


def write_table(folder: Path) -> Path:
    """All combinations of five decisions; convolutions are good and large, two alike are bad."""
    file = folder / "table.csv"
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([*DECISIONS, "params", "seen", "scored"])
        for row in itertools.product(OPTIONS, repeat=len(DECISIONS)):
            alike = sum(one == other for one, other in itertools.pairwise(row))
            worth = sum(map(WORTH.__getitem__, row)) - 0.9 * alike
            params = sum(10 if option == "conv" else 1 for option in row)
            writer.writerow([*row, params, worth / 20, worth / 15])
    return file


def write_config(folder: Path, updates: int) -> Path:
    """Of a search on it, whose run folder is `run` beside it."""
    file = folder / "table.yaml"
    settings = {
        "trainer": {"max_epochs": updates, "default_root_dir": str(folder / "run")},
        "model": {
            "objective": {"constraints": [{"entry": "params", "max": 25}]},
            "budget": {"episodes": 1, "steps": 1, "child_epochs": 1},
            "imagination": {"candidates": 60, "warm_up": 2},
        },
        "data": {
            "class_path": "rena_pl.tabular.Table",
            "init_args": {
                "file": str(write_table(folder)),
                "decisions": DECISIONS,
                "known": ["params"],
                "observed": "seen",
                "scored": "scored",
            },
        },
    }
    file.write_text(yaml.safe_dump(settings))
    return file


def table(folder: Path) -> Table:
    """It, with 243 rows."""
    return Table(write_table(folder), DECISIONS, ["params"], "seen", "scored")


def ground(folder: Path, seed: int = 0) -> tuple[Table, Ground]:
    """It, with a bound that half of it keeps."""
    made = table(folder)
    objective = Objective([Constraint("params", max=25)])
    return made, Ground(made.space, objective, made.resources, None, seed)


def answer(made: Table, ground: Ground, proposal: Proposal, number: int) -> Evaluation:
    """What the evaluator would say."""
    candidate = Candidate(proposal.architecture, proposal.parent, 1, (number, 0, 0))
    accuracy = made.accuracy(candidate, "", 0, None).accuracy
    return Evaluation(
        key=str(number),
        architecture=proposal.architecture,
        parent=proposal.parent,
        budget=1,
        place=(number, 0, 0),
        profile=ground.resources.profile(proposal.architecture),
        status="done",
        accuracy=accuracy,
        reward=accuracy,
        trained=1,
    )
