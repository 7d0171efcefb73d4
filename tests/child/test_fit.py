from __future__ import annotations

import pytest
import torch

from rena_pl.child.fit import lay_out
from rena_pl.child.module import Child
from rena_pl.space.named import NAMED


@pytest.mark.parametrize(
    ("name", "layout"),
    [("ds_cnn_s", torch.channels_last), ("bc_resnet_1", torch.contiguous_format)],
)
def test_maps_lie_channels_last_unless_bands_are_cut_of_them(
    name: str, layout: torch.memory_format
) -> None:
    child = Child(NAMED[name](), (1, 40, 20), 4)
    features = torch.randn(2, 1, 40, 20)
    before = child.eval()(features)
    lay_out(child)
    assert torch.allclose(child(features), before, atol=1e-5)
    _, _, maps, *_ = child.network.outputs([features])
    assert min(maps.shape) > 1
    assert maps.is_contiguous(memory_format=layout)


def test_a_1x1_convolution_before_bands_lies_channels_last() -> None:
    child = Child(NAMED["bc_resnet_1"](), (1, 40, 20), 4)
    lay_out(child)
    transition = child.network.layers[1].get_submodule("transition")
    maps = transition(torch.randn(2, 16, 20, 20))
    assert maps.is_contiguous(memory_format=torch.channels_last)
