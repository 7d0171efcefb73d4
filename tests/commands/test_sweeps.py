"""The shipped W&B sweeps: W&B accepts them, and `rena fit` the commands of their agents."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from rena_pl.report.wandb_log import OUTCOME
from tests.command_line import rena
from tests.conftest import REPOSITORY

SWEEPS = sorted((REPOSITORY / "configs" / "sweeps").glob("*.yaml"))
WITHOUT = "W&B's schema of sweeps is in the package sweeps, which needs numpy<2: not in `dev`"
BOUNDS = "model.objective.constraints"


def read(file: Path) -> dict[str, Any]:
    return yaml.safe_load(file.read_text())


def grid(sweep: dict[str, Any]) -> list[dict[str, Any]]:
    """Every run of a grid."""
    parameters = sweep["parameters"]
    values = product(*(parameter["values"] for parameter in parameters.values()))
    return [dict(zip(parameters, chosen, strict=True)) for chosen in values]


def expanded(sweep: dict[str, Any], chosen: dict[str, Any]) -> list[str]:
    """The command of a run, its macros replaced as W&B documents them."""
    macros = {
        "${env}": ["/usr/bin/env"],
        "${program}": [sweep["program"]],
        "${args}": [f"--{name}={value}" for name, value in chosen.items()],
    }
    return [word for part in sweep["command"] for word in macros.get(part, [part])]


RUNS = [(file, chosen) for file in SWEEPS for chosen in grid(read(file))]


def test_there_is_one_over_budgets_and_one_over_searchers() -> None:
    assert [file.stem for file in SWEEPS] == ["kws_budgets", "kws_searchers"]


@pytest.mark.parametrize("file", SWEEPS, ids=lambda file: file.stem)
def test_wandb_accepts_a_sweep(file: Path) -> None:
    """By the schema that W&B checks sweeps with, and its own choice of the runs of a grid."""
    sweeps = pytest.importorskip("sweeps", reason=WITHOUT)
    sweep = read(file)
    assert sweeps.schema_violations_from_proposed_config(sweep) == []
    runs: list[Any] = []
    while (run := sweeps.next_run(sweep, runs)) is not None:
        runs.append(run)
    chosen = [{name: of["value"] for name, of in run.config.items()} for run in runs]
    assert sorted(map(str, chosen)) == sorted(map(str, grid(sweep)))


@pytest.mark.parametrize("file", SWEEPS, ids=lambda file: file.stem)
def test_the_metric_of_a_sweep_is_logged(file: Path) -> None:
    assert read(file)["metric"] == {"name": "val_accuracy", "goal": "maximize"}
    assert "val_accuracy" in OUTCOME


@pytest.mark.parametrize(
    ("file", "chosen"), RUNS, ids=[f"{file.stem}-{n}" for n, (file, _) in enumerate(RUNS)]
)
def test_every_command_of_a_sweep_is_one_of_rena_fit(
    file: Path,
    chosen: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(REPOSITORY)
    env, program, *arguments = expanded(read(file), chosen)
    assert [env, program, arguments[0]] == ["/usr/bin/env", "rena", "fit"]
    with pytest.raises(SystemExit) as exit_:
        rena(*arguments, "--print_config")
    assert exit_.value.code == 0
    printed = yaml.safe_load(capsys.readouterr().out)
    assert printed["trainer"]["default_root_dir"] == f"runs/{file.stem}"
    assert printed["seed_everything"] == chosen["seed_everything"]
    if BOUNDS in chosen:
        asked = yaml.safe_load(chosen[BOUNDS])
        got = printed["model"]["objective"]["constraints"]
        assert [bound | asked[n] for n, bound in enumerate(got)] == got
    else:
        assert printed["model"]["searcher"] == chosen["model.searcher"]
