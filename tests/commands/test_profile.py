"""`rena profile`: whose shapes it takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command_line import fails_with, rena
from tests.report.runs import CLASSES, write_run

GIVEN = ("--input-shape", "1,40,51", "--num-classes", "7")


@pytest.fixture
def best(tmp_path: Path) -> Path:
    write_run(tmp_path / "run")
    return tmp_path / "run" / "best" / "architecture.json"


def profiled(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    capsys.readouterr()
    rena("profile", *arguments)
    return capsys.readouterr().out


def test_what_is_not_given_is_taken_from_the_run(
    best: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = json.loads((best.parents[1] / "summary.json").read_text())
    assert json.loads(profiled(capsys, best, "--json"))["params"] == summary["profile"]["params"]
    assert f"(1, 40, 51), {CLASSES} classes" in profiled(capsys, best, *GIVEN[:2])
    assert "(1, 40, 101), 7 classes" in profiled(capsys, best, *GIVEN[2:])


def test_another_summary_in_the_way_is_read_only_where_something_is_missing(
    best: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (best.parents[1] / "summary.json").write_text('{"accuracy": 0.5}')
    assert "(1, 40, 51), 7 classes" in profiled(capsys, best, *GIVEN)
    for given in (GIVEN[:2], GIVEN[2:], ()):
        assert "summary.json: num_classes must be" in fails_with(capsys, "profile", best, *given)
