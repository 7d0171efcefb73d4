"""What a whole search comes to with each searcher: the networks that it trains in full included.

    python benchmarks/searchers.py --searchers rena random evolution tpe --seeds 0 1 2 --workers 2 \
        --folder runs/searchers --json benchmarks/results/kws_micro_searchers.json -- \
        --config configs/kws_micro.yaml --data.init_args.root PATH

Runs `rena fit` with every searcher and seed, and goes on where it was interrupted. `rena compare`
compares what children come to; this compares what one gets. Prints the best accuracy on the
validation split within the bounds, of the children and in full, on the test split, and the curve by
child-epoch, as `rena compare` does.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from machine import machine
from rena_pl.evaluation.ledger import JOURNAL, Ledger
from rena_pl.objective import Objective
from rena_pl.search.compare import Curve, curve_of, summary
from rena_pl.search.summary import SUMMARY


def run(folder: Path, searcher: str, seed: int, arguments: list[str]) -> None:
    """One search, unless it has come to its end; its output goes to a file beside its folder."""
    if (folder / SUMMARY).is_file():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "rena_pl", "fit", *arguments, "--model.searcher", searcher]
    command += ["--seed_everything", str(seed), "--trainer.default_root_dir", str(folder)]
    with folder.with_suffix(".log").open("w") as log:
        subprocess.run(command, check=True, stdout=log, stderr=log)


def outcome(folder: Path, epochs: int) -> tuple[dict[str, Any], Curve]:
    """What a search came to, and its curve. Children that break a bound are not trained here."""
    ended = json.loads((folder / SUMMARY).read_text())
    evaluations = Ledger(folder / JOURNAL).evaluations()
    children = [e.accuracy for e in evaluations if e.accuracy and e.part != "full"]
    figures = {
        "best_child": max(children),
        "val_accuracy": ended["val_accuracy"],
        "test_accuracy": ended["test_accuracy"],
        "start_test_accuracy": ended["start_test_accuracy"],
        "params": ended["profile"]["params"],
        "flops": ended["profile"]["flops"],
        "child_epochs": ended["child_epochs"],
        "trained_children": len(children),
        "constraints_met": ended["constraints_met"],
    }
    return figures, curve_of(evaluations, Objective(), epochs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--searchers", nargs="+", required=True, help="first against others")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--epochs", type=int, default=300, help="child-epochs of the curves")
    parser.add_argument("--workers", type=int, default=1, help="searches at the same time")
    parser.add_argument("--folder", type=Path, required=True, help="where the run folders are kept")
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    parser.add_argument("arguments", nargs="+", help="after --: the arguments of `rena fit`")
    options = parser.parse_args()
    runs = [(name, seed) for seed in options.seeds for name in options.searchers]
    folders = {(name, seed): options.folder / name / str(seed) for name, seed in runs}
    with ThreadPoolExecutor(options.workers) as pool:
        for _ in pool.map(lambda one: run(folders[one], *one, options.arguments), runs):
            pass
    ended = {one: outcome(folder, options.epochs) for one, folder in folders.items()}
    curves = {
        name: {seed: ended[name, seed][1] for seed in options.seeds} for name in options.searchers
    }
    words = ["PATH" if Path(word).is_dir() else word for word in options.arguments]
    result = {
        "command": f"python benchmarks/searchers.py --searchers {' '.join(options.searchers)} "
        f"--seeds {' '.join(map(str, options.seeds))} --folder FOLDER -- {' '.join(words)}",
        "machine": machine(),
        "runs": {
            name: {seed: ended[name, seed][0] for seed in options.seeds}
            for name in options.searchers
        },
        **summary(curves),
    }
    print(json.dumps({name: result[name] for name in ("runs", "differences")}, indent=2))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
