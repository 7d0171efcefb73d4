"""The W&B report: what it is made of, without W&B being asked."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from rena_pl.report.page import views_of
from rena_pl.report.wandb_log import RUN_ID
from rena_pl.report.wandb_report import wandb_report
from rena_pl.report.write import read_runs
from tests.command_line import fails_with, rena
from tests.report.runs import write_run

WITHOUT = "wandb-workspaces is not installed: pip install 'rena-pl[wandb]'"


def logged_run(folder: Path, identity: str, **settings: Any) -> None:
    write_run(folder, **settings)
    (folder / RUN_ID).parent.mkdir()
    (folder / RUN_ID).write_text(identity)


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A finished run and one that is not."""
    monkeypatch.chdir(tmp_path)
    logged_run(tmp_path / "one", "id1")
    logged_run(tmp_path / "a|b", "id2", finished=False, seed=1)
    return [tmp_path / "one", tmp_path / "a|b"]


def test_a_report_has_the_searches_their_curves_and_their_lineage(two: list[Path]) -> None:
    v2 = pytest.importorskip("wandb_workspaces.reports.v2", reason=WITHOUT)
    views = views_of(read_runs(two))
    report = wandb_report(views, ["id1", "id2"], "me", "search")
    assert (report.entity, report.project) == ("me", "search")
    assert report.title == "Architecture search: one, a|b"
    table = report.blocks[0].text.splitlines()
    assert table[2].startswith("| one | 70.00% accuracy | 60.42% to 78.11% | 40.00% |")
    assert table[3].startswith("| a\\|b | not finished: 3 of 5 updates so far |")
    grids = [block for block in report.blocks if isinstance(block, v2.PanelGrid)]
    for grid in grids:
        (runs,) = grid.runsets
        assert runs.filters == "Metric(\"ID\") in ['id1', 'id2']"
    curves = [panel for panel in grids[0].panels if isinstance(panel, v2.LinePlot)]
    assert {name for curve in curves for name in curve.y} == {
        *("best_reward", "reward_mean", "feasible_share", "evaluation/accuracy"),
        *("best_params", "best_peak_memory"),
    }
    assert [panel.table_name for panel in grids[1].panels] == ["evaluations"]
    assert grids[-1].panels[0].media_keys == ["report"]
    ways = [block.items for block in report.blocks if isinstance(block, v2.OrderedList)]
    for view, way in zip(views, ways, strict=True):
        assert len(way) == len(view.lineage)
        assert way[0].startswith("start network: validation accuracy 30.00%")
        for step, told in zip(view.lineage[1:], way[1:], strict=True):
            assert told.startswith(step.changes[0].text)


def test_another_metric_has_its_name_and_no_interval_of_the_accuracy(tmp_path: Path) -> None:
    pytest.importorskip("wandb_workspaces.reports.v2", reason=WITHOUT)
    write_run(tmp_path / "run", metric="balanced_accuracy")
    report = wandb_report(views_of(read_runs([tmp_path / "run"])), ["id"], "me", "search")
    row = report.blocks[0].text.splitlines()[2]
    assert row.startswith("| run | 70.00% balanced accuracy |  | 40.00% |")
    told = str([block for block in report.blocks if hasattr(block, "items")])
    assert "validation balanced accuracy 30.00%" in told
    assert "validation accuracy" not in told


def test_its_specification_is_one_that_wandb_reads_back(two: list[Path]) -> None:
    """`Report.save` sends this; there is no public way to it without sending."""
    v2 = pytest.importorskip("wandb_workspaces.reports.v2", reason=WITHOUT)
    report = wandb_report(views_of(read_runs(two)), ["id1", "id2"], "me", "search")
    model = report._to_model()
    places = [
        [panel.layout.model_dump() for panel in block.metadata.panel_bank_section_config.panels]
        for block in model.spec.blocks
        if block.type == "panel-grid"
    ]
    for grid in places:
        corners = [(place["x"], place["y"]) for place in grid]
        assert len(set(corners)) == len(corners)
        assert all(place["x"] + place["w"] <= 24 for place in grid)
    again = v2.Report._from_model(
        type(model).model_validate(model.model_dump(by_alias=True, exclude_none=True))
    )
    assert [type(block) for block in again.blocks] == [type(block) for block in report.blocks]


def test_without_a_login_it_is_said_in_a_sentence(
    two: list[Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb_workspaces", reason=WITHOUT)
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", str(two[0] / "no netrc"))
    said = fails_with(capsys, "report", two[0], "--wandb", "me/search")
    assert said.startswith("rena: me/search: W&B does not take the report: not logged in")


def test_without_the_package_it_is_said_in_a_sentence(
    two: list[Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "wandb_workspaces", None)
    said = fails_with(capsys, "report", two[0], "--wandb", "me/search")
    assert said.endswith("needs the package wandb-workspaces: pip install 'rena-pl[wandb]'")


def test_a_run_that_was_never_logged_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path / "run")
    said = fails_with(capsys, "report", tmp_path / "run", "--wandb", "me/search")
    assert said == f"rena: {tmp_path / 'run'}: was not logged to W&B"


def test_a_place_that_is_none_is_refused(
    two: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        rena("report", two[0], "--wandb", "me")
    assert exit_.value.code == 2
    assert "'me' is not ENTITY/PROJECT" in capsys.readouterr().err
