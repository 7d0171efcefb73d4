"""What the figures and tables of a report show, worked out from a run."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist, fmean

from rena_pl.evaluation.evaluation import Evaluation
from rena_pl.report.changes import Change, changes
from rena_pl.report.run import Run
from rena_pl.search.final import full_training

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A share with its confidence interval, all as fractions."""

    share: float
    low: float
    high: float
    total: int


def wilson(right: int, total: int) -> Interval:
    """The 95% Wilson score interval of `right` out of `total` (Wilson 1927, JASA 22)."""
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    share = right / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * sqrt(share * (1 - share) / total + z * z / (4 * total**2))
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return Interval(share, min(low, share), max(high, share), total)


def prefers_more(run: Run, entry: str) -> bool:
    """Whether more of a resource is better: it has a lower bound and no upper one."""
    bound = run.bound(entry)
    return bound is not None and bound.max is None


def pareto_front(run: Run, entry: str) -> list[Evaluation]:
    """Of all trained networks inside the bounds those that no other beats in both, cheapest first.

    Args:
        run: The search.
        entry: The resource that accuracy is held against.
    """
    sign = -1 if prefers_more(run, entry) else 1
    inside = [
        e
        for e in [*run.searched, *run.in_full]
        if is_trained(e) and run.objective.meets_all(e.profile)
    ]
    inside.sort(key=lambda e: (sign * e.profile[entry], -accuracy(e)))
    front: list[Evaluation] = []
    for evaluation in inside:
        if not front or accuracy(evaluation) > accuracy(front[-1]):
            front.append(evaluation)
    return front


def is_trained(evaluation: Evaluation) -> bool:
    """Whether there is an accuracy."""
    return evaluation.status == "done" and evaluation.accuracy is not None


def accuracy(evaluation: Evaluation) -> float:
    """The accuracy of a trained network."""
    assert evaluation.accuracy is not None
    return evaluation.accuracy


@dataclass(frozen=True)
class Update:
    """One update of a search.

    Attributes:
        number: From 1 on.
        rewards: Of the networks that were new in it.
        best: The best reward so far.
        feasible: The share of its networks that keep the hard bounds.
        actions: How often each action made a network of it.
    """

    number: int
    rewards: list[float]
    best: float
    feasible: float
    actions: Counter[str]

    @property
    def mean(self) -> float:
        """The mean reward."""
        return fmean(self.rewards)


def updates(run: Run) -> list[Update]:
    """Every update that met new networks; without those the ledger has nothing to tell of it."""
    by_update: dict[int, list[Evaluation]] = defaultdict(list)
    best = max((e.reward for e in run.searched if e.part == "start"), default=float("-inf"))
    for evaluation in run.searched:
        if evaluation.part != "start":
            by_update[evaluation.place[0]].append(evaluation)
    found = []
    for number, children in sorted(by_update.items()):
        best = max(best, *(child.reward for child in children))
        actions = Counter(
            change.action for child in children for change in changes_of(run, child) or ()
        )
        inside = sum(child.status != "infeasible" for child in children)
        rewards = [child.reward for child in children]
        found.append(Update(number + 1, rewards, best, inside / len(children), actions))
    return found


def first_parent(run: Run, evaluation: Evaluation) -> Evaluation | None:
    """What a network was made of: its parent, or that of its first training."""
    seen = {evaluation.key}
    parent = run.by_key.get(evaluation.parent or "")
    while parent is not None and parent.architecture == evaluation.architecture:
        if parent.key in seen:
            return None
        seen.add(parent.key)
        parent = run.by_key.get(parent.parent or "")
    return parent


def changes_of(run: Run, evaluation: Evaluation) -> list[Change] | None:
    """The changes that made a network of its parent; none where it has no parent."""
    parent = first_parent(run, evaluation)
    return None if parent is None else changes(parent.architecture, evaluation.architecture)


@dataclass(frozen=True)
class Payoff:
    """What one kind of change brought where it was the only one.

    Attributes:
        action: Of the change.
        subject: Of the change.
        count: How often it was the only change.
        gain: The mean difference to the parent's reward.
        better: How often it was above 0.
    """

    action: str
    subject: str
    count: int
    gain: float
    better: int


def payoffs(run: Run) -> list[Payoff]:
    """Single changes of trained parents and what they brought, the most frequent first."""
    gains: dict[tuple[str, str], list[float]] = defaultdict(list)
    for evaluation in run.searched:
        parent = first_parent(run, evaluation)
        made_by = changes_of(run, evaluation)
        if parent is None or made_by is None or len(made_by) != 1 or not is_trained(evaluation):
            continue
        gains[made_by[0].action, made_by[0].subject].append(evaluation.reward - parent.reward)
    found = [
        Payoff(action, subject, len(of), fmean(of), sum(gain > 0 for gain in of))
        for (action, subject), of in gains.items()
    ]
    return sorted(found, key=lambda p: (-p.count, p.action, p.subject))


@dataclass(frozen=True)
class Step:
    """One network on the way from the start network to the best.

    Attributes:
        evaluation: The network's last training there.
        changes: What made it of the one before.
    """

    evaluation: Evaluation
    changes: list[Change]


def lineage(run: Run) -> list[Step]:
    """The way to the best network, the start network first; empty where nothing was trained."""
    latest = best_searched(run)
    steps: list[Step] = []
    seen: set[str] = set()
    while latest is not None and latest.key not in seen:
        seen.add(latest.key)
        steps.append(Step(latest, changes_of(run, latest) or []))
        latest = first_parent(run, latest)
    return steps[::-1]


def best_searched(run: Run) -> Evaluation | None:
    """The best network's training in the search; the best so far while it is not finished."""
    done = [e for e in run.searched if is_trained(e)]
    if run.summary is not None:
        done = [e for e in done if e.architecture.arch_id == run.summary.arch_id] or done
    return max(done, key=lambda e: e.reward, default=None)


def best_in_full(run: Run) -> Evaluation | None:
    """The full training that the search ended with."""
    if run.summary is None:
        return None
    return full_training(run.evaluations, run.summary.arch_id)


@dataclass(frozen=True)
class Phase:
    """A part of the search and what it cost."""

    name: str
    epochs: int
    seconds: float


def phases(run: Run) -> list[Phase]:
    """Start network, children and full trainings, in child-epochs and seconds of training."""
    parts = {
        "start network": [e for e in run.evaluations if e.part == "start"],
        "search": [e for e in run.evaluations if e.part == "child"],
        "full trainings": run.in_full,
    }
    return [
        Phase(name, sum(e.budget for e in part), sum(e.seconds for e in part))
        for name, part in parts.items()
    ]


@dataclass(frozen=True)
class Confused:
    """Examples of one class that were taken for another."""

    true: str
    taken_for: str
    count: int
    total: int


def most_confused(
    confusion: Sequence[Sequence[int]], labels: Sequence[str], count: int
) -> list[Confused]:
    """The pairs of classes that were mixed up most often."""
    pairs = [
        Confused(labels[true], labels[taken], row[taken], sum(row))
        for true, row in enumerate(confusion)
        for taken in range(len(row))
        if taken != true and row[taken]
    ]
    return sorted(pairs, key=lambda pair: -pair.count)[:count]


def curve(run: Run) -> list[tuple[int, float]]:
    """(child-epochs, best reward so far) after every evaluation of the search."""
    spent, best, points = 0, float("-inf"), []
    for evaluation in run.evaluations:
        if evaluation.part == "full":
            break
        spent += evaluation.budget
        if is_trained(evaluation) and evaluation.reward > best:
            best = evaluation.reward
            points.append((spent, best))
    if points and spent > points[-1][0]:
        points.append((spent, best))
    return points
