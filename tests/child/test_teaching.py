from __future__ import annotations

import pytest
import torch
from torch import nn

from rena_pl.architecture import Architecture
from rena_pl.child.data import child_data
from rena_pl.child.fit import predict, train
from rena_pl.child.module import TEMPERATURE, Child
from rena_pl.child.teaching import TaughtData
from rena_pl.layers.registry import layer_type
from tests.tasks import CLASSES, INPUT, TinyTask, WithoutSplits

SMALL = Architecture((layer_type("temporal")(channels=16, kernel=3).as_layer(0),))


class Says(nn.Module):
    """Of every example that it is of the class after its own, which it reads off the bright row."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        bright = features[:, 0, ::2].mean(2)
        return 20 * bright.softmax(1).roll(1, dims=1)


def taught(teacher: nn.Module) -> TaughtData:
    task = TinyTask()
    task.setup("fit")
    return TaughtData(child_data(task, torch.device("cpu")), teacher)


def test_targets_are_what_the_teacher_says_of_the_examples_as_the_child_sees_them() -> None:
    data = taught(Says())
    plain = data.data.epoch(torch.Generator().manual_seed(3))
    batches = list(zip(plain, data.epoch(torch.Generator().manual_seed(3)), strict=True))
    assert len(batches) == data.batches_per_epoch
    for (features, _), (same, targets) in batches:
        assert torch.equal(features, same)
        assert torch.allclose(targets, (Says()(features) / TEMPERATURE).softmax(1))


def test_a_child_comes_to_say_what_its_teacher_says() -> None:
    """The teacher is wrong."""
    data = taught(Says())
    torch.manual_seed(0)
    child = Child(SMALL, INPUT, CLASSES)
    train(child, data, 15, torch.Generator().manual_seed(0))
    predicted, true = predict(child, data.split("val"))
    assert ((true + 1) % CLASSES == predicted).float().mean() > 0.8


def test_a_task_that_only_has_loaders_is_taught_too() -> None:
    task = WithoutSplits()
    task.setup("fit")
    data = TaughtData(child_data(task, torch.device("cpu")), Says())
    batches = list(data.epoch(torch.Generator().manual_seed(0)))
    assert len(batches) == data.batches_per_epoch
    assert all(targets.is_floating_point() for _, targets in batches)


def test_the_loss_is_least_where_a_child_says_what_its_teacher_says() -> None:
    torch.manual_seed(0)
    child = Child(SMALL, INPUT, CLASSES).eval()
    features = torch.randn(8, *INPUT)
    logits = child(features).detach()
    same = (logits / TEMPERATURE).softmax(1)
    entropy = -(same * same.log()).sum(1).mean()
    assert torch.allclose(child.loss(features, same), entropy)
    assert child.loss(features, same.roll(1, dims=1)) > entropy


@pytest.mark.parametrize("split", ["train", "val"])
def test_what_is_measured_is_the_truth(split: str) -> None:
    data = taught(Says())
    for (_, targets), (_, true) in zip(data.split(split), data.data.split(split), strict=True):
        assert torch.equal(targets, true)
