"""`rena fit --progress`, in real processes: a terminal, a log file, and a program that reads."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from rena_pl.cli import main
from rena_pl.evaluation.ledger import read_journal
from tests.command_line import fails_with
from tests.conftest import REPOSITORY
from tests.test_cli import TINY

TWO_WORKERS = ["--trainer.devices", "2", "--trainer.strategy", "ddp"]


@pytest.fixture(autouse=True)
def _no_wandb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def command(folder: Path, *options: str) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "tiny.yaml"
    config.write_text(yaml.safe_dump(TINY))
    rena = [sys.executable, "-m", "rena_pl", "fit", "--config", str(config)]
    return [*rena, "--trainer.default_root_dir", str(folder / "run"), *options]


def fit(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(folder, *options), cwd=REPOSITORY, capture_output=True, text=True, check=True
    )


def check_events(events: list[dict[str, Any]], run: Path) -> None:
    by_name = {name: [e for e in events if e["event"] == name] for name in ("evaluation", "update")}
    assert [events[0]["event"], events[-1]["event"]] == ["begin", "end"]
    assert len(events) == 2 + sum(map(len, by_name.values()))
    ledger = {evaluation.key: evaluation for evaluation in read_journal(run / "ledger.journal")}
    told = by_name["evaluation"]
    assert [event["number"] for event in told] == list(range(1, len(ledger) + 1))
    assert {event["key"] for event in told} == ledger.keys()
    for event in told:
        known = ledger[event["key"]]
        assert event["accuracy"] == known.accuracy
        assert event["profile"] == known.profile
        assert event["arch_id"] == known.architecture.arch_id
        assert type(event["reward"]) is float
    assert [event["part"] for event in told].count("full") == 3
    assert [event["number"] for event in by_name["update"]] == [1, 2, 3, 4]
    children = [e for e in ledger.values() if e.place[0] < 10**9]
    assert by_name["update"][-1]["best"]["reward"] == max(child.reward for child in children)
    summary = json.loads(Path(events[-1]["summary"]).read_text())
    assert {**events[-1], **summary} == {**summary, **events[-1]}
    assert Path(events[-1]["report"]) == run / "report.html"


def test_json_lines_tell_a_program_everything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(command(tmp_path, "--progress", "json")[3:])
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    check_events(events, tmp_path / "run")
    assert "progress" not in yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())


@pytest.mark.slow
@pytest.mark.parametrize("searcher", ["rena", "evolution"])
def test_json_lines_tell_of_what_other_workers_trained(tmp_path: Path, searcher: str) -> None:
    done = fit(tmp_path, "--progress", "json", "--model.searcher", searcher, *TWO_WORKERS)
    check_events([json.loads(line) for line in done.stdout.splitlines()], tmp_path / "run")


@pytest.mark.slow
def test_a_log_file_gets_a_line_for_every_step_and_another_process_may_be_quiet(
    tmp_path: Path,
) -> None:
    said = fit(tmp_path).stderr.splitlines()
    assert [line.split(":")[0] for line in said[2:]] == [
        *(f"update {number}/4" for number in (1, 2, 3, 4)),
        *(f"in full {number}/3" for number in (1, 2, 3)),
    ]
    assert all(re.search(r", about \d+ s left$", line) for line in said[2:])
    assert not any("\x1b" in line for line in said)
    quiet = fit(tmp_path, "--progress", "none", "--trainer.max_epochs", "5")
    assert quiet.stderr == ""
    assert quiet.stdout.splitlines()[0].split() == ["test", "accuracy", "100.00%"]


def test_a_terminal_shows_bars(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command(tmp_path),
        cwd=REPOSITORY,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
    )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # how Linux says that the other side is closed
        pass
    finally:
        os.close(ours)
    assert process.wait() == 0
    text = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", shown).decode()
    assert re.search(r"search .*\d+/24 ", text)
    assert re.search(r"in full .*[0-3]/3 ", text)
    assert "about" in text
    assert "best validation accuracy" in text
    assert "update 1/4" not in text
    assert text.count("Searching in") == 1


def test_another_name_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = fails_with(capsys, *command(tmp_path, "--progress", "loud")[3:])
    assert "choose from 'auto', 'live', 'lines', 'json', 'none'" in said
