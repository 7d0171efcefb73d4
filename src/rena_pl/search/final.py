"""The end of a search: train the best in full, test the best of them once, write it all down."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningDataModule
from torchmetrics.functional.classification import multiclass_confusion_matrix

from rena_pl.architecture import Architecture
from rena_pl.child.data import class_names
from rena_pl.child.fit import predict
from rena_pl.child.metric import measured
from rena_pl.child.module import Child
from rena_pl.errors import RenaError
from rena_pl.evaluation.evaluation import FINAL, Candidate, Evaluation
from rena_pl.evaluation.evaluator import ChildTrainer, Evaluator
from rena_pl.evaluation.ledger import Ledger
from rena_pl.evaluation.weights import save_weights
from rena_pl.objective import Objective
from rena_pl.search.same_task import described_front_end
from rena_pl.search.summary import MOST_ROWS, Summary, read_summary, write_summary

ARCHITECTURE = Path("best", "architecture.json")
WEIGHTS = Path("best", "model.safetensors")
ALIKE = 0.25
"""Networks are alike that differ in at most this share of their layers."""


@dataclass(frozen=True)
class Tested:
    """What a network did on the test split.

    Attributes:
        accuracy: The search's metric.
        confusion: How many examples of each class, by row, were taken for which, by column.
    """

    accuracy: float
    confusion: list[list[int]]


@dataclass(frozen=True)
class Outcome:
    """What a search comes to.

    Attributes:
        best: The full training with the highest reward.
        start: The start network's.
        tested: The best network on the test split.
        start_tested: The same of the start network, trained in full alike; none if it could not
            be trained.
    """

    best: Evaluation
    start: Evaluation
    tested: Tested
    start_tested: Tested | None


def finalists(evaluations: list[Evaluation], objective: Objective, count: int) -> list[Evaluation]:
    """The best evaluations of different architectures, those that meet every bound first.

    What is like a better one comes after the others: a short training tells such networks apart too
    badly, and a full one finds too little between them, to be worth several of the places.
    """
    done = [e for e in evaluations if e.status == "done" and e.part != "full"]
    best: dict[Architecture, Evaluation] = {}
    for evaluation in sorted(done, key=lambda e: -e.reward):
        best.setdefault(evaluation.architecture, evaluation)
    within = [e for e in best.values() if objective.meets_all(e.profile)]
    beyond = [e for e in best.values() if not objective.meets_all(e.profile)]
    unlike: list[Evaluation] = []
    chosen: list[Evaluation] = []
    for group in (within, beyond):
        first: list[Evaluation] = []
        alike: list[Evaluation] = []
        for evaluation in group:
            if len(chosen) + len(first) == count:
                break  # all pairs of a long search would take minutes
            if any(_alike(evaluation.architecture, b.architecture) for b in unlike):
                alike.append(evaluation)
            else:
                unlike.append(evaluation)
                first.append(evaluation)
        chosen += [*first, *alike]
    return chosen[:count]


def _alike(one: Architecture, other: Architecture) -> bool:
    return one.layers_apart(other) <= ALIKE * max(len(one.layers), len(other.layers))


def full_trainings(
    evaluations: list[Evaluation], objective: Objective, epochs: int, count: int
) -> list[Candidate]:
    """What is to be trained in full, from scratch: the start network and the finalists."""
    if not evaluations:
        return []
    start = evaluations[0].architecture
    others = [evaluation for evaluation in evaluations if evaluation.architecture != start]
    best = [evaluation.architecture for evaluation in finalists(others, objective, count)]
    return [
        Candidate(architecture, None, epochs, (FINAL, number, 0))
        for number, architecture in enumerate([start, *best])
    ]


def full_training(evaluations: list[Evaluation], arch_id: str) -> Evaluation | None:
    """A network's training in full; the search's own where that was as long."""
    alone = [
        e
        for e in evaluations
        if e.architecture.arch_id == arch_id and e.status == "done" and e.from_scratch
    ]
    return max(alone, key=lambda e: (e.part == "full", e.budget), default=None)


def conclude(trained: list[Evaluation], evaluator: Evaluator) -> Outcome:
    """Choose the best full training by the validation split, and test it and the start once.

    Args:
        trained: The evaluations of `full_trainings`, the start's first.
        evaluator: With a `ChildTrainer`, whose task has a test split.

    Raises:
        RenaError: All of them failed.
    """
    objective = evaluator.objective
    done = [evaluation for evaluation in trained if evaluation.status == "done"]
    if not done:
        raise RenaError(f"no network could be trained in full: {trained[0].reason}")
    best = max(done, key=lambda e: (objective.meets_all(e.profile), e.reward))
    start = trained[0]
    tested = _test(best, evaluator)
    if start.status != "done":
        return Outcome(best, start, tested, None)
    return Outcome(best, start, tested, tested if start is best else _test(start, evaluator))


def write_outcome(
    outcome: Outcome,
    evaluator: Evaluator,
    task: LightningDataModule,
    seconds: float,
    folder: Path,
) -> Summary:
    """Write `best/architecture.json`, `best/model.safetensors` and `summary.json`.

    Args:
        outcome: What is written.
        evaluator: Knows the rest.
        task: May name its classes, in the order of the network's outputs, and have a front end.
        seconds: What the search took.
        folder: The run folder.

    Returns:
        The summary.
    """
    best = outcome.best
    (folder / ARCHITECTURE).parent.mkdir(parents=True, exist_ok=True)
    best.architecture.save(folder / ARCHITECTURE)
    save_weights(_weights(best, evaluator), folder / WEIGHTS)
    summary = _summary(outcome, evaluator, task, seconds)
    write_summary(summary, folder)
    return summary


def summary_before(folder: Path, ledger: Ledger) -> Summary | None:
    """The summary of a search that had come to its end before; a damaged one is written anew.

    Args:
        folder: The run folder.
        ledger: Of the search; another evaluation in it is another end.
    """
    with suppress(RenaError):
        summary = read_summary(folder)
        if summary is not None and summary.evaluations == len(ledger):
            return summary
    return None


def _summary(
    outcome: Outcome, evaluator: Evaluator, task: LightningDataModule, seconds: float
) -> Summary:
    best, start, trainer = outcome.best, outcome.start, _trainer(evaluator)
    assert best.accuracy is not None
    return Summary(
        arch_id=best.architecture.arch_id,
        start_arch_id=start.architecture.arch_id,
        metric=trainer.metric,
        val_accuracy=best.accuracy,
        test_accuracy=outcome.tested.accuracy,
        test_confusion=outcome.tested.confusion,
        start_test_accuracy=outcome.start_tested.accuracy if outcome.start_tested else None,
        profile=best.profile,
        start_profile=start.profile,
        constraints=[str(constraint) for constraint in evaluator.objective.constraints],
        constraints_met=evaluator.objective.meets_all(best.profile),
        child_epochs=evaluator.ledger.child_epochs,
        evaluations=len(evaluator.ledger),
        seconds=round(seconds, 1),
        input_shape=trainer.input_shape,
        num_classes=trainer.num_classes,
        labels=class_names(task),
        front_end=described_front_end(task),
    )


def _test(evaluation: Evaluation, evaluator: Evaluator) -> Tested:
    trainer = _trainer(evaluator)
    child = Child(evaluation.architecture, trainer.input_shape, trainer.num_classes, trainer.recipe)
    child.network.load_state_dict(_weights(evaluation, evaluator))
    classes = trainer.num_classes
    predicted, true = predict(child.to(trainer.device), trainer.data.split("test"))
    if not 0 <= int(true.min()) <= int(true.max()) < classes:
        raise RenaError(f"the test split has targets that are not from 0 to {classes - 1}")
    accuracy = measured(trainer.metric, predicted, true, classes)
    if classes > MOST_ROWS:
        return Tested(accuracy, [])
    return Tested(accuracy, multiclass_confusion_matrix(predicted, true, classes).tolist())


def _weights(evaluation: Evaluation, evaluator: Evaluator) -> dict[str, Any]:
    weights = _trainer(evaluator).weights.load(evaluation.key)
    if weights is None:
        raise RenaError(f"the weights of evaluation {evaluation.key} are gone from the run folder")
    return weights


def _trainer(evaluator: Evaluator) -> ChildTrainer:
    if not isinstance(evaluator.scorer, ChildTrainer):
        raise RenaError("full training needs a task that children can be trained on")
    return evaluator.scorer
