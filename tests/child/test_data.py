from __future__ import annotations

import pytest
import torch
from lightning.pytorch import LightningDataModule

from rena_pl.child.data import child_data, examples
from tests.tasks import INPUT, TinyTask, WithoutSplits


@pytest.mark.parametrize("task", [TinyTask(batch_size=16), WithoutSplits()])
def test_examples_are_as_many_as_asked_for_and_always_the_same(task: LightningDataModule) -> None:
    """However small the batches are."""
    task.setup("fit")
    device = torch.device("cpu")
    data = child_data(task, device)
    some = examples(data, 40, device)
    assert some.shape == (40, *INPUT)
    assert torch.equal(some, examples(data, 40, device))
    assert torch.equal(some[:10], examples(data, 10, device))
    everything = sum(len(features) for features, _ in data.epoch(torch.Generator()))
    assert len(examples(data, 10_000, device)) == everything
