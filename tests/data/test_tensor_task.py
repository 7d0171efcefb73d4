import json
import subprocess
import sys

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from torch import nn

from rena_pl.data.tensor_task import Split, TensorTask


class Numbers(TensorTask):
    def __init__(self, root: str = "a", offset: int = 0, batch_size: int = 4, seed: int = 0):
        super().__init__(batch_size=batch_size, seed=seed)
        self.root = root
        self.offset = offset

    input_shape = (1, 1, 1)
    labels = ["even", "odd"]

    def load(self):
        values = torch.arange(10) + self.offset
        train = torch.stack([values, values + 100], 1).float().reshape(10, 2, 1, 1, 1)
        one = Split(train[:, :1], values % 2)
        return {"train": Split(train, values % 2), "val": one, "test": one}

    def augment(self, features, generator=None):
        return features + 0.5


class Child(LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(1, 2)
        self.seen = {"train": [], "val": []}

    def training_step(self, batch, _):
        self.seen["train"].append(batch[0])
        return nn.functional.cross_entropy(self.layer(batch[0].flatten(1)), batch[1])

    def validation_step(self, batch, _):
        self.seen["val"].append(batch[0])

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.01)


def test_take_draws_views_only_with_a_generator():
    split = Numbers().load()["train"]
    indices = torch.arange(10).repeat(20)
    assert split.take(indices)[0].max() < 100
    features, targets = split.take(indices, torch.Generator().manual_seed(0))
    values = features.flatten().long()
    assert torch.equal(values % 100, indices)
    assert torch.equal(targets, indices % 2)
    assert set((values // 100).tolist()) == {0, 1}


def test_take_decodes_codes():
    codes = torch.randint(-128, 128, (10, 3, 1, 4, 5), dtype=torch.int8)
    features, _ = Split(codes, torch.zeros(10)).take(torch.tensor([7, 2]))
    assert torch.equal(features, codes[[7, 2], 0] / 16)


def test_train_batches_cover_the_split_in_another_order_every_epoch():
    task = Numbers()
    task.setup()
    loader = task.train_dataloader()
    first, second = ([t % 100 for b, _ in loader for t in b.flatten().tolist()] for _ in range(2))
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    again = Numbers()
    again.setup()
    assert [t % 100 for b, _ in again.train_dataloader() for t in b.flatten().tolist()] == first
    assert len(loader) == 3


def test_a_trainer_augments_training_batches_only(tmp_path):
    child = Child()
    trainer = Trainer(
        max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, default_root_dir=tmp_path,
    )  # fmt: skip
    trainer.fit(child, datamodule=Numbers())
    assert all((batch % 1 == 0.5).all() for batch in child.seen["train"])
    assert len(child.seen["train"]) == 3
    assert all((batch % 1 == 0).all() for batch in child.seen["val"])


@pytest.mark.parametrize("change", [{"offset": 1}, {"seed": 1}, {"batch_size": 5}])
def test_fingerprint_changes_with_every_setting_but_the_place(change):
    assert Numbers().fingerprint() == Numbers(root="b").fingerprint()
    assert Numbers(**change).fingerprint() != Numbers().fingerprint()


def test_importing_the_package_loads_no_torch():
    code = "import sys, rena_pl.data, json; print(json.dumps('torch' in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert json.loads(done.stdout) is False


def test_every_public_class_can_be_loaded():
    import rena_pl.data

    for name in rena_pl.data.__all__:
        assert getattr(rena_pl.data, name).__name__ == name
    with pytest.raises(AttributeError, match="Nothing"):
        _ = rena_pl.data.Nothing
