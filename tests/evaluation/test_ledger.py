"""The ledger under several writers, after kills, on a full disk, and on a real database."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path

import pytest

from rena_pl.architecture import Architecture
from rena_pl.errors import RenaError, StorageError
from rena_pl.evaluation.evaluation import Evaluation
from rena_pl.evaluation.ledger import Ledger, mend_journal
from rena_pl.hashing import short_hash
from rena_pl.layers import layer_types
from tests.disk import full_disk

WRITERS, EACH = 3, 15
NETWORK = Architecture((layer_types()["temporal"](channels=8, kernel=3).as_layer(0),))


def evaluation(writer: int, number: int) -> Evaluation:
    key = short_hash([writer, number])
    return Evaluation(key, NETWORK, None, 1, (number, writer, 0), {"params": 9}, "done", 0.5, 0.5)


EXPECTED = [evaluation(writer, n) for n in range(EACH) for writer in range(WRITERS)]


def write(storage: str, writer: int) -> None:
    """What a process of its own does."""
    ledger = Ledger(storage, "setting")
    for number in range(EACH):
        ledger.record(evaluation(writer, number))


def write_side_by_side(storage: str) -> None:
    processes = [
        get_context("spawn").Process(target=write, args=(storage, writer))
        for writer in range(WRITERS)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
        assert process.exitcode == 0


def test_several_processes_write_one_journal(tmp_path: Path) -> None:
    write_side_by_side(str(tmp_path / "ledger"))
    assert Ledger(tmp_path / "ledger").evaluations() == EXPECTED


def test_reading_a_ledger_changes_nothing(tmp_path: Path) -> None:
    write(str(tmp_path / "ledger"), 0)
    content = (tmp_path / "ledger").read_bytes()
    assert len(Ledger(tmp_path / "ledger", "setting")) == EACH
    assert (tmp_path / "ledger").read_bytes() == content


def test_who_writes_behind_a_torn_line_begins_a_new_one(tmp_path: Path) -> None:
    """A full disk tears a line of one worker while the others go on."""
    ledger = Ledger(tmp_path / "ledger")
    ledger.record(evaluation(0, 0))
    with (tmp_path / "ledger").open("ab") as journal:
        journal.write(b'{"op_code":4,"worker')
    ledger.record(evaluation(0, 1))
    assert Ledger(tmp_path / "ledger").evaluations() == [evaluation(0, 0), evaluation(0, 1)]


def test_a_search_that_is_refused_leaves_no_mark(tmp_path: Path) -> None:
    journal = tmp_path / "ledger.journal"
    Ledger(journal, "setting")
    with pytest.raises(RenaError, match="holds a search on other data"):
        Ledger(journal, "another", search="one")
    Ledger(journal, "setting", search="other")
    with pytest.raises(RenaError, match="holds a search on other data"):
        Ledger(journal, "setting", search="one")


def test_a_lock_that_a_killed_process_held_is_taken_away(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    (tmp_path / "ledger.lock").symlink_to(tmp_path / "ledger")
    mend_journal(tmp_path / "ledger")
    started = time.monotonic()
    ledger.record(evaluation(0, 0))
    assert time.monotonic() - started < 5


def test_a_full_disk_is_said_and_what_was_written_stays(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    ledger.record(evaluation(0, 0))
    with (
        full_disk((tmp_path / "ledger").stat().st_size + 100),
        pytest.raises(StorageError, match=r"ledger: cannot be written: .*File too large"),
    ):
        ledger.record(evaluation(0, 1))
    ledger.record(evaluation(0, 2))
    assert Ledger(tmp_path / "ledger").evaluations() == [evaluation(0, 0), evaluation(0, 2)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("key", "../../somewhere"),
        ("key", 7),
        ("parent", "/etc/passwd"),
        ("reward", "much"),
        ("accuracy", [1]),
        ("place", [1, 2]),
        ("place", ["a", "b", "c"]),
        ("profile", {"params": "many"}),
        ("status", "perfect"),
        ("architecture", "{}"),
        ("budget", 1.5),
        ("budget", -1),
        ("seconds", None),
        ("reason", 1),
    ],
)
def test_a_trial_that_is_no_evaluation_is_refused(name: str, value: object, tmp_path: Path) -> None:
    journal = tmp_path / "ledger"
    Ledger(journal).record(evaluation(0, 0))
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    lines[-1]["user_attrs"][name] = value
    journal.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(RenaError, match=f"{journal}: trial 0 is not an evaluation: "):
        Ledger(journal)


@pytest.fixture
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a database on a server that runs for the test."""
    pytest.importorskip(
        "psycopg", reason="no driver for PostgreSQL (pip install 'psycopg[binary]')"
    )
    if not (shutil.which("initdb") and shutil.which("pg_ctl")):
        pytest.skip("no PostgreSQL server is installed: initdb and pg_ctl are not on the path")
    folder = Path(tmp_path_factory.mktemp("postgres"))
    user = {}
    if os.getuid() == 0:  # a server refuses to run as root
        try:
            nobody = pwd.getpwnam("nobody")
        except KeyError:
            pytest.skip("PostgreSQL does not run as root, and there is no user called nobody")
        user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        for parent in folder.parents:  # up to what everybody may enter
            if parent.stat().st_mode & 0o011 == 0o011:
                break
            parent.chmod(parent.stat().st_mode | 0o011)

    def run(*command: str) -> None:
        subprocess.run(command, check=True, cwd=folder, capture_output=True, timeout=120, **user)

    data, settings = str(folder / "data"), f"-c listen_addresses='' -k {folder}"
    run("initdb", "-D", data, "-U", "tester", "--auth=trust", "--no-sync")
    run("pg_ctl", "-D", data, "-o", settings, "-w", "-l", str(folder / "log"), "start")
    try:
        yield f"postgresql+psycopg://tester@/postgres?host={folder}"
    finally:
        run("pg_ctl", "-D", data, "-m", "immediate", "stop")


def test_a_ledger_in_postgresql(postgres: str) -> None:
    """Several processes write it, and a search of another setting is refused."""
    write_side_by_side(postgres)
    assert Ledger(postgres, "setting").evaluations() == EXPECTED
    with pytest.raises(RenaError, match="holds a search on other data or with other settings"):
        Ledger(postgres, "another")
    other = Ledger(postgres, "another", study="other")
    assert other.evaluations() == []


def test_a_database_that_is_not_there_is_said() -> None:
    with pytest.raises(RenaError, match="nowhere: the ledger cannot be opened: "):
        Ledger("unknown+driver://nowhere")
