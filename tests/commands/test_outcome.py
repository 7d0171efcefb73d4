"""What a person, or a program, is told at the end of a search."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rena_pl.commands.outcome import show_outcome
from rena_pl.search.summary import read_summary
from tests import tables
from tests.command_line import rena
from tests.report.runs import write_run


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ("accuracy", "test accuracy "),
        ("balanced_accuracy", "test balanced accuracy "),
        ("alarms.heard_early", "test heard early "),
    ],
)
def test_the_metric_has_its_name(
    metric: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path / "run", metric=metric)
    summary = read_summary(tmp_path / "run")
    assert summary is not None
    show_outcome(summary, tmp_path / "run", as_json=False)
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "70.00%" in line]
    assert line.strip().startswith(words)
    show_outcome(summary, tmp_path / "run", as_json=True)
    assert json.loads(capsys.readouterr().out)["metric"] == metric


def test_the_search_of_a_table_ends_with_its_best_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")
    config = tables.write_config(tmp_path, 12)
    rena("fit", "--config", config, "--progress", "none")
    told = dict(line.split()[:2] for line in capsys.readouterr().out.splitlines())
    rows = tables.table(tmp_path).rows
    row = tuple(told[name] for name in tables.DECISIONS)
    assert [float(told[name]) for name in ("params", "seen", "scored")] == pytest.approx(rows[row])
    assert told["cost"] == "12"
    rena("fit", "--config", config, "--progress", "json")
    end = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert end["event"] == "end"
    assert tuple(end["decisions"].values()) == row
    assert end["evaluations"] == 12
