"""How a branch comes to the height and width of the other."""

from __future__ import annotations

import pytest
import torch

from rena_pl.layers.modules.merge import Resize
from rena_pl.resources.onnx_runtime import inference


@pytest.mark.parametrize(("before", "after"), [(14, 2), (14, 4), (26, 4), (25, 15), (26, 22)])
def test_a_runtime_picks_the_same_rows_and_columns(before: int, after: int) -> None:
    """Where runtimes that interpolate pick others."""
    maps = torch.arange(2 * before * 3.0).view(1, 2, before, 3)
    resize = Resize((after, before)).eval()
    (computed,) = inference(resize, (maps,))()
    assert torch.equal(torch.from_numpy(computed), resize(maps))


def test_rows_are_picked_evenly() -> None:
    maps = torch.arange(14.0).view(1, 1, 14, 1)
    assert Resize((4, 1))(maps).flatten().tolist() == [0, 3, 7, 10]
    assert Resize((28, 1))(maps).flatten().tolist() == [row // 2 for row in range(28)]
