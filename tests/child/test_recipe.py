from __future__ import annotations

import pytest
import torch

from rena_pl.child.fit import memory_format
from rena_pl.child.module import Child, Recipe
from rena_pl.space.named import NAMED


def test_heirs_learn_at_their_share_of_the_rate() -> None:
    recipe = Recipe(learning_rate=0.01, inherited_rate=0.3)
    child = Child(NAMED["tc_resnet8"](), (1, 40, 20), 4, recipe.inherited())
    optimizer, schedule = child.optimizer(20)
    rates = []
    for _ in range(19):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert max(rates) == pytest.approx(0.003, rel=0.05)


def test_networks_with_bands_keep_torchs_own_layout() -> None:
    def layout(name: str) -> torch.memory_format:
        return memory_format(Child(NAMED[name](), (1, 40, 20), 4))

    assert layout("bc_resnet_1") == torch.contiguous_format
    assert layout("tc_resnet8") == torch.channels_last
