"""Run folders as searches leave them, made up quickly: real ledgers, configs and summaries."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from rena_pl.architecture import Architecture
from rena_pl.evaluation.evaluation import FINAL, START, Evaluation
from rena_pl.evaluation.ledger import Ledger
from rena_pl.objective import Constraint, Objective
from rena_pl.resources.profile import profile
from rena_pl.space import SearchSpace
from rena_pl.space.starts import rudimentary

INPUT, CLASSES = (1, 40, 101), 4
LABELS = ["yes", "no", "stop", "go"]
SPACE = {
    "conv2d": {"channels": [8, 16], "stride_height": [1, 2], "norm": ["batch"]},
    "inverted_residual": {"channels": [8, 16]},
    "add": {},
    "concat": {},
}
CONSTRAINTS = [
    Constraint("params", max=2500),
    Constraint("peak_memory", max=120_000, penalty=0.8),
]


def evaluations(
    objective: Objective,
    updates: int = 5,
    children: int = 8,
    seed: int = 0,
    inherit: bool = True,
) -> list[Evaluation]:
    """A random walk with all that can become of a child: done, infeasible, failed, trained on."""
    rng = random.Random(seed)
    space = SearchSpace(SPACE, max_layers=9)
    found: list[Evaluation] = []

    def made(architecture: Architecture, parent: Evaluation | None, **more: Any) -> Evaluation:
        use = profile(architecture, INPUT, CLASSES).as_dict()
        status = "done" if objective.feasible(use) else "infeasible"
        if status == "done" and rng.random() < 0.06:
            status = "failed"
        before = 0.3 if parent is None else parent.accuracy or 0.3
        accuracy = None
        if status == "done":
            accuracy = round(min(0.97, max(0.05, before + rng.gauss(0.03, 0.04))), 4)
        budget = 0 if status == "infeasible" else more.pop("budget", 2)
        more.pop("budget", None)
        return Evaluation(
            key=f"{len(found):016x}",
            architecture=architecture,
            parent=parent and parent.key,
            budget=budget,
            profile=use,
            status=status,
            accuracy=accuracy,
            reward=objective.reward(accuracy or 0.0, use),
            reason="" if status == "done" else "it is too large" if budget == 0 else "OutOfMemory",
            inherited=len(architecture.layers) if parent and inherit else 0,
            trained=budget + (parent.trained if parent and inherit else 0),
            seconds=0.5,
            **more,
        )

    start = rudimentary(space)
    use = profile(start, INPUT, CLASSES).as_dict()
    found.append(
        Evaluation("5" * 16, start, None, 5, START, use, "done", 0.3, 0.3, trained=5, seconds=1.0)
    )
    for update in range(updates):
        done = [e for e in found if e.status == "done"]
        best = max(done, key=lambda e: e.reward)
        for episode in range(children):
            parent = rng.choice([best, *done[-3:]])
            child = parent.architecture
            for _ in range(rng.choice((1, 1, 1, 3))):
                child = space.random_action(child, rng).apply(child)
            found.append(made(child, parent, place=(update, episode, 0)))
            if episode == 0 and found[-1].status == "done":
                found.append(made(child, found[-1], place=(update, episode, 0), rung=1))
    done = sorted((e for e in found if e.status == "done"), key=lambda e: -e.reward)
    for number, architecture in enumerate(dict.fromkeys([start, *(e.architecture for e in done)])):
        if number == 4:
            break
        full = made(architecture, None, place=(FINAL, number, 0), budget=20)
        found.append(full)
    return found


def write_run(
    folder: Path,
    finished: bool = True,
    constraints: Sequence[Constraint] = CONSTRAINTS,
    labels: Sequence[str] = LABELS,
    seed: int = 0,
    metric: str = "accuracy",
    inherit: bool = True,
    **summary: Any,
) -> list[Evaluation]:
    """Write a run folder; `summary` replaces some of its summary's values."""
    folder.mkdir(parents=True)
    objective = Objective(list(constraints))
    config = {
        "seed_everything": seed,
        "trainer": {"max_epochs": 5, "default_root_dir": str(folder)},
        "model": {
            "space": {"layers": SPACE},
            "objective": {"constraints": [asdict(c) for c in constraints]},
            "metric": metric,
            "inherit": inherit,
        },
        "data": {"class_path": "rena_pl.data.SpokenKeywords", "init_args": {"keywords": LABELS}},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    made = evaluations(objective, seed=seed, inherit=inherit)
    shown = made if finished else [e for e in made if e.place[0] < 3]
    ledger = Ledger(folder / "ledger.journal")
    for evaluation in shown:
        ledger.record(evaluation)
    if finished:
        full = [e for e in made if e.place[0] == FINAL and e.status == "done"]
        best = max(full, key=lambda e: (objective.meets_all(e.profile), e.reward))
        (folder / "best").mkdir()
        best.architecture.save(folder / "best" / "architecture.json")
        values = {
            "arch_id": best.architecture.arch_id,
            "start_arch_id": made[0].architecture.arch_id,
            "metric": metric,
            "val_accuracy": best.accuracy,
            "test_accuracy": 0.7,
            "test_confusion": [[20, 3, 2, 0], [4, 15, 0, 6], [1, 0, 18, 6], [0, 6, 2, 17]],
            "start_test_accuracy": 0.4,
            "profile": best.profile,
            "start_profile": made[0].profile,
            "constraints": list(map(str, constraints)),
            "constraints_met": objective.meets_all(best.profile),
            "child_epochs": ledger.child_epochs,
            "evaluations": len(ledger),
            "seconds": 60.0,
            "input_shape": list(INPUT),
            "num_classes": CLASSES,
            "labels": list(labels),
            "front_end": None,
            **summary,
        }
        (folder / "summary.json").write_text(json.dumps(values))
    return shown
