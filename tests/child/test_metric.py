"""Metrics by name and by the path of a function."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from rena_pl.child.metric import find_metric, measured
from rena_pl.errors import RenaError

PREDICTED = torch.tensor([0, 0, 0, 0, 1, 0])
TRUE = torch.tensor([0, 0, 0, 0, 1, 1])


def no_number(*_: object) -> float:
    return float("nan")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("accuracy", 5 / 6),
        ("balanced_accuracy", 3 / 4),
        ("torchmetrics.functional.classification.multiclass_f1_score", (8 / 9 + 2 / 3) / 2),
    ],
)
def test_a_metric_of_predictions(name: str, value: float) -> None:
    assert measured(name, PREDICTED, TRUE, 2) == pytest.approx(value)


@pytest.mark.parametrize(
    "name", ["f17", "", ".", "math.", "math.f17", "no_such_module.metric", "math.pi", "..accuracy"]
)
def test_what_is_no_metric_is_refused(name: str) -> None:
    with pytest.raises(RenaError, match="unknown metric"):
        find_metric(name)


@pytest.mark.parametrize("text", ["1 / 0", "def metric(:"])
def test_a_module_that_cannot_be_imported_is_refused(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_metric.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(RenaError, match="unknown metric 'broken_metric.metric'"):
        find_metric("broken_metric.metric")


def broken(*_: object) -> float:
    raise RuntimeError("no way")


def test_a_function_that_fails_is_named() -> None:
    with pytest.raises(ValueError, match="test_metric.broken fails: RuntimeError: no way"):
        measured("tests.child.test_metric.broken", torch.zeros(2), torch.zeros(2), 2)


def test_a_value_that_is_no_number_is_an_error() -> None:
    with pytest.raises(ValueError, match="no_number is nan"):
        measured(f"{__name__}.no_number", PREDICTED, TRUE, 2)
