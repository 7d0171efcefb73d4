"""What an action is credited with."""

from __future__ import annotations

import torch

from rena_pl.search.policy.gradient import returns


def test_a_step_is_credited_with_its_gain_and_a_share_of_those_after_it() -> None:
    rewards = torch.tensor([[0.5, 0.2], [0.7, 0.6]])
    start = torch.tensor([0.4, 0.4])
    credited = returns(rewards, start, discount=0.5)
    assert torch.allclose(
        credited, torch.tensor([[0.1 + 0.5 * 0.2, -0.2 + 0.5 * 0.4], [0.2, 0.4]]), atol=1e-6
    )
    whole = returns(rewards, start, discount=1.0)
    assert torch.allclose(whole[0], rewards[-1] - start)
