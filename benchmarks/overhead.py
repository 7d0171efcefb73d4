"""The share of a search's time in which no child is trained or validated.

    python benchmarks/overhead.py --root PATH --json benchmarks/results/overhead.json

Runs `rena fit` with `kws_micro.yaml` in this process. What counts is the time from the moment that
the controller is set up, preparing the data left out, until the command is done: loggers,
checkpoints and the run folder too. `train` and `predict` are what it is for, all else is overhead.
The start network's training, the updates and the full trainings stand apart, since a full training
is nearly free of overhead and a search has more or fewer of them. With `--quick`, one update.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import ExitStack
from unittest.mock import patch

from rena_pl.commands.fit import run_fit
from rena_pl.data.tensor_task import TensorTask
from rena_pl.evaluation import evaluator
from rena_pl.evaluation.ledger import Ledger
from rena_pl.evaluation.weights import WeightStore
from rena_pl.resources import NetworkResources
from rena_pl.search.controller import Controller
from rena_pl.search.searchers.reinforce import Reinforce
from rena_pl.search.searchers.rena import Rena
from report import CONFIGS, arguments, finish
from stopwatch import REST, Stopwatch

TRAINING, DATA = "training", "data"
PARTS = {
    TRAINING: [(evaluator, "train"), (evaluator, "predict")],
    DATA: [(TensorTask, "prepare_data"), (TensorTask, "setup")],
    "inheritance": [(evaluator, "morph")],
    "profiles": [(NetworkResources, "profile"), (NetworkResources, "layers")],
    "weights": [(WeightStore, name) for name in ("load", "save", "keep_only")],
    "ledger": [(Ledger, name) for name in ("record", "refresh", "find", "evaluations")],
    "searcher": [(searcher, name) for searcher in (Reinforce, Rena) for name in ("ask", "tell")],
}
QUICK = {
    "trainer.max_epochs": 1,
    "model.budget.child_epochs": 1,
    "model.budget.start_epochs": 1,
    "model.budget.final_epochs": 1,
    "model.budget.final_candidates": 1,
}


class Phases(Stopwatch):
    """Also knows when the phases of a search began."""

    def __init__(self) -> None:
        super().__init__()
        self.begun: dict[str, Counter[str]] = {}

    def begin(self, phase: str) -> None:
        """A phase begins, and the one before it ends."""
        self.begun[phase] = self.lap()

    def phases(self) -> dict[str, Counter[str]]:
        """The seconds of each phase."""
        ends = [*list(self.begun.values())[1:], self.lap()]
        spent = {}
        for (phase, begin), end in zip(self.begun.items(), ends, strict=True):
            spent[phase] = Counter({part: end[part] - begin[part] for part in end})
        return spent


def search(options: list[str]) -> dict[str, Counter[str]]:
    """Run a search; the seconds of each of its phases by part."""
    watch = Phases()

    def marked(name: str, before: str | None = None, after: str | None = None) -> object:
        original = getattr(Controller, name)

        def hook(self: Controller, **given: object) -> None:
            if before:
                watch.begin(before)
            original(self, **given)
            if after:
                watch.begin(after)

        return patch.object(Controller, name, hook)

    with ExitStack() as stack:
        stack.enter_context(watch.watching(PARTS))
        stack.enter_context(marked("setup", before="start network"))
        stack.enter_context(marked("on_train_start", after="updates"))
        stack.enter_context(marked("on_fit_end", before="full trainings"))
        run_fit(options)
        return watch.phases()


def row(spent: Counter[str]) -> dict[str, float]:
    """The share that is no training, and the seconds of each part."""
    whole = sum(spent.values()) - spent[DATA]
    parts = {f"{part}, s": round(spent[part], 2) for part in (*PARTS, REST) if part != DATA}
    return {"share": round(1 - spent[TRAINING] / whole, 4), **parts}


def main() -> None:
    options = arguments(__doc__, data=True)
    shortened = QUICK if options.quick else {}
    settings = {
        "config": CONFIGS / "kws_micro.yaml",
        "seed_everything": options.seed,
        "data.init_args.root": options.root,
        "data.init_args.cache_dir": "null",
        **shortened,
    }
    with tempfile.TemporaryDirectory() as folder:
        settings["trainer.default_root_dir"] = folder
        words = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
        phases = search(words)
    phases["whole search"] = sum(phases.values(), Counter())
    finish(options, "overhead.py", {phase: row(spent) for phase, spent in phases.items()})


if __name__ == "__main__":
    main()
