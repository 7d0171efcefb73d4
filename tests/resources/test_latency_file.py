"""Times that are measured once, from several processes and after kills."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some
from torch import nn

from rena_pl.errors import RenaError, StorageError
from rena_pl.resources.latency_file import MAX_BYTES, LatencyFile, Part
from tests.conftest import REPOSITORY

GOOD = {"layer": "pool()", "inputs": [[1, 2, 3]], "ms": 0.5}


def part(name: str, *inputs: tuple[int, int, int]) -> Part:
    return Part(name, inputs or ((1, 2, 3),), nn.Identity)


def counting() -> Callable[[Part], float]:
    """A measure that never says the same twice."""
    numbers = count(1)
    return lambda _: float(next(numbers))


def refused(_: Part) -> float:
    raise AssertionError("measured again")


def test_a_part_is_measured_once(tmp_path: Path) -> None:
    file = LatencyFile(tmp_path / "latency.jsonl", counting())
    assert file.of([part("a"), part("b"), part("a")]) == [1, 2, 1]
    assert file.of([part("b"), part("a", (3, 2, 1))]) == [2, 3]


def test_without_a_file_too() -> None:
    file = LatencyFile(None, counting())
    assert file.of([part("a"), part("b")]) == file.of([part("a"), part("b")])


def test_the_file_is_looked_up_before_measuring(tmp_path: Path) -> None:
    path = tmp_path / "latency.jsonl"
    later = LatencyFile(path, refused)
    first = LatencyFile(path, counting())
    assert first.of([part("a"), part("b")]) == [1, 2]
    assert later.of([part("b")]) == [2]
    first.of([part("c", (4, 5, 6), (7, 8, 9))])
    assert later.of([part("c", (4, 5, 6), (7, 8, 9)), part("a")]) == [3, 1]


def test_a_torn_last_line_is_left_out_and_written_over(tmp_path: Path) -> None:
    """Wherever a kill has cut a line, the whole ones count."""
    path = tmp_path / "latency.jsonl"
    LatencyFile(path, counting()).of([part("a"), part("b")])
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for cut in range(first, len(whole)):
        path.write_bytes(whole[:cut])
        assert LatencyFile(path, lambda _: 9.0).of([part("a"), part("b")]) == [1, 9]
        assert LatencyFile(path, refused).of([part("a"), part("b")]) == [1, 9]
        assert path.read_bytes().count(b"\n") == 2


def test_the_first_number_counts(tmp_path: Path) -> None:
    path = tmp_path / "latency.jsonl"
    lines = [json.dumps({**GOOD, "ms": ms}) + "\n" for ms in (2, 0.25)]
    path.write_text("".join(lines))
    assert LatencyFile(path, refused).of([part("pool()")]) == [2.0]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "is no layer"),
        ("[" * 100_000, "is no layer"),
        ("[1, 2]", "is no layer"),
        (json.dumps({**GOOD, "more": 1}), "is no layer"),
        (json.dumps({**GOOD, "layer": 3}), "layer must be text"),
        (json.dumps({**GOOD, "inputs": [[1, 2]]}), "inputs must be shapes"),
        (json.dumps({**GOOD, "inputs": [[1, 2, "3"]]}), "inputs must be shapes"),
        (json.dumps({**GOOD, "inputs": 7}), "inputs must be shapes"),
        (json.dumps({**GOOD, "ms": -1.0}), "ms must be a number"),
        (json.dumps({**GOOD, "ms": True}), "ms must be a number"),
        (json.dumps({**GOOD, "ms": float("nan")}), "ms must be a number"),
        (json.dumps({**GOOD, "ms": 10**400}), "ms must be a number"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, complaint: str) -> None:
    path = tmp_path / "latency.jsonl"
    path.write_text(f"{json.dumps(GOOD)}\n{line}\n")
    with pytest.raises(RenaError, match=f"latency.jsonl: line 2: {complaint}"):
        LatencyFile(path, refused).of([part("a")])


@given(some.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content) -> None:
    path = tmp_path_factory.mktemp("door") / "latency.jsonl"
    path.write_bytes(content + b"\n")
    with pytest.raises(RenaError, match="line"):
        LatencyFile(path, refused).of([part("a")])


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "latency.jsonl"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(RenaError, match=r"latency.jsonl: holds more than"):
        LatencyFile(path, refused).of([part("a")])


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"latency.jsonl: cannot be"):
        LatencyFile(tmp_path / "file" / "latency.jsonl", counting()).of([part("a")])


SCRIPT = """
import json, sys
from pathlib import Path
import torch
from rena_pl.resources.latency import Latencies
from rena_pl.space.named import NAMED
torch.set_num_threads(1)
print("ready", flush=True)
sys.stdin.readline()
latencies = Latencies(Path(sys.argv[1]))
names = ("tc_resnet8", "ds_cnn_s")
print(json.dumps([latencies.layers(NAMED[name](), (1, 40, 101), 12) for name in names]))
"""


def test_two_processes_at_once_agree(tmp_path: Path) -> None:
    path = tmp_path / "latency.jsonl"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, path],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    assert [process.stdout.readline() for process in processes] == ["ready\n"] * 2
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert said[0] == said[1]
    assert json.loads(said[0])[0]
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    keys = [(line["layer"], str(line["inputs"])) for line in lines]
    assert len(set(keys)) == len(keys)
