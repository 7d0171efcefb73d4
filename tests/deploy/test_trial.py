"""How far a file may be from what it comes from."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from rena_pl.deploy.trial import Exported, write_tried
from rena_pl.errors import RenaError


class WrongAbout:
    """Runs a file that says the other class for the first few of all examples."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __call__(self, batch: Tensor) -> Tensor:
        if len(batch) == 1:
            return batch
        return torch.cat([1 - batch[: self.count], batch[self.count :]])

    def peak_memory(self, example: Tensor) -> int | None:
        return None


def tried(folder: Path, examples: int, wrong: int, int8: bool) -> Exported:
    targets = torch.arange(examples) % 2
    batch = functional.one_hot(targets, 2).float(), targets
    runner = WrongAbout(wrong)
    return write_tried(b"file", folder / "file", lambda _: runner, nn.Identity(), [batch], int8)


@pytest.mark.parametrize(("examples", "most"), [(20, 1), (100, 1), (199, 1), (200, 2), (2900, 29)])
def test_int8_may_be_wrong_about_one_example_in_a_hundred(
    tmp_path: Path, examples: int, most: int
) -> None:
    exported = tried(tmp_path, examples, most, int8=True)
    assert exported.accuracy == 1 - most / examples
    assert exported.path.read_bytes() == b"file"
    exported.path.unlink()
    with pytest.raises(RenaError, match="points less than in float"):
        tried(tmp_path, examples, most + 1, int8=True)
    assert not any(tmp_path.iterdir())


def test_in_float_one_example_in_a_thousand_may_differ(tmp_path: Path) -> None:
    assert tried(tmp_path, 1000, 1, int8=False).agreement == 0.999
    with pytest.raises(RenaError, match="agrees with PyTorch on 99.80%"):
        tried(tmp_path, 1000, 2, int8=False)
