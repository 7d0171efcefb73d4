"""Episodes: walks of T actions from a start, sampled by the policy and evaluated in waves."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rena_pl.architecture import Architecture
from rena_pl.evaluation.evaluation import Candidate, Evaluation
from rena_pl.search.encoding import Encoder, States
from rena_pl.search.policy import Draw, Policy

ProfileOf = Callable[[Architecture], dict[str, float]]
EvaluateAll = Callable[[Sequence[Candidate]], list[Evaluation]]


@dataclass(frozen=True)
class Walks:
    """The episodes of one update; B episodes of T steps.

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


@torch.no_grad()
def walk(
    policy: Policy,
    encoder: Encoder,
    profile_of: ProfileOf,
    start: Architecture,
    steps: int,
    generators: Sequence[torch.Generator],
    may_train: Callable[[dict[str, float]], bool] = lambda use: True,
    draws: int = 1,
) -> Walks:
    """Sample episodes from `start`, one for every generator.

    An action whose child may not be trained costs nothing, and is drawn anew. The policy gradient
    scores what is kept as if it had been drawn at once: it leaves out how likely that was.

    Args:
        policy: Decides.
        encoder: Reads architectures for it.
        profile_of: The resource use of an architecture.
        start: Where every episode begins.
        steps: Actions an episode.
        generators: One an episode.
        may_train: Whether a child with that resource use keeps the hard bounds.
        draws: How often an action is drawn at most; the last one stays.
    """
    device = policy.hyper_open.device
    current = [start] * len(generators)
    states, decisions, children = [], [], []
    for _ in range(steps):
        seen = encoder.encode(current, [profile_of(architecture) for architecture in current])
        made, grown = [torch.empty(0)] * len(current), list(current)
        open_ = list(range(len(current)))
        for _ in range(draws):
            draw = Draw([generators[episode] for episode in open_])
            drawn = policy(seen.rows(open_).to(device), draw=draw).decisions
            for episode, decision in zip(open_, drawn, strict=True):
                made[episode] = decision
                grown[episode] = encoder.action(decision.tolist()).apply(current[episode])
            open_ = [at for at in open_ if not may_train(profile_of(grown[at]))]
            if not open_:
                break
        current = grown
        states.append(seen)
        decisions.append(torch.stack(made))
        children.append(current)
    return Walks(States.cat(states).to(device), torch.cat(decisions), children)


@dataclass(frozen=True)
class Training:
    """How much the children of a wave are trained.

    Attributes:
        epochs: What each child gets, and what each of the better half gets more, every time.
        halvings: How often the better half is trained on.
        stop_below: A child with less than this share of the best reward before the update is
            trained no further.
    """

    epochs: int
    halvings: int = 0
    stop_below: float = 0.0

    @property
    def epochs_a_child(self) -> float:
        """On average, if no child is stopped."""
        return self.epochs * (2 - 0.5**self.halvings)


def evaluate_walks(
    walks: Walks,
    start: Evaluation,
    training: Training,
    update: int,
    evaluate_all: EvaluateAll,
) -> list[list[Evaluation]]:
    """Evaluate the children of some episodes, `[T][B]`, one step of all episodes at a time.

    A child inherits from the one before it in its episode that was trained; from the start
    network if none was.
    """
    parents = [start] * len(walks.architectures[0])
    evaluations = []
    for step, children in enumerate(walks.architectures):
        wave = evaluate_all(
            [
                Candidate(child, parent.key, training.epochs, (update, episode, step))
                for episode, (child, parent) in enumerate(zip(children, parents, strict=True))
            ]
        )
        wave = _train_on(wave, start, training, (update, step), evaluate_all)
        parents = [
            child if child.status == "done" else parent
            for child, parent in zip(wave, parents, strict=True)
        ]
        evaluations.append(wave)
    return evaluations


def _train_on(
    wave: list[Evaluation],
    start: Evaluation,
    training: Training,
    moment: tuple[int, int],
    evaluate_all: EvaluateAll,
) -> list[Evaluation]:
    """Give the better half more, and of that the better half again (arXiv 1502.07943).

    Returns:
        The last evaluation of every child.
    """
    update, step = moment
    latest = {child.key: child for child in wave}
    episodes = {child.key: episode for episode, child in enumerate(wave)}
    running = list(latest)
    for rung in range(1, training.halvings + 1):
        running.sort(key=lambda key: -latest[key].reward)
        running = [
            key
            for key in running[: len(running) // 2]
            if latest[key].status == "done"
            and latest[key].reward >= training.stop_below * start.reward
        ]
        trained = evaluate_all(
            [
                Candidate(
                    latest[key].architecture,
                    latest[key].key,
                    training.epochs,
                    (update, episodes[key], step),
                    rung,
                )
                for key in running
            ]
        )
        latest |= {
            key: child
            for key, child in zip(running, trained, strict=True)
            if child.status == "done"
        }
    return [latest[child.key] for child in wave]
