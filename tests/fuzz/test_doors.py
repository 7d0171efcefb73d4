"""Whatever a file holds, it is read, or refused in a sentence, in no time, and nothing else."""

from __future__ import annotations

import tempfile
import time
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rena_pl.errors import RenaError
from tests.fuzz.doors import DOORS
from tests.fuzz.inputs import inputs
from tests.fuzz.watch import watched

LONGEST = 5.0


def try_door(name: str, content: bytes) -> None:
    """Bring one file to a door.

    Raises:
        AssertionError: It took too long, or did what it must not do.
        Exception: What the parser raised besides what it may.
    """
    door = DOORS[name]
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = Path(scratch).resolve()
        door.prepare(folder)
        (folder / door.file).write_bytes(content)
        started, said = time.monotonic(), ""
        with watched(folder) as seen:
            try:
                door.enter(folder)
            except RenaError as error:
                said = str(error)
            except door.expected:
                pass
        assert "\n" not in said, f"more than a line: {said}"
        assert not seen, seen
        took = time.monotonic() - started
        assert took < LONGEST, f"it took {took:.1f} s"


@pytest.mark.parametrize("name", DOORS)
def test_sound_files_are_let_in(name: str, tmp_path: Path) -> None:
    for number, content in enumerate(DOORS[name].samples):
        folder = tmp_path / str(number)
        folder.mkdir()
        DOORS[name].prepare(folder)
        (folder / DOORS[name].file).write_bytes(content)
        DOORS[name].enter(folder)


@pytest.mark.parametrize("name", DOORS)
def test_whatever_comes_is_let_in_or_refused_in_a_sentence(name: str) -> None:
    examples = 5 if "whole parser" in name else 40

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def holds(data: st.DataObject) -> None:
        try_door(name, data.draw(inputs(DOORS[name])))

    holds()
