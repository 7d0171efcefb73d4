"""The part of Speech Commands that benchmarks train on: 8 keywords, unknown and silence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean

import torch

from rena_pl.architecture import Architecture
from rena_pl.child.data import ChildData, ResidentData
from rena_pl.child.fit import predict, train
from rena_pl.child.metric import measured
from rena_pl.child.module import Child, Recipe
from rena_pl.data import SpeechCommands

KEYWORDS = ["yes", "no", "up", "down", "left", "right", "stop", "go"]


def speech_task(root: Path, batch_size: int, views: int = 1) -> SpeechCommands:
    """The task, set up, with log-mel features."""
    task = SpeechCommands(
        root=root,
        keywords=KEYWORDS,
        features="log_mel",
        augmented_views=views,
        batch_size=batch_size,
    )
    task.prepare_data()
    task.setup("fit")
    return task


def trained_accuracy(
    network: Architecture,
    task: SpeechCommands,
    epochs: int,
    seed: int,
    recipe: Recipe = Recipe(),
) -> float:
    """What a network, trained from scratch, comes to on the validation split."""
    data = ResidentData(task, torch.device("cpu"))
    torch.manual_seed(seed)
    child = Child(network, task.input_shape, task.num_classes, recipe)
    train(child, data, epochs, torch.Generator().manual_seed(seed))
    return val_accuracy(child, data, task.num_classes)


def by_seed(seeds: Iterable[int], reached: Sequence[float]) -> dict[str, float]:
    """Accuracies and their mean as figures."""
    figures = {f"seed {seed}": round(at, 4) for seed, at in zip(seeds, reached, strict=True)}
    return {**figures, "mean": round(fmean(reached), 4)}


def val_accuracy(child: Child, data: ChildData, classes: int) -> float:
    """The accuracy of a child on the validation split."""
    predicted, true = predict(child, data.split("val"))
    return measured("accuracy", predicted, true, classes)
