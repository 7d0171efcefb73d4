"""A task whose features are held in memory, one tensor per split."""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader

from rena_pl.data.codes import decode, encode
from rena_pl.data.front_end import FrontEnd
from rena_pl.errors import RenaError
from rena_pl.hashing import short_hash

Batch = tuple[Tensor, Tensor]

SPLITS = ("train", "val", "test")

# Settings that say where the data are, not what they are.
PLACES = frozenset({"root", "cache_dir", "download"})


@dataclass(frozen=True)
class Split:
    """The examples of one split.

    Attributes:
        features: `(examples, views, channels, height, width)`, floats or the int8 codes of
            `rena_pl.data.codes`; `take` returns float32. A view is one augmented rendering
            of an example (other noise, another speed); a training batch picks one per example.
            Splits that are only evaluated have one view.
        targets: Class indices, `(examples,)`, int64.
    """

    features: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return self.targets.shape[0]

    def take(self, indices: Tensor, generator: torch.Generator | None = None) -> Batch:
        """The examples at `indices`, each from a view drawn with `generator` (view 0 without).

        Returns:
            Features `(indices, channels, height, width)`, decoded, and classes `(indices,)`.
        """
        views = self.features.shape[1]
        rows = indices * views
        if views > 1 and generator is not None:
            view = torch.randint(views, indices.shape, generator=generator, device=generator.device)
            rows = rows + view.to(indices.device)
        # Many times as fast as indexing by example and view.
        features = self.features.flatten(0, 1).index_select(0, rows)
        return decode(features), self.targets[indices]

    def to(self, device: torch.device | str) -> Split:
        """The same examples on `device`."""
        return Split(self.features.to(device), self.targets.to(device))


class TensorTask(LightningDataModule):
    """A LightningDataModule that computes the features of every split once and keeps them.

    A subclass states `input_shape` and `labels`, returns its splits from `load`, and keeps every
    constructor argument as an attribute of the same name (`fingerprint` reads them). Any Lightning
    Trainer can use it; the search reads `splits` directly, which is faster.

    Args:
        batch_size: Examples in a training batch.
        seed: Seed of everything random in the task: synthesis, noise, order of batches.

    Attributes:
        front_end: Makes features of raw input; normalises once the splits are loaded. None where
            the task says nothing about raw input.
    """

    front_end: FrontEnd | None = None

    def __init__(self, batch_size: int = 100, seed: int = 0) -> None:
        super().__init__()
        if batch_size < 2:  # batch normalisation needs two
            raise RenaError(f"batch_size: {batch_size} is not at least 2")
        self.batch_size = batch_size
        self.seed = seed
        self.splits: dict[str, Split] = {}

    @property
    @abstractmethod
    def input_shape(self) -> tuple[int, int, int]:
        """`(channels, height, width)` of an example; in speech, height is frequency, width time."""

    @property
    @abstractmethod
    def labels(self) -> list[str]:
        """The name of each class, in the order of the class indices."""

    @property
    def num_classes(self) -> int:
        """The number of classes."""
        return len(self.labels)

    @abstractmethod
    def load(self) -> dict[str, Split]:
        """The splits `train`, `val` and `test`; called once.

        Raises:
            RenaError: Data are missing or unusable.
        """

    def augment(self, features: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """A training batch `(examples, channels, height, width)`, altered at random."""
        return features

    def listing(self) -> list[str]:
        """One line per file the data come from (relative name, size); empty for made-up data."""
        return []

    def settings(self, leave_out: Collection[str] = PLACES) -> dict[str, Any]:
        """The constructor arguments, of this class and of those it inherits from, by name."""
        names = {
            name
            for cls in type(self).__mro__
            if issubclass(cls, TensorTask)
            for name, parameter in inspect.signature(cls.__init__).parameters.items()
            if name != "self" and parameter.kind is not inspect.Parameter.VAR_KEYWORD
        }
        return {name: getattr(self, name) for name in sorted(names - set(leave_out))}

    def fingerprint(self) -> str:
        """A short hash of what a child is trained and tested on.

        It covers the class, the settings and the names and sizes of the files, but not where they
        lie: moving a data set does not change it. What is in a file may change unseen, if it stays
        as long.
        """
        return short_hash([type(self).__name__, self.settings(), self.listing()])

    def setup(self, stage: str | None = None) -> None:
        """Load the splits, unless they are loaded already."""
        if not self.splits:
            self.splits = self.load()

    def normalise_as(self, front_end: FrontEnd) -> None:
        """Scale the features of a task that is set up by the mean and deviation of another one.

        Args:
            front_end: It has the settings of the task's own, which takes its mean and deviation.
        """
        own = self.front_end
        assert own is not None
        if torch.equal(own.mean, front_end.mean) and torch.equal(own.std, front_end.std):
            return

        def scaled(features: Tensor) -> Tensor:
            again = front_end.normalise(decode(features) * own.std + own.mean)
            return encode(again) if features.dtype == torch.int8 else again.to(features.dtype)

        self.splits = {
            name: Split(torch.cat([*map(scaled, torch.split(split.features, 1000))]), split.targets)
            for name, split in self.splits.items()
        }
        own.mean.copy_(front_end.mean)
        own.std.copy_(front_end.std)

    def train_dataloader(self) -> DataLoader[Batch]:
        """Shuffled batches of the training split; augmented by `on_after_batch_transfer`."""
        return self._dataloader("train", shuffle=True)

    def val_dataloader(self) -> DataLoader[Batch]:
        """The validation split in order."""
        return self._dataloader("val")

    def test_dataloader(self) -> DataLoader[Batch]:
        """The test split in order."""
        return self._dataloader("test")

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Augment the batches a Trainer trains on."""
        if self.trainer is not None and self.trainer.training:
            features, targets = batch
            return self.augment(features), targets
        return batch

    def _dataloader(self, name: str, shuffle: bool = False) -> DataLoader[Batch]:
        batches = _Batches(self.splits[name], self.batch_size, self.seed if shuffle else None)
        return DataLoader(batches, batch_size=None)


class _Batches(torch.utils.data.IterableDataset[Batch]):
    """Whole batches cut from a split by index, in an order that changes with every pass."""

    def __init__(self, split: Split, batch_size: int, seed: int | None) -> None:
        self.split = split
        self.batch_size = batch_size
        self.generator = None if seed is None else torch.Generator().manual_seed(seed)
        self.left_out = 0 if seed is None else 1  # example, which batch normalisation cannot take

    def __len__(self) -> int:
        full, rest = divmod(len(self.split), self.batch_size)
        return full + (rest > self.left_out)

    def __iter__(self) -> Iterator[Batch]:
        examples = len(self.split)
        if self.generator is None:
            order = torch.arange(examples)
        else:
            order = torch.randperm(examples, generator=self.generator)
        for indices in torch.split(order, self.batch_size)[: len(self)]:
            yield self.split.take(indices, self.generator)
