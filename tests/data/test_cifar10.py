import pickle

import numpy as np
import pytest
import torch
from torchvision import datasets

from rena_pl.data import CIFAR10
from rena_pl.errors import RenaError


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Files as torchvision expects them, with 20 images each; only the checksums are not theirs."""
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    draw = np.random.default_rng(0)
    names = [f"data_batch_{n}" for n in range(1, 6)] + ["test_batch"]
    for name in names:
        pixels = draw.integers(0, 256, (20, 3072), dtype=np.uint8)
        content = {"data": pixels, "labels": list(range(10)) * 2}
        (folder / name).write_bytes(pickle.dumps(content))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": list("abcdefghij")}))
    monkeypatch.setattr(datasets.CIFAR10, "_check_integrity", lambda self: True)
    monkeypatch.setitem(datasets.CIFAR10.meta, "md5", None)
    return tmp_path


def test_splits(root):
    task = CIFAR10(root, validation_examples=20)
    task.setup()
    assert {name: split.features.shape for name, split in task.splits.items()} == {
        "train": (80, 1, 3, 32, 32), "val": (20, 1, 3, 32, 32), "test": (20, 1, 3, 32, 32)
    }  # fmt: skip
    assert task.splits["val"].targets.bincount().tolist() == [2] * 10
    assert task.splits["train"].features.mean((0, 1, 3, 4)).abs().max() < 1e-3
    again = CIFAR10(root, validation_examples=20)
    again.setup()
    assert torch.equal(again.splits["val"].features, task.splits["val"].features)
    assert task.num_classes == 10


def test_files_with_other_content_are_not_unpickled(root, monkeypatch):
    monkeypatch.undo()
    with pytest.raises(RenaError, match="no complete CIFAR-10"):
        CIFAR10(root).setup()


def test_missing_data_are_an_error_that_says_what_to_do(tmp_path):
    with pytest.raises(RenaError, match=r"set data.root or download: true"):
        CIFAR10(tmp_path).setup()


def test_impossible_settings_are_refused(tmp_path):
    with pytest.raises(RenaError, match="validation_examples"):
        CIFAR10(tmp_path, validation_examples=60_000)


@pytest.mark.data
def test_image_files_of_the_same_data(real_data):
    task = CIFAR10(real_data / "cifar10_small")
    task.setup()
    assert {name: len(split) for name, split in task.splits.items()} == {
        "train": 9000, "val": 1000, "test": 2000
    }  # fmt: skip
    assert task.fingerprint() != CIFAR10("elsewhere").fingerprint()


def test_image_files_of_other_classes_are_refused(tmp_path):
    for split in ("train", "test"):
        for label in ("apple", "pear"):
            (tmp_path / split / label).mkdir(parents=True)
    with pytest.raises(RenaError, match="are not the classes of CIFAR-10"):
        CIFAR10(tmp_path).setup()
