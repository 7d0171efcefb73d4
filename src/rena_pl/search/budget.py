"""How much a search may train."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from rena_pl.errors import RenaError, require_at_least
from rena_pl.evaluation.waves import Training


@dataclass(frozen=True)
class Budget:
    """How much a search may train.

    Attributes:
        episodes: Episodes an update.
        steps: Actions, and so children, an episode.
        draws: Of `paper`, how often an action is drawn at most, until its child keeps the hard
            bounds; the last one stays and is recorded as infeasible.
        child_epochs: Epochs a child is trained for.
        halvings: How often the better half of the children that were trained side by side, all of
            an update or with `paper` one of each episode, is trained for as many epochs again
            (successive halving).
        stop_below: A child whose reward is below this share of the best so far is left out there.
        child_seconds: A child that trains for longer fails; what such a search comes to depends on
            the machine. No limit when left out; none for the start network and at the end.
        start_epochs: Epochs the start network is trained for.
        final_epochs: Epochs of the full training at the end.
        final_candidates: How many architectures are trained in full, besides the start network.
    """

    episodes: int = 4
    steps: int = 3
    draws: int = 10
    child_epochs: int = 2
    halvings: int = 0
    stop_below: float = 0.0
    child_seconds: float | None = None
    start_epochs: int = 5
    final_epochs: int = 40
    final_candidates: int = 3

    def __post_init__(self) -> None:
        may_be_zero = ("halvings", "stop_below")
        require_at_least(0, "budget", self, *may_be_zero)
        counts = asdict(self).keys() - {*may_be_zero, "child_seconds"}
        require_at_least(1, "budget", self, *sorted(counts))
        if self.child_seconds is not None and not self.child_seconds > 0:
            raise RenaError(f"budget.child_seconds must be above 0, not {self.child_seconds}")

    @property
    def children(self) -> int:
        """Children an update."""
        return self.episodes * self.steps

    @property
    def training(self) -> Training:
        """How much the children of an update are trained."""
        return Training(self.child_epochs, self.halvings, self.stop_below)

    @property
    def full_trainings(self) -> int:
        """How many are to come at the end: of the start network too, unless it had its own."""
        return self.final_candidates + (self.start_epochs != self.final_epochs)
