"""A task as the fast loop reads it: whole batches on the child's device."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Any, Protocol

import torch
from lightning.pytorch import LightningDataModule
from lightning.pytorch.utilities.model_helpers import is_overridden
from torch import Tensor

from rena_pl.architecture import Shape
from rena_pl.data.tensor_task import Batch, TensorTask
from rena_pl.errors import RenaError

# On a processor the activations of larger batches leave its cache: half as fast, up to 1 GB more.
CPU_EVALUATION_BATCH = 50
EVALUATION_BATCH = 500


class ChildData(Protocol):
    """Batches to train on and to evaluate on."""

    @property
    def batches_per_epoch(self) -> int:
        """Training steps in one epoch."""

    def epoch(self, generator: torch.Generator) -> Generator[Batch, None, None]:
        """The training batches of one epoch."""

    def split(self, name: str) -> Iterator[Batch]:
        """All examples of `train`, `val` or `test`."""


def stated_shapes(task: Any) -> tuple[Shape, int]:
    """The input shape and the number of classes that a task states.

    Raises:
        RenaError: It does not state them, or what it states is impossible.
    """
    title = f"the task {type(task).__name__}"
    for name in ("input_shape", "num_classes"):
        if not hasattr(task, name):
            raise RenaError(f"{title} does not state its {name}")
    shape, classes = task.input_shape, task.num_classes
    if len(shape) != 3 or min(shape) < 1:
        raise RenaError(f"{title} states input_shape {shape}, not channels, height and width")
    if classes < 2:
        raise RenaError(f"{title} states num_classes {classes}, at least 2 are needed")
    if len(names := class_names(task)) != classes:
        raise RenaError(f"{title} states {classes} classes, but labels for {len(names)}")
    channels, height, width = shape
    return (channels, height, width), int(classes)


def class_names(task: Any) -> list[str]:
    """The names of a task's classes, in the order of a network's outputs; their numbers if none."""
    labels = getattr(task, "labels", None)
    return [str(label) for label in (range(task.num_classes) if labels is None else labels)]


def child_data(task: LightningDataModule, device: torch.device) -> ChildData:
    """How to read a task that is set up: from memory where it can, else through its loaders.

    Raises:
        RenaError: It lacks a loader, or its batches are not what it states.
    """
    if isinstance(task, TensorTask):
        if len(task.splits["train"]) < 2:
            raise RenaError(f"the task {type(task).__name__} has fewer than 2 training examples")
        return ResidentData(task, device)
    for loader in ("train_dataloader", "val_dataloader", "test_dataloader"):
        if not is_overridden(loader, task):
            raise RenaError(f"the task {type(task).__name__} has no {loader}")
    data = LoadedData(task, device)
    check_split(task, data, "val")
    return data


def examples(data: ChildData, count: int, device: torch.device) -> Tensor:
    """The features of some training examples, always the same; on `device`, where the data are."""
    batches: list[Tensor] = []
    with closing(data.epoch(torch.Generator(device).manual_seed(0))) as epoch:
        for features, _ in epoch:
            batches.append(features)
            if sum(map(len, batches)) >= count:
                break
    return torch.cat(batches)[:count]


def check_split(task: LightningDataModule, data: ChildData, split: str) -> None:
    """Compare the first batch of a split, which is set up, with what the task states.

    Raises:
        RenaError: It is another, or there is none.
    """
    name, (input_shape, classes) = type(task).__name__, stated_shapes(task)
    batch = next(iter(data.split(split)), None)
    if batch is None:
        raise RenaError(f"the task {name} has no examples in its {split} split")
    features, targets = batch
    if tuple(features.shape[1:]) != input_shape:
        raise RenaError(
            f"the task {name} states input_shape {input_shape}, but its features are "
            f"{tuple(features.shape[1:])}"
        )
    whole = not targets.is_floating_point() and targets.dim() == 1
    if not whole or not 0 <= int(targets.min()) <= int(targets.max()) < classes:
        raise RenaError(
            f"the task {name} states {classes} classes, but its targets are not one whole "
            f"number from 0 to {classes - 1} for each example"
        )


class ResidentData:
    """A `TensorTask`: its features stay on the device, batches are cut from them by index."""

    def __init__(self, task: TensorTask, device: torch.device) -> None:
        self.task = task
        self.splits = {name: split.to(device) for name, split in task.splits.items()}
        self.device = device

    @property
    def batches_per_epoch(self) -> int:
        """Training steps in one epoch; a last batch of a single example is left out."""
        full, rest = divmod(len(self.splits["train"]), self.task.batch_size)
        return full + (rest > 1)

    def epoch(self, generator: torch.Generator) -> Generator[Batch, None, None]:
        """Shuffled and augmented batches."""
        train = self.splits["train"]
        order = torch.randperm(len(train), generator=generator, device=self.device)
        for indices in torch.split(order, self.task.batch_size)[: self.batches_per_epoch]:
            features, targets = train.take(indices, generator)
            yield self.task.augment(features, generator), targets

    def split(self, name: str) -> Iterator[Batch]:
        """Batches in order."""
        split = self.splits[name]
        size = CPU_EVALUATION_BATCH if self.device.type == "cpu" else EVALUATION_BATCH
        everything = torch.arange(len(split), device=self.device)
        for indices in torch.split(everything, size):
            yield split.take(indices)


class LoadedData:
    """Any other LightningDataModule: its own loaders, moved to the device batch by batch."""

    def __init__(self, task: LightningDataModule, device: torch.device) -> None:
        self.task = task
        self.device = device
        self.loader: Any = task.train_dataloader()

    @property
    def batches_per_epoch(self) -> int:
        """Training steps in one epoch; one more if a last batch of a single example is left out.

        Raises:
            RenaError: The loader does not say.
        """
        try:
            return len(self.loader)
        except TypeError:
            title = type(self.task).__name__
            raise RenaError(f"the task {title} has a train_dataloader without a length") from None

    def epoch(self, generator: torch.Generator) -> Generator[Batch, None, None]:
        """The batches of the task's loader, which shuffles and augments with torch's generator."""
        with torch.random.fork_rng(devices=[]):
            seed = torch.randint(2**31, (1,), generator=generator, device=self.device)
            torch.manual_seed(int(seed))
            for own in _generators(self.loader):  # else they go on from where others left them
                own.manual_seed(int(seed))
            steps = 0
            for features, targets in map(self._move, self.loader):
                if len(targets) > 1:
                    yield features, targets
                    steps += 1
            if steps == 0:
                title = type(self.task).__name__
                raise RenaError(f"the task {title} has no training batch of 2 examples or more")

    def split(self, name: str) -> Iterator[Batch]:
        """The batches of the task's loader of that split."""
        loaders = {"val": self.task.val_dataloader, "test": self.task.test_dataloader}
        loader: Any = loaders[name]() if name in loaders else self.loader
        yield from map(self._move, loader)

    def _move(self, batch: Any) -> tuple[Tensor, Tensor]:
        match batch:
            case [Tensor() as features, Tensor() as targets]:
                numbers = targets if targets.is_floating_point() else targets.long()
                return features.to(self.device, torch.float32), numbers.to(self.device)
        raise RenaError(
            f"the task {type(self.task).__name__} gives batches that are no pair of a tensor of "
            "features and one of targets"
        )


def _generators(loader: Any) -> Iterator[torch.Generator]:
    """A loader's own, and those of its samplers."""
    names = ("generator", "sampler", "batch_sampler")
    for part in (getattr(loader, name, None) for name in names):
        if isinstance(part, torch.Generator):
            yield part
        elif part is not None:
            yield from _generators(part)
