"""`rena compare`, as people use it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from statistics import median

import pytest
import torch
import yaml
from filelock import FileLock

from rena_pl.cli import main
from rena_pl.commands.search_settings import search_settings
from rena_pl.evaluation.ledger import Ledger
from rena_pl.objective import Constraint, Objective
from rena_pl.search.run_folder import LOCK
from rena_pl.tabular import Table
from tests import tables
from tests.conftest import REPOSITORY
from tests.test_cli import TINY, wait_for_lines

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
    made, bounds = tables.table(tmp_path), Objective((Constraint("params", max=25),))
    for name in ("rena", "random"):
        of = figures["searchers"][name]
        assert of["seeds"] == [0, 1]
        assert len(of["curve"]["mean"]) == 12
        assert of["median_trainings_to_top10"] == median(of["trainings_to_top10"])
        first = Ledger(folder / name / "0" / "ledger.journal").evaluations()
        top = sorted(made.architectures(), key=lambda row: -made.score(row))
        top = [row for row in top if bounds.meets_all(made.resources.profile(row))][:10]
        found = [number for number, e in enumerate(first, 1) if e.architecture in top]
        assert of["trainings_to_top10"][0] == min(found, default=24)
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


def test_a_table_that_was_changed_is_not_taken_for_the_one_searched(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["--config", config, "--searchers", "random", "--seeds", 1]
    compare(*command)
    file = tmp_path / "table.csv"
    file.write_text(file.read_text().replace(",50,", ",49,"))
    assert "the data have changed since its searches" in refused(capsys, *command)


def test_what_was_not_found_is_said(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    soft = "[{entry: params, min: 50, penalty: 0.5}]"  # one row
    compare(
        *["--config", config, "--searchers", " random, evolution", "--seeds", 1, "--epochs", 2],
        *["--target", 1, "--model.objective.constraints", soft],
    )
    lines = capsys.readouterr().out.splitlines()
    (heading,) = [line for line in lines if "to top 10" in line]
    assert "to 1" in heading
    (found,) = [line for line in lines if "evolution" in line]
    assert found.count("not found") == 2
    assert " - " in found


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--searchers", "rena,luck"], "unknown searcher 'luck'; known are rena, paper"),
        (["--seeds", "0"], "--seeds 0: must be at least 1"),
        (["--data.init_args.observed", "felt"], "has no column 'felt'"),
        (["--data.init_args.known", "[]"], "unknown constraint entry 'params'"),
        (["--model.budget.steps", "0"], "budget.steps must be at least 1"),
        (["--target", "nan"], "--target nan: must be a number"),
        (
            ["--model.objective.constraints", "[{entry: params, max: 1}]"],
            "no row of the table keeps the bounds: params <= 1",
        ),
    ],
)
def test_mistakes_are_said_in_a_sentence(
    config: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert sentence in refused(capsys, "--config", config, *arguments)


def test_a_missing_extra_is_named_before_anything_is_searched(
    config: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    said = refused(capsys, "--config", config, "--searchers", "random,gp")
    assert "the searcher gp needs the package scipy: pip install 'rena-pl[compare]'" in said
    assert not (tmp_path / "run").exists()


def test_a_folder_that_another_job_works_in_is_refused(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run" / "compare"
    folder.mkdir(parents=True)
    with FileLock(folder / LOCK):
        assert f"{folder}: another job is running" in refused(capsys, "--config", config)
    assert not (folder / "rena").exists()


def test_what_the_system_refuses_is_a_sentence(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run" / "compare" / "compare.json").mkdir(parents=True)
    said = refused(capsys, "--config", config, "--searchers", "random", "--seeds", 1)
    assert "Is a directory" in said
    assert "Traceback" not in said


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_children_on_a_gpu_that_is_not_there(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(capsys, "--config", config, "--model.child_device", "cuda")
    assert "model.child_device: there is no GPU for cuda" in said


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(
    ("options", "uses_it"),
    [
        (["--trainer.accelerator", "cpu"], False),
        (["--trainer.accelerator", "cpu", "--model.child_device", "cuda"], True),
        (["--trainer.accelerator", "gpu"], True),
    ],
)
def test_children_are_trained_where_the_options_say(
    options: list[str], uses_it: bool, tmp_path: Path
) -> None:
    config = tmp_path / "tiny.yaml"
    config.write_text(yaml.safe_dump(TINY))
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    compare("--config", config, "--searchers", "random", "--seeds", 1, "--epochs", 3,
            "--folder", tmp_path / "run", *options)  # fmt: skip
    assert (torch.cuda.max_memory_allocated() > before) == uses_it


@pytest.fixture
def endless(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Four searches that would take a day, two at a time, as a process group of its own."""
    config = tmp_path / "tiny.yaml"
    config.write_text(yaml.safe_dump(TINY))
    options = ["--searchers", "random,hill", "--seeds", "2", "--epochs", "1000000"]
    options += ["--workers", "2", "--folder", str(tmp_path / "run")]
    process = subprocess.Popen(
        [sys.executable, "-m", "rena_pl", "compare", "--config", str(config), *options],
        cwd=REPOSITORY,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    yield process
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture
def searching(endless: subprocess.Popen[str], tmp_path: Path) -> subprocess.Popen[str]:
    """The first two of them have begun."""
    for name in ("random", "hill"):
        wait_for_lines(tmp_path / "run" / name / "0" / "ledger.journal", 5, endless)
    return endless


def searches_of(process: subprocess.Popen[str]) -> list[int]:
    """The processes of the searches that a command has started."""
    listed = subprocess.run(
        ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(process.pid)],
        capture_output=True,
        text=True,
    )
    lines = listed.stdout.splitlines()
    return [int(line.split()[0]) for line in lines if "spawn_main" in line]


def last_words(process: subprocess.Popen[str]) -> str:
    """What a command has said that ends soon, and all its processes with it."""
    said = process.communicate(timeout=120)[1]  # all of them hold the other end of the pipe
    assert "Traceback" not in said
    return said


@pytest.mark.slow
def test_ctrl_c_ends_all_searches(searching: subprocess.Popen[str], tmp_path: Path) -> None:
    os.killpg(searching.pid, signal.SIGINT)
    assert "the same command goes on where this one was left" in last_words(searching)
    assert searching.returncode == 130
    assert not (tmp_path / "run" / "random" / "1").exists()


@pytest.mark.slow
def test_a_search_that_fails_ends_the_others(
    endless: subprocess.Popen[str], tmp_path: Path
) -> None:
    journal = tmp_path / "run" / "hill" / "0" / "ledger.journal"
    journal.parent.mkdir(parents=True)
    journal.write_text("no journal\n")
    assert f"rena: {journal}: the ledger cannot be opened" in last_words(endless)
    assert endless.returncode == 2


@pytest.mark.slow
def test_a_search_that_is_killed_ends_the_others(searching: subprocess.Popen[str]) -> None:
    os.kill(searches_of(searching)[0], signal.SIGKILL)
    said = last_words(searching)
    assert "rena: one of 2 processes was killed, perhaps for want of memory" in said
    assert searching.returncode == 2


@pytest.mark.slow
def test_the_searches_end_with_a_command_that_is_killed(
    searching: subprocess.Popen[str],
) -> None:
    searching.kill()
    last_words(searching)


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
