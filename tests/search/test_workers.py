"""Several workers, as real processes on the CPU: the same result, and what happens when one dies.

Every process imports torch, which takes most of the time.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from rena_pl.evaluation.evaluation import Evaluation
from rena_pl.evaluation.ledger import Ledger, mend_journal
from tests.conftest import REPOSITORY
from tests.search.test_fit import controller, trainer
from tests.search.test_latency import controller as latency_controller
from tests.search.workers import SEED, UPDATES
from tests.test_cli import TINY, took, wait_for_lines

SCRIPT = [sys.executable, "-m", "tests.search.workers"]


def start(*command: object) -> subprocess.Popen[str]:
    """Start worker 0, which starts the others, as a process group of its own."""
    return subprocess.Popen(
        [str(word) for word in command],
        cwd=REPOSITORY,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        env={**os.environ, "WANDB_MODE": "disabled", "OMP_NUM_THREADS": "1"},
    )


def end(process: subprocess.Popen[str], seconds: float = 240) -> str:
    """Wait for the end of all workers, who share the pipe; what they said."""
    try:
        return process.communicate(timeout=seconds)[1]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise


def worker_1(process: subprocess.Popen[str]) -> int:
    """The process that worker 0 has started."""
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True
    )
    return int(listed.stdout.split()[0])


def evaluations(folder: Path) -> list[Evaluation]:
    mend_journal(folder / "ledger.journal")
    return Ledger(folder / "ledger.journal").evaluations()


def network(folder: Path) -> bytes:
    return (folder / "best" / "model.safetensors").read_bytes()


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the same search on one worker, left alone."""
    folder = tmp_path_factory.mktemp("alone")
    trainer(folder, UPDATES).fit(controller(seed=SEED))
    return folder


def test_a_killed_worker_is_named_and_nothing_is_lost(tmp_path: Path, alone: Path) -> None:
    process = start(*SCRIPT, 2, tmp_path)
    wait_for_lines(tmp_path / "ledger.journal", 5, process)
    time.sleep(random.Random(0).uniform(0, 0.3))
    killed = time.monotonic()
    os.kill(worker_1(process), signal.SIGKILL)
    said = end(process, 60)
    assert time.monotonic() - killed < 10
    assert process.returncode == 1
    assert "rena: worker 1 ended: its process was killed by SIGKILL; the same command goes" in said
    known = evaluations(tmp_path)
    assert known

    process = start(*SCRIPT, 2, tmp_path)
    said = end(process)
    assert process.returncode == 0, said
    assert took(known) <= took(evaluations(tmp_path))  # else they were trained anew
    assert evaluations(tmp_path) == evaluations(alone)
    assert network(tmp_path) == network(alone)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2, 4])
def test_the_ledger_is_that_of_one_worker(workers: int, tmp_path: Path, alone: Path) -> None:
    process = start(*SCRIPT, workers, tmp_path)
    said = end(process)
    assert process.returncode == 0, said
    assert evaluations(tmp_path) == evaluations(alone)
    assert network(tmp_path) == network(alone)


@pytest.mark.slow
def test_measured_latencies_are_the_same_for_all_workers(tmp_path: Path) -> None:
    """A search with a bound on them, killed once on two workers, and then made again on one."""
    folder, again = tmp_path / "two", tmp_path / "one"
    process = start(*SCRIPT, 2, folder, "--latency")
    wait_for_lines(folder / "ledger.journal", 5, process)
    os.kill(worker_1(process), signal.SIGKILL)
    end(process, 60)
    process = start(*SCRIPT, 2, folder, "--latency")
    said = end(process)
    assert process.returncode == 0, said
    again.mkdir()
    shutil.copy(folder / "latency.jsonl", again)
    trainer(again, UPDATES).fit(latency_controller(seed=SEED))
    assert evaluations(folder) == evaluations(again)
    assert network(folder) == network(again)
    assert (folder / "latency.jsonl").read_bytes() == (again / "latency.jsonl").read_bytes()


@pytest.mark.slow
def test_the_others_end_with_worker_0(tmp_path: Path) -> None:
    process = start(*SCRIPT, 2, tmp_path)
    wait_for_lines(tmp_path / "ledger.journal", 5, process)
    process.kill()
    assert "rena: worker 0 ended: its process is gone without a word" in end(process, 10)


@pytest.mark.slow
def test_workers_that_propose_different_children_are_told_apart(tmp_path: Path) -> None:
    process = start(*SCRIPT, 2, tmp_path, "--disagree")
    said = end(process)
    assert process.returncode == 2
    assert "rena: worker 1 ended: worker 1 proposes other children than worker 0" in said


@pytest.mark.slow
def test_ctrl_c_stops_all_workers(tmp_path: Path) -> None:
    config, folder = tmp_path / "tiny.yaml", tmp_path / "run"
    config.write_text(yaml.safe_dump(TINY))
    process = start(
        *[sys.executable, "-m", "rena_pl", "fit", "--config", config],
        *["--trainer.default_root_dir", folder, "--trainer.max_epochs", 10000],
        *["--trainer.devices", 2, "--trainer.strategy", "ddp"],
    )
    wait_for_lines(folder / "ledger.journal", 5, process)
    os.killpg(process.pid, signal.SIGINT)
    said = end(process, 60)
    assert process.returncode == 130
    assert "the same command goes on where this one was left" in said
    assert "Traceback" not in said


@pytest.mark.slow
@pytest.mark.timeout(1000)
def test_a_search_that_is_killed_again_and_again(tmp_path: Path) -> None:
    """The benchmark of faults, with three kills instead of twenty."""
    figures = tmp_path / "faults.json"
    script = REPOSITORY / "benchmarks" / "faults.py"
    subprocess.run([sys.executable, script, "--quick", "--json", figures], check=True, timeout=900)
    killed = json.loads(figures.read_text())["figures"]["killed"]
    assert killed["kills"] == 3
    assert killed["evaluations lost"] == killed["recorded and trained again"] == 0
    assert killed["trained twice"] <= killed["in flight at the kills"]
    assert killed["same ledger as one left alone"]
    assert killed["same best network"]
