"""`rena compare`, as people use it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rena_pl.cli import main
from rena_pl.commands.search_settings import search_settings
from rena_pl.tabular import Table
from tests import tables
from tests.conftest import REPOSITORY

BENCH = sorted((REPOSITORY / "configs" / "bench").glob("*.yaml"))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tables.write_config(tmp_path, updates=12)


def compare(*arguments: object) -> None:
    main(["compare", *map(str, arguments)])


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    with pytest.raises(SystemExit) as exit_:
        compare(*arguments)
    assert exit_.value.code == 2
    return capsys.readouterr().err


def test_searchers_are_compared_and_found_again(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["--config", config, "--searchers", "rena,random", "--seeds", 2, "--target", 0.5]
    compare(*command)
    assert "to top 10" in capsys.readouterr().out
    folder = tmp_path / "run" / "compare"
    figures = json.loads((folder / "compare.json").read_text())
    assert figures["child_epochs"] == 12
    for name in ("rena", "random"):
        of = figures["searchers"][name]
        assert of["seeds"] == [0, 1]
        assert len(of["curve"]["mean"]) == 12
        assert 1 <= of["median_trainings_to_top10"] <= 24
    assert set(figures["differences"]) == {"random"}
    assert "<html>" in (folder / "compare.html").read_text()

    ended = folder / "rena" / "0" / "ended"
    before = ended.stat().st_mtime_ns
    compare(*command, "--searchers", "rena,random,hill")
    assert ended.stat().st_mtime_ns == before
    again = json.loads((folder / "compare.json").read_text())
    assert again["searchers"]["rena"] == figures["searchers"]["rena"]
    assert "hill" in again["searchers"]


def test_two_workers_come_to_the_same(config: Path, tmp_path: Path) -> None:
    found = []
    for workers in (1, 2):
        folder = tmp_path / str(workers)
        compare("--config", config, "--searchers", "random,hill", "--seeds", 1,
                "--workers", workers, "--folder", folder)  # fmt: skip
        figures = json.loads((folder / "compare.json").read_text())
        found.append(figures["searchers"])
    assert found[0] == found[1]


def test_a_folder_with_other_settings_is_refused(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compare("--config", config, "--searchers", "random", "--seeds", 1)
    more = ["--searchers", "random", "--seeds", 1, "--model.objective.failure_reward", 0.1]
    assert "holds a search with model.objective.failure_reward" in refused(
        capsys, "--config", config, *more
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--searchers", "rena,luck"], "unknown searcher 'luck'; known are rena, paper"),
        (["--seeds", "0"], "--seeds 0: must be at least 1"),
        (["--data.init_args.observed", "felt"], "has no column 'felt'"),
        (["--data.init_args.known", "[]"], "unknown constraint entry 'params'"),
        (["--model.budget.steps", "0"], "budget.steps must be at least 1"),
    ],
)
def test_mistakes_are_said_in_a_sentence(
    config: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert sentence in refused(capsys, "--config", config, *arguments)


@pytest.mark.parametrize("config", BENCH, ids=lambda path: path.stem)
@pytest.mark.data
def test_the_shipped_tables_are_read(config: Path, real_data: Path) -> None:
    file = str(real_data / "nasbench201.csv.gz")
    arguments = ["--config", str(config), "--data.init_args.file", file]
    given = search_settings("rena compare", arguments)
    controller, task = given.controller, given.task
    assert isinstance(task, Table)
    controller.objective.check(task.resources.entries)
    assert controller.budget.children == 1
