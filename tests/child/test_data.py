from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, TensorDataset, WeightedRandomSampler

from rena_pl.child.data import child_data, examples
from rena_pl.data.tensor_task import Split
from rena_pl.errors import RenaError
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


class WithItsOwnGenerator(WithoutSplits):
    def train_dataloader(self) -> DataLoader:
        own = torch.Generator().manual_seed(0)
        return DataLoader(TensorDataset(*self.train), batch_size=20, shuffle=True, generator=own)


class WithASamplerOfItsOwn(WithoutSplits):
    def train_dataloader(self) -> DataLoader:
        data, own = TensorDataset(*self.train), torch.Generator().manual_seed(0)
        sampler = WeightedRandomSampler([1.0] * len(data), len(data), generator=own)
        return DataLoader(data, batch_sampler=BatchSampler(sampler, 20, drop_last=False))


@pytest.mark.parametrize(
    "task", [TinyTask(), WithoutSplits(), WithItsOwnGenerator(), WithASamplerOfItsOwn()]
)
def test_an_epoch_does_not_depend_on_those_before(task: LightningDataModule) -> None:
    task.setup("fit")
    data = child_data(task, torch.device("cpu"))

    def epoch(seed: int) -> Tensor:
        return torch.cat([f for f, _ in data.epoch(torch.Generator().manual_seed(seed))])

    first, other = epoch(1), epoch(2)
    assert torch.equal(epoch(1), first)
    assert not torch.equal(other, first)


class WithoutTest(LightningDataModule):
    input_shape, num_classes = INPUT, 3
    train_dataloader, val_dataloader = WithoutSplits.train_dataloader, WithoutSplits.val_dataloader
    setup = WithoutSplits.setup


class WithBatches(WithoutSplits):
    def __init__(self, *batches: Any) -> None:
        super().__init__()
        self.batches = batches

    def val_dataloader(self) -> Iterable[Any]:
        return self.batches


class Few(TinyTask):
    def __init__(self, few: int) -> None:
        super().__init__(batch_size=4)
        self.few = few

    def load(self) -> dict[str, Split]:
        return {
            name: Split(split.features[: self.few], split.targets[: self.few])
            for name, split in super().load().items()
        }


class States(WithoutSplits):
    def __init__(self, **stated: Any) -> None:
        super().__init__()
        vars(self).update(stated)


PAIR = (torch.zeros(2, *INPUT), torch.zeros(2).long())


@pytest.mark.parametrize(
    ("task", "sentence"),
    [
        (WithoutTest(), "the task WithoutTest has no test_dataloader"),
        (WithBatches(), "the task WithBatches has no examples in its val split"),
        (WithBatches((*PAIR, PAIR[1])), "no pair of a tensor of features and one of targets"),
        (WithBatches({"features": PAIR[0]}), "no pair of a tensor"),
        (WithBatches((PAIR[0], PAIR[1].float())), "targets are not one whole number"),
        (States(input_shape=INPUT[1:]), r"states input_shape \(.*\), not channels, height and"),
        (States(num_classes=1), "states num_classes 1, at least 2 are needed"),
        (States(labels=["yes", "no"]), "states 3 classes, but labels for 2"),
        (Few(1), "Few has fewer than 2 training examples"),
    ],
)
def test_loaders_that_cannot_be_used_are_named(task: LightningDataModule, sentence: str) -> None:
    task.setup("fit")
    with pytest.raises(RenaError, match=sentence):
        child_data(task, torch.device("cpu"))


class Loaded(WithoutSplits):
    """Nine examples in double precision, their classes as 32-bit numbers."""

    def train_dataloader(self) -> Iterable[Any]:
        features, targets = self.train
        return DataLoader(TensorDataset(features[:9].double(), targets[:9].int()), batch_size=4)


class WithoutLength(WithoutSplits):
    def train_dataloader(self) -> Iterable[Any]:
        return iter([PAIR])


def test_a_last_batch_of_one_example_is_left_out_whoever_makes_it() -> None:
    """Batch normalisation cannot take it."""
    for task in (Loaded(), Few(9)):
        task.setup("fit")
        data = child_data(task, torch.device("cpu"))
        epoch = list(data.epoch(torch.Generator().manual_seed(0)))
        assert [len(targets) for _, targets in epoch] == [4, 4]
        assert {(f.dtype, t.dtype) for f, t in epoch} == {(torch.float32, torch.int64)}


def test_a_trainers_loaders_leave_out_one_example_in_training_only() -> None:
    task = Few(9)
    task.setup("fit")
    for loader, sizes in ((task.train_dataloader(), [4, 4]), (task.val_dataloader(), [4, 4, 1])):
        assert len(loader) == len(sizes)
        assert [len(targets) for _, targets in loader] == sizes


class OneByOne(WithoutSplits):
    def train_dataloader(self) -> Iterable[Any]:
        return DataLoader(TensorDataset(*self.train), batch_size=1)


def test_a_task_that_gives_one_example_at_a_time_is_named() -> None:
    task = OneByOne()
    task.setup("fit")
    data = child_data(task, torch.device("cpu"))
    with pytest.raises(RenaError, match="OneByOne has no training batch of 2 examples or more"):
        list(data.epoch(torch.Generator()))


def test_a_loader_that_does_not_say_how_many_batches_it_has_is_named() -> None:
    task = WithoutLength()
    task.setup("fit")
    data = child_data(task, torch.device("cpu"))
    with pytest.raises(RenaError, match="WithoutLength has a train_dataloader without a length"):
        range(data.batches_per_epoch)


def test_a_pair_may_be_a_list() -> None:
    task = WithBatches(list(PAIR))
    task.setup("fit")
    assert len(list(child_data(task, torch.device("cpu")).split("val"))) == 1
