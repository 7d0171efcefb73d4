"""RENA as in the paper: episodes from the best network so far, and the policy gradient alone."""

from __future__ import annotations

import random
from collections.abc import Sequence

import torch
from torch import Tensor

from rena_pl.evaluation.evaluation import Evaluation
from rena_pl.evaluation.lineage import descendants
from rena_pl.search.policy.episodes import Walks, episode_generator
from rena_pl.search.policy.gradient import GradientSettings, returns
from rena_pl.search.policy.policy import PolicySize
from rena_pl.search.searchers.policy_search import PolicySearch
from rena_pl.search.searchers.searcher import Ground, Proposal, by_reward


class Reinforce(PolicySearch):
    """Walks of a policy that the rewards of their children teach (RENA, nesting and gradient).

    Args:
        ground: Where it searches.
        steps: Actions an episode.
        draws: How often an action is drawn at most, until its child keeps the hard bounds; the
            last one stays and is recorded as infeasible.
        gradient: How the policy learns.
        size: What the policy network is like.
    """

    def __init__(
        self,
        ground: Ground,
        steps: int = 3,
        draws: int = 10,
        gradient: GradientSettings = GradientSettings(),
        size: PolicySize = PolicySize(),
    ) -> None:
        super().__init__(ground, steps, draws, gradient, size)
        self.walks: Walks | None = None
        self.met_new = False
        self.parents_of: list[Evaluation | None] = []
        self.rewards: list[list[float]] = []

    @property
    def waves(self) -> int:
        """One for each step of an episode."""
        return self.steps

    def ask(self, count: int) -> list[Proposal]:
        """The next child of each of `count` episodes; it inherits from the one before it."""
        if self.walks is None:
            self.origin = self._origin()
            rng = random.Random(f"{self.ground.seed}/{self.update}/begin")
            begin = self.origin.architecture if self.origin else self.ground.draw(rng)
            generators = [
                episode_generator(self.ground.seed, self.update, number) for number in range(count)
            ]
            self.walks = self.walk([begin] * count, generators)
            self.parents_of = [self.origin] * count
        children = self.walks.architectures[len(self.rewards)]
        return [
            self.heir(child, parent)
            for child, parent in zip(children, self.parents_of, strict=True)
        ]

    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        """Take the rewards in; after the last step of the episodes the policy learns."""
        new = any(child.architecture not in self.known for child in evaluations)
        super().tell(evaluations)
        if self.walks is None:
            return
        self.met_new |= new
        self.rewards.append([evaluation.reward for evaluation in evaluations])
        self.parents_of = [
            child if child.status == "done" else parent
            for child, parent in zip(evaluations, self.parents_of, strict=True)
        ]
        if len(self.rewards) == self.steps:
            before = torch.full((len(evaluations),), self.origin.reward if self.origin else 0.0)
            gained = returns(torch.tensor(self.rewards), before, self.gradient.discount)
            self.learn(self.walks, self._advantages(gained))
            self.walks, self.rewards = None, []
            self.update += 1
            if self.ground.on_table and not self.met_new:
                self.policy.begun.fill_(self.update)
            self.met_new = False

    def _origin(self) -> Evaluation | None:
        """The best network, of those since the episodes began anew; none to begin anywhere."""
        begun = int(self.policy.begun)
        known = self.known.values()
        since = [evaluation for evaluation in known if not begun or evaluation.place[0] >= begun]
        return max(since, key=by_reward, default=None)

    def parents(self, evaluations: Sequence[Evaluation]) -> set[str]:
        """The best network and all that came of it: an episode may meet any of them again."""
        return descendants(evaluations, self.best.key)

    def _advantages(self, gained: Tensor) -> Tensor:
        baseline, mean = self.policy.baseline, gained.mean()
        if baseline.isnan():
            baseline.copy_(mean)
        advantages = gained - baseline.cpu()
        decay = self.gradient.baseline_decay
        baseline.mul_(decay).add_((1 - decay) * mean.to(baseline.device))
        return advantages / advantages.square().mean().sqrt().clamp(min=1e-3)
