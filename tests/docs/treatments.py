"""What becomes of each command of the documents. One that is not named here fails the tests."""

from __future__ import annotations

import re
from dataclasses import dataclass

SHORT_SEARCH = (
    "--trainer.max_epochs 1 --model.budget.episodes 1 --model.budget.steps 1"
    " --model.budget.child_epochs 1 --model.budget.start_epochs 1 --model.budget.final_epochs 1"
    " --model.budget.final_candidates 1"
    " --model.imagination.warm_up 1 --model.imagination.candidates 20"
)
FEW_CLIPS = "--data.init_args.clips_per_keyword 40"
FEW_VIEWS = "--data.init_args.augmented_views 1 --data.init_args.batch_size 10"
MINE = (
    "rena fit --config configs/kws_tight.yaml --data rena_pl.data.KeywordFolder"
    " --data.init_args.root my_recordings --trainer.default_root_dir runs/mine"
    f" {SHORT_SEARCH} {FEW_VIEWS}"
)
FULLER = "--model.budget.final_epochs 15"
"""For the run that the pages assume, so that its network can do without a few bits."""


@dataclass(frozen=True)
class Treatment:
    """Of the commands that a pattern finds.

    Attributes:
        pattern: A regular expression, looked for in the command.
        further: Options that are put behind the command to cut it short; the words that stand
            there are never changed.
        slow: Whether it takes more than about ten seconds.
        missing: What no test machine has. The command is then not run, but its syntax and the
            options of the `rena fit` in it are checked.
        fresh: Whether it begins a search, so that the folder must not hold a finished one.
        after: What has to be given before.
    """

    pattern: str
    further: str = ""
    slow: bool = False
    missing: str = ""
    fresh: bool = False
    after: str = ""


TREATMENTS = [
    Treatment("^python3 -m venv", missing="a package index; `.ci/run` gives both of these"),
    Treatment("^wandb |--wandb", missing="an account of Weights & Biases"),
    Treatment("^pip install", missing="a package index"),
    Treatment("^source .venv/bin/activate", missing="what the command before it installs"),
    Treatment("^optuna-dashboard", missing="optuna-dashboard, which nothing else needs"),
    Treatment("srun", missing="SLURM"),
    Treatment("^torchrun --nnodes 2", missing="two machines"),
    Treatment(r"postgresql\+psycopg://user", missing="a database server"),
    Treatment("--trainer.accelerator gpu|--model.child_device cuda", missing="several GPUs"),
    Treatment("python benchmarks/gpu.py", missing="a GPU"),
    Treatment("^rena fit --data.help"),
    Treatment("^rena fit --config runs/quickstart/config.yaml", slow=True),
    Treatment(
        "^rena fit .*kws_micro.*--model.init_from",
        f"{SHORT_SEARCH} {FEW_VIEWS}",
        slow=True,
        fresh=True,
    ),
    Treatment("^rena fit .*--model.init_from", f"{SHORT_SEARCH} {FEW_CLIPS}", slow=True),
    Treatment(
        "^rena fit .*(quickstart|spells)",
        f"{SHORT_SEARCH} {FEW_CLIPS}",
        slow=True,
        fresh=True,
    ),
    Treatment(
        "^rena fit .*(kws_|KeywordFolder)", f"{SHORT_SEARCH} {FEW_VIEWS}", slow=True, fresh=True
    ),
    Treatment("^rena fit ", SHORT_SEARCH, slow=True, fresh=True),
    Treatment("^rena compare .*bench/", "--seeds 2 --trainer.max_epochs 5", slow=True),
    Treatment(
        "^rena compare ", f"--seeds 1 --epochs 3 {SHORT_SEARCH} {FEW_VIEWS}", slow=True, fresh=True
    ),
    Treatment("^rena train ", f"--epochs 1 {FEW_CLIPS}", slow=True),
    Treatment("^rena test runs/mine", slow=True, after=MINE),
    Treatment("^rena export", slow=True),
    Treatment("^rena report", slow=True),
    Treatment(r"^(arecord .*\| )?rena (predict|test|profile) "),
    Treatment("python benchmarks/search.py", SHORT_SEARCH, slow=True, fresh=True),
    # These take minutes even with `--quick`.
    Treatment(r"python benchmarks/(growth|throughput)\.py", "--help", slow=True),
    Treatment("python benchmarks/", "--quick", slow=True),
]
SLOW_CODE = r"check_layer_type\(|export/"
"""Python that takes more than about ten seconds."""


def treatment(command: str) -> Treatment:
    """The first whose pattern the command has."""
    for one in TREATMENTS:
        if re.search(one.pattern, command):
            return one
    raise AssertionError(f"no test runs `{command}`: say in {__name__} how to")
