"""Runs a whole search, once or several times, and writes down what came of it.

    python benchmarks/search.py --json benchmarks/results/kws_tight.json --runs 2 -- \
        --config configs/kws_tight.yaml --data.init_args.root PATH

With `--seeds 0 1 2` the runs have different seeds, else they are the same search again.

Prints the accuracy of the best network and of the start, the cost, whether every trained child kept
the hard bounds, and whether all runs have the same ledger.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import fmean
from typing import Any

from machine import machine
from rena_pl.evaluation.evaluation import Evaluation
from rena_pl.evaluation.ledger import Ledger

FIGURES = (
    "val_accuracy",
    "test_accuracy",
    "start_test_accuracy",
    "constraints",
    "constraints_met",
    "child_epochs",
    "evaluations",
    "seconds",
    "profile",
    "start_profile",
)


def search(arguments: list[str], folder: Path) -> tuple[dict[str, Any], Ledger]:
    """Run `rena fit` in a process of its own; its summary and its ledger."""
    command = [sys.executable, "-m", "rena_pl", "fit", *arguments]
    subprocess.run([*command, "--trainer.default_root_dir", str(folder)], check=True)
    summary = json.loads((folder / "summary.json").read_text())
    return summary, Ledger(folder / "ledger.journal")


def children(evaluations: list[Evaluation]) -> dict[str, int]:
    """How many children became what, those trained in full included."""
    return {
        "trained_children": sum(evaluation.budget > 0 for evaluation in evaluations),
        "infeasible_children": sum(e.status == "infeasible" for e in evaluations),
        "infeasible_and_trained": sum(
            e.status == "infeasible" and e.budget > 0 for e in evaluations
        ),
        "failed_children": sum(e.status == "failed" for e in evaluations),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1, help="how often to run the same search")
    parser.add_argument("--seeds", type=int, nargs="+", help="a run with each, in place of --runs")
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    parser.add_argument("arguments", nargs="+", help="after --: the arguments of `rena fit`")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        if options.seeds:
            seeded = [[*options.arguments, "--seed_everything", str(n)] for n in options.seeds]
        else:
            seeded = [options.arguments] * options.runs
        runs = [
            search(arguments, Path(scratch) / str(number))
            for number, arguments in enumerate(seeded)
        ]
    ledgers = [ledger.evaluations() for _, ledger in runs]
    words = ["PATH" if Path(word).is_dir() else word for word in options.arguments]
    times = (
        ["--seeds", *map(str, options.seeds)] if options.seeds else ["--runs", str(options.runs)]
    )
    result = {
        "command": " ".join(["python benchmarks/search.py", *times, "--", *words]),
        "machine": machine(),
        "mean_test_accuracy": fmean(summary["test_accuracy"] for summary, _ in runs),
        "mean_start_test_accuracy": fmean(summary["start_test_accuracy"] for summary, _ in runs),
        "runs": [
            {**{name: summary[name] for name in FIGURES}, **children(evaluations)}
            for (summary, _), evaluations in zip(runs, ledgers, strict=True)
        ],
        "same_ledger": None if options.seeds else all(other == ledgers[0] for other in ledgers),
    }
    print(json.dumps(result, indent=2))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
