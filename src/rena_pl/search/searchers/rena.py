"""RENA with a model of the reward: the policy learns from episodes that nobody had to train."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import nlargest
from operator import itemgetter

import torch
from torch import Tensor

from rena_pl.architecture import Architecture
from rena_pl.errors import require_at_least
from rena_pl.evaluation.evaluation import Evaluation
from rena_pl.search.policy.episodes import Walks, episode_generator
from rena_pl.search.policy.gradient import GradientSettings, returns
from rena_pl.search.policy.policy import PolicySize
from rena_pl.search.predictor.predictor import Predictor
from rena_pl.search.predictor.reader import Descriptions, Reader
from rena_pl.search.searchers.neighbourhood import a_few_actions, neighbour, usage
from rena_pl.search.searchers.policy_search import PolicySearch
from rena_pl.search.searchers.searcher import Ground, Proposal
from rena_pl.space.runs import act, spliced
from rena_pl.space.search_space import SearchSpace

ROWS, NETWORKS = 400, 100
"""Random architectures that show the predictor what is much and what is little."""
WARM_UP_EPISODES = 12
CLIMBS, NEIGHBOURS = 6, 20
"""How often candidates near the most promising ones are looked for, and how many near each."""
IMAGINED_DRAWS = 2
"""How often an imagined action is drawn at most: leaving the bounds teaches the policy too."""
INFEASIBLE = -2.0
"""The imagined reward at a hard bound that is broken, on the model's scale; further out less."""
MOST = 300
"""As many evaluations are taken in at most: a Gaussian process takes their number cubed."""

Candidates = dict[Architecture, Evaluation | None]
"""Feasible architectures, with the evaluation that each would inherit from."""
Heirs = Sequence[tuple[Architecture, Evaluation | None]]
"""Architectures to be trained, each with the evaluation that it inherits from."""
Reward = Callable[[Heirs], Tensor]


@dataclass(frozen=True)
class Imagination:
    """How the model of the reward is used.

    Attributes:
        first: So many architectures have to be known before there is a model; until then, some of
            the largest within the bounds are trained.
        warm_up: Updates of the policy from the bounds alone, before a child is trained.
        updates: Updates of the policy from imagined episodes, before each choice.
        episodes: Episodes in each of them, for every child that is asked for; what they come upon
            are candidates.
        candidates: Candidates besides: near the best; on a table, half of them random.
        elite: From how many of the best networks episodes and candidates start.
    """

    first: int = 4
    warm_up: int = 30
    updates: int = 1
    episodes: int = 2
    candidates: int = 600
    elite: int = 5

    def __post_init__(self) -> None:
        require_at_least(0, "imagination", self, "first", "warm_up", "updates")
        require_at_least(1, "imagination", self, "episodes", "candidates", "elite")


class Rena(PolicySearch):
    """Trains what is expected to improve most on the best, of all that the policy comes upon.

    Args:
        ground: Where it searches.
        steps: Actions an episode.
        child_epochs: What a child is trained for.
        gradient: How the policy learns.
        size: What the policy network is like.
        imagination: How the model is used.
    """

    def __init__(
        self,
        ground: Ground,
        steps: int = 3,
        child_epochs: int = 1,
        gradient: GradientSettings = GradientSettings(),
        size: PolicySize = PolicySize(),
        imagination: Imagination = Imagination(),
    ) -> None:
        super().__init__(ground, steps, IMAGINED_DRAWS, gradient, size)
        self.imagination = imagination
        self.child_epochs = child_epochs
        self.asked = False
        self.reader = Reader(self.encoder, self._reference())
        self.predictor = Predictor(self.reader)

    def ask(self, count: int) -> list[Proposal]:
        """The most promising candidates; fewer where nothing new is found."""
        self.asked = True
        rng = random.Random(f"{self.ground.seed}/{self.update}/candidates")
        if self.update == 0:
            self.warm_up()
        modelled = len(self.ground.past) + len(self.seen) >= max(2, self.imagination.first)
        if modelled:
            self._fit()
        reward = self._expected_rewards if modelled else self._edge_rewards
        candidates = self._candidates(rng)
        for number in range(self.imagination.updates):
            episodes = self.imagination.episodes * count
            walks, parents = self._imagine(number, episodes, reward, rng)
            for wave in walks.architectures:
                for child, parent in zip(wave, parents, strict=True):
                    if self.ground.feasible(child):
                        candidates.setdefault(child, parent)
        for architecture in self.known:
            candidates.pop(architecture, None)
        if not candidates:
            new = [one for one in self.ground.listed if one not in self.known]
            candidates = dict.fromkeys(new[: self.imagination.candidates])
        if modelled and self.ground.on_table:
            self._climb(candidates, rng)
        choose = self._by_improvement if modelled else self._by_size
        before = {evaluation.key for evaluation in self.ground.past}
        chosen = [(made, candidates[made]) for made in choose(candidates, count, rng)]
        return [
            self.heir(made, None if parent and parent.key in before else parent)
            for made, parent in chosen
        ]

    def warm_up(self) -> None:
        """Let the policy learn to stay inside the hard bounds and near them; nothing is trained."""
        rng = random.Random(f"{self.ground.seed}/warm-up")
        for number in range(self.imagination.warm_up):
            self._imagine(-1 - number, WARM_UP_EPISODES, self._edge_rewards, rng)

    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        """Take the rewards in."""
        super().tell(evaluations)
        self.update += self.asked
        self.asked = False

    def parents(self, evaluations: Sequence[Evaluation]) -> set[str]:
        """The best networks."""
        return {evaluation.key for evaluation in self._elite()}

    def _reference(self) -> list[Architecture]:
        """Architectures as candidates are at first, if enough of them keep the bounds."""
        ground, rng = self.ground, self.rng
        if ground.start is None:
            drawn = [ground.space.draw(None, rng) for _ in range(ROWS)]
        else:
            drawn = [neighbour(ground, ground.start, rng) for _ in range(NETWORKS)]
        feasible = [architecture for architecture in drawn if ground.feasible(architecture)]
        return feasible if len(feasible) >= 10 else [a for a in drawn if ground.space.holds(a)]

    @property
    def _from_scratch(self) -> bool:
        """Whether networks are trained that inherit nothing."""
        return not self.ground.on_table and not self.ground.inherits

    # Candidates, and how they are chosen.

    def _elite(self) -> list[Evaluation]:
        """The best networks, whose children candidates are."""
        return nlargest(self.imagination.elite, self.trained, key=lambda e: e.reward)

    def _best_before(self) -> list[Evaluation]:
        """The best networks of an earlier search, whether or not they keep the bounds of this."""
        distinct = {evaluation.architecture: evaluation for evaluation in self.ground.past}
        return nlargest(self.imagination.elite, distinct.values(), key=self._reward)

    def _candidates(self, rng: random.Random) -> Candidates:
        """Feasible architectures near the best, on a table also at random; with their parents.

        From scratch, near the best of an earlier search too, brought inside the bounds of this one.

        Few random networks are any good, and the model knows least of them: once there is one, they
        would be all that is trained.
        """
        trained, elite = self.trained, self._elite()
        if self._from_scratch:
            trained, elite = [*trained, *self.ground.past], [*elite, *self._best_before()]
        origins: list[Evaluation | None] = [*elite] or [None]
        found: Candidates = {}
        for number in range(self.imagination.candidates):
            parent = origins[number % len(origins)]
            begun = self._begin(parent, rng)
            if not self.ground.on_table:
                if parent and self._from_scratch:
                    parent, begun = crossed(self.ground.space, parent, rng.choice(trained), rng)
                made = neighbour(self.ground, begun, rng)
            elif parent is None or number % 2:
                made = self.ground.space.draw(begun, rng)
            else:
                made = a_few_actions(self.ground, begun, rng)
            if self.ground.feasible(made):
                found.setdefault(made, parent)
        return found

    def _begin(self, parent: Evaluation | None, rng: random.Random) -> Architecture:
        if parent is not None:
            return parent.architecture
        return self.ground.start or self.ground.draw(rng)

    def _climb(self, candidates: Candidates, rng: random.Random) -> None:
        """Add what lies uphill of the most promising candidates, by the expected improvement.

        For tables: in a space of networks that leads away from all that is known.
        """
        expected = self._improvement(candidates)
        for _ in range(CLIMBS):
            promising = nlargest(self.imagination.elite, expected.items(), key=itemgetter(1))
            near: Candidates = {}
            for made, _ in promising:
                for _ in range(NEIGHBOURS):
                    child = act(self.ground.space, made, rng)
                    new = child not in expected and child not in self.known
                    if new and self.ground.feasible(child):
                        near.setdefault(child, candidates[made])
            expected |= self._improvement(near)
            candidates |= near

    def _improvement(self, candidates: Candidates) -> dict[Architecture, float]:
        """By how much each is expected to surpass the best."""
        if not candidates:
            return {}
        outlook = self.predictor.outlook(self._describe([*candidates.items()]))
        return dict(zip(candidates, outlook.expected_improvement().tolist(), strict=True))

    def _by_size(
        self, candidates: Candidates, count: int, rng: random.Random
    ) -> list[Architecture]:
        """Some of the largest, of those that keep the soft bounds too if there are any.

        Any of these, if the start network is among the largest itself.
        """
        if not candidates:
            return []
        profile, keeps = self.ground.resources.profile, self.ground.objective.meets_all
        within = [made for made in candidates if keeps(profile(made))] or list(candidates)
        shares = self.reader.share_of_usual(within).tolist()
        share = dict(zip(within, shares, strict=True))
        largest = sorted(within, key=lambda made: -share[made])[: max(count, len(within) // 20)]
        start = self.ground.start
        if start and float(self.reader.share_of_usual([start])) >= share[largest[-1]]:
            largest = within
        return rng.sample(largest, min(count, len(largest)))

    def _by_improvement(
        self, candidates: Candidates, count: int, rng: random.Random
    ) -> list[Architecture]:
        """Those that are expected to improve most on the best, one after the other."""
        left = list(candidates)
        if not left:
            return []
        outlook = self.predictor.outlook(self._describe([*candidates.items()]))
        chosen: list[Architecture] = []
        open_ = torch.ones(len(left), dtype=torch.bool)
        for _ in range(min(count, len(left))):
            expected = outlook.expected_improvement()
            best = int(expected.masked_fill(~open_, -1.0).argmax())
            open_[best] = False
            chosen.append(left[best])
            if len(chosen) < count:
                outlook.believe(best)
        return chosen

    # What the policy imagines.

    def _imagine(
        self, number: int, episodes: int, reward: Reward, rng: random.Random
    ) -> tuple[Walks, list[Evaluation | None]]:
        """Episodes that nobody trains, from which the policy learns; and where they began."""
        elite: list[Evaluation | None] = [*self._elite()] or [None]
        parents = [rng.choice(elite) for _ in range(episodes)]
        starts = [self._begin(parent, rng) for parent in parents]
        generators = [
            episode_generator(self.ground.seed, self.update, 1000 * number + episode)
            for episode in range(len(starts))
        ]
        walks = self.walk(starts, generators)
        waves = [[*zip(wave, parents, strict=True)] for wave in (starts, *walks.architectures)]
        before, *rewards = map(reward, waves)
        gained = returns(torch.stack(rewards), before, self.gradient.discount)
        advantages = gained - gained.mean()
        self.learn(walks, advantages / advantages.square().mean().sqrt().clamp(min=1e-3))
        return walks, parents

    def _edge_rewards(self, heirs: Heirs) -> Tensor:
        """How near each comes to the bounds from inside; known before any training."""
        feasible = self.ground.feasible
        return torch.tensor(
            [self._nearness(made) if feasible(made) else self._outside(made) for made, _ in heirs]
        )

    def _expected_rewards(self, heirs: Heirs) -> Tensor:
        """What the model predicts."""
        means = self.predictor.outlook(self._describe(heirs)).expected.tolist()
        return torch.tensor(
            [
                mean if self.ground.feasible(made) else self._outside(made)
                for (made, _), mean in zip(heirs, means, strict=True)
            ]
        )

    def _outside(self, architecture: Architecture) -> float:
        return INFEASIBLE - min(1.0, self.ground.violation(architecture))

    def _nearness(self, architecture: Architecture) -> float:
        """How much of the bounds it uses; without upper bounds, how large it is."""
        use = usage(self.ground, architecture)
        return float(self.reader.share_of_usual([architecture])) if use is None else use

    def _describe(self, heirs: Heirs) -> Descriptions:
        """As they would be after being trained as children."""
        inherits = self.ground.inherits and not self.ground.on_table
        trained = [self.child_epochs + (p.trained if p and inherits else 0) for _, p in heirs]
        parents = [parent.architecture if parent and inherits else None for _, parent in heirs]
        return self.reader.read([architecture for architecture, _ in heirs], trained, parents)

    def _fit(self) -> None:
        """Go by all that was seen, or of too many by the best and the latest."""
        past = self.ground.past
        known = [*past, *self.seen]
        rewards = [*map(self._reward, past), *(e.reward for e in self.seen)]
        used = best_and_latest(rewards, len(past), MOST)
        data, own = self._read([known[n] for n in used]), [n >= len(past) for n in used]
        # An earlier search may have known but larger networks than are usual here, or smaller ones.
        shifted = self._from_scratch and not all(own)
        usual_size = float(data.size.median()) if shifted else 0.0
        self.predictor.fit(data, [rewards[n] for n in used], own, usual_size)

    def _reward(self, earlier: Evaluation) -> float:
        """What an earlier network would have got here, if it kept the hard bounds."""
        assert earlier.accuracy is not None
        use = self.ground.resources.profile(earlier.architecture)
        return self.ground.objective.softened(earlier.accuracy, use)

    def _read(self, evaluations: Sequence[Evaluation]) -> Descriptions:
        by_key = {e.key: e.architecture for e in (*self.ground.past, *self.seen)}
        return self.reader.read(
            [evaluation.architecture for evaluation in evaluations],
            [evaluation.trained for evaluation in evaluations],
            [by_key.get(e.parent) if e.parent and e.inherited else None for e in evaluations],
        )


def crossed(
    space: SearchSpace, good: Evaluation, other: Evaluation, rng: random.Random
) -> tuple[Evaluation, Architecture]:
    """One of two networks, or parts of both; and before it the one whose first layers it has.

    Heirs stay near the best, whose weights are there. Others need not: as long as it is the best
    alone that are changed, all that is trained is soon of one kind.
    """
    front, back = (good, other) if rng.random() < 0.5 else (other, good)
    if rng.random() < 0.5:
        return front, front.architecture
    return front, spliced(space, front.architecture, back.architecture, rng)


def best_and_latest(rewards: Sequence[float], earlier: int, most: int) -> list[int]:
    """Numbers of the evaluations to go by: all, or of too many half the best, half the latest.

    However many of the first, from an earlier search, are better, the best of the others is among
    them: it is to be surpassed.

    Args:
        rewards: Of all evaluations, in order.
        earlier: How many of the first are of an earlier search.
        most: How many to go by at most.
    """
    numbers = range(len(rewards))
    if len(rewards) <= most:
        return list(numbers)
    best = set(sorted(numbers, key=lambda n: (-rewards[n], -n))[: most // 2])
    best |= set(nlargest(1, numbers[earlier:], key=lambda n: rewards[n]))
    others = [n for n in numbers if n not in best]
    return sorted([*best, *others[len(best) - most :]])
