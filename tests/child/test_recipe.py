from __future__ import annotations

import pytest

from rena_pl.child.module import Child, Recipe
from rena_pl.errors import RenaError
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


@pytest.mark.parametrize("warm_up", [0.01, 0.05, 0.25, 0.9, 0.999])
@pytest.mark.parametrize("steps", [1, 2, 3, 4, 20, 100])
def test_the_rate_rises_to_its_peak_and_falls_to_nothing(warm_up: float, steps: int) -> None:
    child = Child(NAMED["tc_resnet8"](), (1, 40, 20), 4, Recipe(0.01, warm_up=warm_up))
    optimizer, schedule = child.optimizer(steps)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates[0] < 0.001
    if steps >= 3:
        assert max(rates) == pytest.approx(0.01, rel=0.2)
        assert rates[-1] < 0.0005


@pytest.mark.parametrize("warm_up", [0, 1, 1.5, float("nan")])
def test_a_rate_that_never_falls_is_refused(warm_up: float) -> None:
    with pytest.raises(RenaError, match=r"child\.warm_up must be between 0 and 1"):
        Recipe(warm_up=warm_up)
