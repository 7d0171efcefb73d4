"""`summary.json`: read as it was written, or refused by the one reader that all parts have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rena_pl.errors import RenaError
from rena_pl.evaluation.ledger import Ledger
from rena_pl.search.final import summary_before
from rena_pl.search.summary import read_summary, write_summary
from tests.report.runs import write_run


def change(folder: Path, **values: object) -> None:
    file = folder / "summary.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_run(tmp_path / "run", metric="balanced_accuracy")
    summary = read_summary(tmp_path / "run")
    assert summary is not None
    write_summary(summary, tmp_path)
    assert read_summary(tmp_path) == summary
    assert summary.metric == "balanced_accuracy"


def test_classes_keep_their_names(tmp_path: Path) -> None:
    """With joiners, spaces that do not break, and whatever a file system lets one be called."""
    write_run(tmp_path / "run")
    labels = ["\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "a\u00a0b", "\u202e", "\x1b[2J"]
    change(tmp_path / "run", labels=labels)
    summary = read_summary(tmp_path / "run")
    assert summary is not None
    assert summary.labels == labels


def test_before_a_search_has_ended_there_is_none(tmp_path: Path) -> None:
    assert read_summary(tmp_path) is None


def test_an_old_one_without_metric_labels_and_confusion_is_of_the_accuracy(tmp_path: Path) -> None:
    write_run(tmp_path / "run", labels=[])
    change(tmp_path / "run", labels=None, test_confusion=None)
    file = tmp_path / "run" / "summary.json"
    values = json.loads(file.read_text())
    del values["metric"]
    file.write_text(json.dumps(values))
    summary = read_summary(tmp_path / "run")
    assert summary is not None
    assert (summary.metric, summary.labels, summary.test_confusion) == (
        "accuracy",
        ["0", "1", "2", "3"],
        [],
    )


@pytest.mark.parametrize(
    "entry", ["constraints", "constraints_met", "start_arch_id", "evaluations"]
)
def test_what_a_finished_search_prints_is_checked_too(entry: str, tmp_path: Path) -> None:
    write_run(tmp_path / "run")
    change(tmp_path / "run", **{entry: {}})
    with pytest.raises(RenaError, match=f"summary.json: {entry} must be"):
        read_summary(tmp_path / "run")


def test_a_profile_without_an_entry_is_refused(tmp_path: Path) -> None:
    write_run(tmp_path / "run", profile={"params": 1})
    with pytest.raises(RenaError, match="profile: model_bytes must be a number; it is missing"):
        read_summary(tmp_path / "run")


def test_only_a_sound_one_of_the_same_evaluations_ends_a_search(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    write_run(folder)
    ledger = Ledger(folder / "ledger.journal")
    assert summary_before(folder, ledger) == read_summary(folder)
    change(folder, evaluations=len(ledger) - 1)
    assert summary_before(folder, ledger) is None
    (folder / "summary.json").write_text("{")
    assert summary_before(folder, ledger) is None
