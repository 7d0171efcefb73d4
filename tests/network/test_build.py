from __future__ import annotations

import weakref

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


def test_a_tensor_that_no_layer_reads_any_more_is_let_go() -> None:
    network = build(NAMED["resnet20"](), (3, 8, 8), 3).eval()
    made: list[weakref.ref[torch.Tensor]] = []
    alive: list[int] = []
    for layer in network.layers:
        layer.register_forward_hook(lambda *given: made.append(weakref.ref(given[-1])))
    network.head.register_forward_pre_hook(
        lambda *_: alive.append(sum(output() is not None for output in made))
    )
    with torch.inference_mode():
        network(torch.randn(2, 3, 8, 8))
    assert len(made) > 10
    assert alive == [1]
