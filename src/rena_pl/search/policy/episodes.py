"""Episodes: walks of T actions, sampled by the policy."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rena_pl.architecture import Architecture
from rena_pl.search.policy.encoding import Encoder, States
from rena_pl.search.policy.policy import Draw, Policy


@dataclass(frozen=True)
class Walks:
    """Some episodes; B episodes of T steps.

    Attributes:
        states: What the policy saw at every step, step by step: `T * B` states.
        decisions: What it decided there, `(T * B, decisions)`.
        architectures: The children, `[T][B]`.
    """

    states: States
    decisions: Tensor
    architectures: list[list[Architecture]]


def episode_generator(seed: int, update: int, episode: int) -> torch.Generator:
    """The generator of one episode: the same on every worker, and after every resume."""
    mixed = random.Random(f"{seed}/{update}/{episode}").getrandbits(63)
    return torch.Generator().manual_seed(mixed)


@dataclass(frozen=True)
class Rules:
    """What a walk goes by.

    Attributes:
        may_train: Whether a child keeps the hard bounds.
        is_new: Whether there is something to learn from training it.
        exists: Whether there is such a child; if not, the walk stays where it is.
        draws: How often an action is drawn at most; of the last ones one that may be trained stays,
            if there was any.
    """

    may_train: Callable[[Architecture], bool] = lambda architecture: True
    is_new: Callable[[Architecture], bool] = lambda architecture: True
    exists: Callable[[Architecture], bool] = lambda architecture: True
    draws: int = 1


@torch.no_grad()
def walk(
    policy: Policy,
    encoder: Encoder,
    starts: Sequence[Architecture],
    steps: int,
    generators: Sequence[torch.Generator],
    rules: Rules = Rules(),
) -> Walks:
    """Sample episodes, one for every start.

    Args:
        policy: Decides.
        encoder: Reads architectures for it.
        starts: Where the episodes begin.
        steps: Actions an episode.
        generators: One an episode.
        rules: Which actions are drawn anew.
    """
    device = policy.hyper_open.device
    current = list(starts)
    states, decisions, children = [], [], []
    for _ in range(steps):
        seen = encoder.encode(current)
        decided, grown = _act(policy, encoder, seen, current, generators, rules)
        current = [
            child if rules.exists(child) else before
            for child, before in zip(grown, current, strict=True)
        ]
        states.append(seen)
        decisions.append(decided)
        children.append(current)
    return Walks(States.cat(states).to(device), torch.cat(decisions), children)


def _act(
    policy: Policy,
    encoder: Encoder,
    seen: States,
    current: Sequence[Architecture],
    generators: Sequence[torch.Generator],
    rules: Rules,
) -> tuple[Tensor, list[Architecture]]:
    """One action of every episode: the decisions, `(B, decisions)`, and the children.

    An action whose child may not be trained, or is known, costs nothing, and is drawn anew. The
    policy gradient scores what is kept as if it had been drawn at once: it leaves out how likely
    that was.
    """
    decided, grown = [torch.empty(0)] * len(current), list(current)
    open_ = list(range(len(current)))
    for _ in range(rules.draws):
        draw = Draw([generators[episode] for episode in open_])
        drawn = policy(seen.rows(open_).to(policy.hyper_open.device), draw=draw).decisions
        for episode, decision in zip(open_, drawn, strict=True):
            child = encoder.action(decision.tolist()).apply(current[episode])
            first = not decided[episode].numel()
            if first or rules.may_train(child) or not rules.may_train(grown[episode]):
                decided[episode], grown[episode] = decision, child
        open_ = [at for at in open_ if not (rules.may_train(grown[at]) and rules.is_new(grown[at]))]
        if not open_:
            break
    return torch.stack(decided), grown
