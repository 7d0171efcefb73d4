"""How well trainings of few epochs foretell what networks come to in full.

    python benchmarks/fidelity.py --root PATH --threads 1 --json benchmarks/results/fidelity.json

Trains networks that two searches with `kws_micro.yaml` trained in full once more, from scratch and
as the config has it, but for fewer epochs. Prints the accuracies on the validation split, and
Spearman's rank correlation of each column with the full trainings.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torchmetrics.functional import spearman_corrcoef

from rena_pl.architecture import Architecture
from rena_pl.child.module import Recipe
from rena_pl.evaluation.ledger import JOURNAL, Ledger
from report import arguments, finish
from small_speech import speech_task, trained_accuracy

RUNS = Path(__file__).parent / "results" / "kws_micro_min_flops"
RECIPE, BATCH, EPOCHS = Recipe(learning_rate=0.02), 32, (4, 10)


def main() -> None:
    options = arguments(__doc__, data=True)
    task = speech_task(options.root, BATCH)
    full: dict[Architecture, float] = {}
    for run in sorted(RUNS.glob(f"*/{JOURNAL}")):
        for evaluation in Ledger(run).evaluations():
            if evaluation.part == "full" and evaluation.accuracy is not None:
                full.setdefault(evaluation.architecture, evaluation.accuracy)
    networks = list(full)[: 2 if options.quick else None]
    reached = {
        f"{epochs} epochs": [
            trained_accuracy(network, task, epochs, options.seed, RECIPE) for network in networks
        ]
        for epochs in ((1,) if options.quick else EPOCHS)
    }
    reached["in full"] = [full[network] for network in networks]
    in_full = torch.tensor(reached["in full"])
    figures = {
        column: {
            **{made.arch_id: round(at, 4) for made, at in zip(networks, accuracies, strict=True)},
            "rank correlation": round(
                float(spearman_corrcoef(torch.tensor(accuracies), in_full)), 2
            ),
        }
        for column, accuracies in reached.items()
    }
    finish(options, "fidelity.py", figures)


if __name__ == "__main__":
    main()
