"""Small tasks that a network learns in a second."""

from __future__ import annotations

import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from rena_pl.data.tensor_task import Split, TensorTask

INPUT = (1, 6, 8)
CLASSES = 3


def examples(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Noise, with a bright row that tells the class."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(count, *INPUT, generator=generator)
    targets = torch.arange(count) % CLASSES
    features[torch.arange(count), 0, 2 * targets] += 3
    return features, targets


class TinyTask(TensorTask):
    """Held in memory."""

    input_shape = INPUT
    labels = ["low", "middle", "high"]

    def __init__(self, batch_size: int = 20, seed: int = 0) -> None:
        super().__init__(batch_size, seed)

    def load(self) -> dict[str, Split]:
        sizes = {"train": 120, "val": 60, "test": 60}
        splits = {}
        for number, (name, count) in enumerate(sizes.items()):
            features, targets = examples(count, seed=self.seed * 10 + number)
            splits[name] = Split(features[:, None], targets)
        return splits


class WithoutSplits(LightningDataModule):
    """A LightningDataModule as anyone would write it."""

    input_shape = list(INPUT)
    num_classes = CLASSES

    def setup(self, stage: str) -> None:
        if stage == "fit":
            self.train, self.val = examples(120, 0), examples(60, 1)
        if stage == "test":
            self.test = examples(60, 2)

    def train_dataloader(self) -> DataLoader:
        return DataLoader(TensorDataset(*self.train), batch_size=20, shuffle=True)

    def val_dataloader(self) -> DataLoader:
        return DataLoader(TensorDataset(*self.val), batch_size=20)

    def test_dataloader(self) -> DataLoader:
        return DataLoader(TensorDataset(*self.test), batch_size=20)
