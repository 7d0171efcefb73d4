"""What searchers with a policy share: its walks, and how it learns from them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.optim import Adam

from rena_pl.architecture import Architecture
from rena_pl.search.policy.encoding import Encoder
from rena_pl.search.policy.episodes import Rules, Walks, walk
from rena_pl.search.policy.gradient import GradientSettings, loss
from rena_pl.search.policy.policy import Policy, PolicySize
from rena_pl.search.searchers.searcher import Ground, Searcher


class PolicySearch(Searcher):
    """A searcher whose policy reads networks and walks from one to the next.

    Args:
        ground: Where it searches.
        steps: Actions an episode.
        draws: How often an action is drawn at most, until its child keeps the hard bounds.
        gradient: How the policy learns.
        size: What the policy network is like.

    Attributes:
        update: How often it has been told what became of an update.
    """

    def __init__(
        self, ground: Ground, steps: int, draws: int, gradient: GradientSettings, size: PolicySize
    ) -> None:
        super().__init__(ground)
        self.steps = steps
        self.draws = draws
        self.gradient = gradient
        self.encoder = Encoder(ground.space, ground.objective, ground.resources)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(ground.seed)
            self.policy = Policy(self.encoder, size)
        self.optimizer = Adam(self.policy.parameters(), lr=gradient.learning_rate)
        self.update = 0

    def walk(self, starts: Sequence[Architecture], generators: Sequence[torch.Generator]) -> Walks:
        """Episodes of the policy as it is."""
        rules = Rules(self.ground.feasible, self._is_new, self.ground.space.holds, self.draws)
        return walk(self.policy, self.encoder, starts, self.steps, generators, rules)

    def _is_new(self, architecture: Architecture) -> bool:
        """Whether evaluating it tells more; on a table, once is enough."""
        return not self.ground.on_table or architecture not in self.known

    def learn(self, walks: Walks, advantages: Tensor) -> None:
        """One step of the policy gradient; `advantages` of every decision, `(T, B)`."""
        choices = self.policy(walks.states, decisions=walks.decisions)
        device = choices.log_prob.device
        loss_ = loss(choices, advantages.flatten().to(device), self.gradient.entropy_bonus)
        self.optimizer.zero_grad()
        torch.autograd.backward(loss_)
        torch.nn.utils.clip_grad_norm_(self.policy.parameters(), self.gradient.gradient_clip)
        self.optimizer.step()
        self.figures = {"loss": loss_.item(), "entropy": choices.entropy.mean().item()}
