"""REINFORCE with a moving baseline and an entropy bonus (RENA, gradient)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from rena_pl.errors import RenaError, require_at_least
from rena_pl.search.policy.policy import Choices


@dataclass(frozen=True)
class GradientSettings:
    """How the policy learns.

    Attributes:
        learning_rate: Of Adam.
        discount: How much a step is credited with the rewards of the steps after it.
        baseline_decay: How slowly the moving baseline follows the returns.
        entropy_bonus: Weight of the entropy, which keeps the policy trying things.
        gradient_clip: Largest norm of the gradient.
    """

    learning_rate: float = 0.005
    discount: float = 0.5
    baseline_decay: float = 0.8
    entropy_bonus: float = 0.02
    gradient_clip: float = 1.0

    def __post_init__(self) -> None:
        require_at_least(0, "gradient", self, "learning_rate", "entropy_bonus", "gradient_clip")
        for name in ("discount", "baseline_decay"):
            if not 0 <= getattr(self, name) <= 1:
                raise RenaError(f"gradient.{name} must be from 0 to 1, not {getattr(self, name)}")


def returns(rewards: Tensor, start_rewards: Tensor, discount: float) -> Tensor:
    """What each action was good for, `(T, B)`: the discounted gains in reward from it on.

    The gain of a step is its child's reward less that of the network it started from, so that an
    action is not praised for what the actions before it achieved.

    Args:
        rewards: Of every child, `(T, B)`.
        start_rewards: Of the networks that the episodes started from, `(B,)`.
        discount: See `GradientSettings`.
    """
    before = torch.cat([start_rewards[None], rewards[:-1]])
    gains = rewards - before
    result = torch.zeros_like(gains)
    following = torch.zeros_like(gains[0])
    for step in reversed(range(len(gains))):
        following = gains[step] + discount * following
        result[step] = following
    return result


def loss(choices: Choices, advantages: Tensor, entropy_bonus: float) -> Tensor:
    """The REINFORCE loss of some decisions with their advantages, `(T * B,)`."""
    return -(choices.log_prob * advantages).mean() - entropy_bonus * choices.entropy.mean()
