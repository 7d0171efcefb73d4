"""Two workers with a thread each, against one worker with two threads.

    python benchmarks/throughput.py --json benchmarks/results/throughput.json

`rena fit` with `kws_micro.yaml` on made-up features of the right size, for 12 classes, by turns.
Evaluations an hour between the end of the start network's training and the last child of the
updates, so that neither the start of the processes nor the full trainings count. With `--quick`,
one turn of one update.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from rena_pl.evaluation.evaluation import START, part_of
from report import CONFIGS, arguments, finish

TURNS, UPDATES, CLIPS = 3, 2, 4000
SHORT = {
    "trainer.accelerator": "cpu",
    "model.budget.start_epochs": 1,
    "model.budget.final_epochs": 1,
    "model.budget.final_candidates": 1,
    "model.objective.constraints": "[{entry: params, max: 9300}, {entry: flops, max: 7.3e6}]",
    "data": "training.MadeUpSpeech",
}
SIDES = {
    "2 workers, 1 thread": {
        "trainer.devices": 2,
        "trainer.strategy": "ddp",
        "model.threads": 1,
    },
    "1 worker, 2 threads": {"trainer.devices": 1, "model.threads": 2},
}


def evaluations_an_hour(side: str, updates: int, clips: int, seed: int) -> float:
    """Run a search in processes of its own, and read its ledger."""
    threads = str(SIDES[side]["model.threads"])
    with tempfile.TemporaryDirectory() as folder:
        settings = {
            "config": CONFIGS / "kws_micro.yaml",
            **SHORT,
            **SIDES[side],
            "data.init_args.count": clips,
            "trainer.max_epochs": updates,
            "trainer.default_root_dir": folder,
            "seed_everything": seed,
        }
        words = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
        subprocess.run(
            [sys.executable, "-m", "rena_pl", "fit", *words],
            cwd=Path(__file__).parent,
            env={**os.environ, "OMP_NUM_THREADS": threads, "WANDB_MODE": "disabled"},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        storage = JournalStorage(JournalFileBackend(str(Path(folder) / "ledger.journal")))
        trials = optuna.load_study(study_name="rena", storage=storage).trials
    begun = next(t.datetime_complete for t in trials if tuple(t.user_attrs["place"]) == START)
    children = [
        trial.datetime_complete
        for trial in trials
        if part_of(tuple(trial.user_attrs["place"])) == "child"
    ]
    return 3600 * len(children) / (max(children) - begun).total_seconds()


def main() -> None:
    options = arguments(__doc__)
    turns, updates, clips = (1, 1, 400) if options.quick else (TURNS, UPDATES, CLIPS)
    rates: dict[str, list[float]] = {side: [] for side in SIDES}
    for _ in range(turns):
        for side, of_side in rates.items():
            of_side.append(evaluations_an_hour(side, updates, clips, options.seed))
    medians = [median(of_side) for of_side in rates.values()]
    figures = {
        side: {"evaluations an hour": round(rate), "ratio": round(rate / medians[-1], 2)}
        for side, rate in zip(SIDES, medians, strict=True)
    }
    finish(options, "throughput.py", figures)


if __name__ == "__main__":
    main()
