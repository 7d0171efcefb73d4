"""The part of Speech Commands that benchmarks train on: 8 keywords, unknown and silence."""

from __future__ import annotations

from pathlib import Path

from rena_pl.child.data import ChildData
from rena_pl.child.fit import predict
from rena_pl.child.metric import measured
from rena_pl.child.module import Child
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


def val_accuracy(child: Child, data: ChildData, classes: int) -> float:
    """The accuracy of a child on the validation split."""
    predicted, true = predict(child, data.split("val"))
    return measured("accuracy", predicted, true, classes)
