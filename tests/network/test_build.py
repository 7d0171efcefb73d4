from __future__ import annotations

import pytest
import torch

from rena_pl.network.build import build
from rena_pl.space.named import NAMED


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_gradients_lie_as_the_maps_do(layout: torch.memory_format) -> None:
    network = build(NAMED["ds_cnn_s"](), (1, 20, 12), 3).to(memory_format=layout)
    of_maps, of_gradients = [], []
    for layer in network.layers:
        layer.register_forward_hook(lambda *given: of_maps.append(given[-1].stride()))
        layer.register_full_backward_pre_hook(
            lambda _, gradients: of_gradients.append(gradients[0].stride())
        )
    network(torch.randn(4, 1, 20, 12)).sum().backward()
    assert of_gradients == of_maps[::-1]
