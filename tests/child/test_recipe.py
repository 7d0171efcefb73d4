from __future__ import annotations

import pytest

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
