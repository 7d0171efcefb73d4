"""What a search tells W&B, read back from the files of offline runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import wandb
import yaml
from lightning.pytorch.loggers import CSVLogger, WandbLogger

from rena_pl.cli import main
from rena_pl.evaluation.evaluation import FINAL, Evaluation
from rena_pl.evaluation.ledger import in_order, read_journal
from rena_pl.report.details import when
from rena_pl.report.facts import lineage
from rena_pl.report.run import read_run
from rena_pl.report.wandb_log import RUN_ID, SearchLogger, WandbSearch, run_id
from tests.report.wandb_file import history, of_kind
from tests.search.test_fit import controller, trainer
from tests.test_cli import TINY

KEPT = ("WANDB_MODE", "WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_SWEEP_ID", "WANDB_RUN_ID")


def end_wandb() -> None:
    """As the end of the process does: close the run, and the service that writes its file."""
    wandb.finish()
    wandb.teardown()


def fit(folder: Path, *options: str) -> None:
    """A search whose W&B run ends as it does with its process."""
    config = folder / "tiny.yaml"
    config.write_text(yaml.safe_dump(TINY))
    root = ["--trainer.default_root_dir", str(folder / "run")]
    main(["fit", "--config", str(config), "--progress", "none", *root, *options])
    end_wandb()


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a search that was left after 2 of 4 updates, and went on."""
    folder = tmp_path_factory.mktemp("wandb")
    with pytest.MonkeyPatch.context() as patch:
        for name in KEPT:
            patch.delenv(name, raising=False)
        patch.setenv("WANDB_DATA_DIR", str(folder / "data"))
        patch.setenv("WANDB_CACHE_DIR", str(folder / "cache"))
        fit(folder, "--trainer.max_epochs", "2")
        fit(folder, "--trainer.max_epochs", "4")
    return folder / "run"


def files(run: Path) -> list[Path]:
    """Of its parts, the first first."""
    return sorted(run.glob("wandb/offline-run-*/run-*.wandb"))


def evaluations(run: Path) -> list[Evaluation]:
    return in_order(read_journal(run / "ledger.journal"))


def test_every_evaluation_is_a_row_as_it_ends(offline: Path) -> None:
    rows = [row for file in files(offline) for row in history(file) if "evaluation/number" in row]
    known = evaluations(offline)
    assert [row["evaluation/number"] for row in rows] == list(range(1, len(known) + 1))

    def figures(accuracy: Any, reward: Any, params: Any, seconds: Any) -> tuple[float, ...]:
        return float(accuracy), float(reward), float(params), float(seconds)

    logged = [
        figures(
            *(row[f"evaluation/{name}"] for name in ("accuracy", "reward", "params", "seconds"))
        )
        for row in rows
    ]
    assert sorted(logged) == sorted(
        figures(e.accuracy, e.reward, e.profile["params"], e.seconds) for e in known
    )
    assert [row["evaluation/part"] for row in rows].count("start") == 1
    finals = [row for row in rows if row["evaluation/part"] == "full"]
    assert len(finals) == sum(e.place[0] == FINAL for e in known)
    children = [row for row in rows if row["evaluation/part"] == "child"]
    assert {row["update"] for row in children} <= {1, 2, 3, 4}


def test_every_update_is_a_row(offline: Path) -> None:
    first, rest = map(history, files(offline))
    for rows, numbers in ((first, [1, 2]), (rest, [3, 4])):
        updates = [row for row in rows if "reward_mean" in row]
        assert [row["update"] for row in updates] == numbers
        assert {"best_reward", "best_params", "feasible_share", "child_epochs"} <= updates[0].keys()


def test_curves_go_over_updates_and_evaluations(offline: Path) -> None:
    steps = {
        metric.glob_name: metric.step_metric for metric in of_kind(files(offline)[0], "metric")
    }
    assert steps["*"] == "update"
    assert steps["evaluation/*"] == "evaluation/number"


def test_a_search_goes_on_in_its_run(offline: Path) -> None:
    runs = [of_kind(file, "run")[0] for file in files(offline)]
    assert [run.run_id for run in runs] == [run_id(offline)] * 2
    assert runs[0].project == "rena-pl"


def test_its_settings_are_the_runs_config(offline: Path) -> None:
    config = {
        item.key: json.loads(item.value_json)
        for update in of_kind(files(offline)[0], "config")
        for item in update.update
    }
    assert config["model"]["budget"]["episodes"] == 3
    assert config["seed_everything"] == 4


def test_the_end_has_figures_table_and_report(offline: Path) -> None:
    last = history(files(offline)[-1])[-1]
    summary = json.loads((offline / "summary.json").read_text())
    for name in ("val_accuracy", "test_accuracy", "constraints_met"):
        assert last[name] == summary[name]
    place = files(offline)[-1].parent / "files"
    table = json.loads((place / last["evaluations/path"]).read_text())
    rows = [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]
    known = evaluations(offline)
    assert [row["key"] for row in rows] == [e.key for e in known]
    assert [row["params"] for row in rows] == [e.profile["params"] for e in known]
    assert [row["architecture"] for row in rows] == [e.architecture.to_json() for e in known]
    assert rows[0]["part"] == "start"
    assert [when(e) for e in known if e.part == "child"] == [
        f"update {row['update']}, episode {row['episode']}, step {row['step']}"
        for row in rows
        if row["part"] == "child"
    ]
    page = (place / last["report/path"]).read_text(encoding="utf-8")
    assert page == (offline / "report.html").read_text(encoding="utf-8")


def test_the_best_network_is_an_artifact_with_its_lineage(offline: Path) -> None:
    (artifact,) = [made for made in of_kind(files(offline)[-1], "artifact") if made.type == "model"]
    assert artifact.name == "run-best"
    files_ = {entry.path: Path(entry.local_path) for entry in artifact.manifest.contents}
    assert files_.keys() == {"best/architecture.json", "best/model.safetensors", "summary.json"}
    for name, staged in files_.items():
        assert staged.read_bytes() == (offline / name).read_bytes()
    metadata = json.loads(artifact.metadata)
    summary = json.loads((offline / "summary.json").read_text())
    way = metadata["lineage"]
    assert way[0]["arch_id"] == summary["start_arch_id"]
    assert way[-1]["arch_id"] == summary["arch_id"] == metadata["arch_id"]
    assert [step["key"] for step in way] == [
        step.evaluation.key for step in lineage(read_run(offline))
    ]
    assert all(step["changes"] for step in way[1:])


@pytest.mark.parametrize("content", ["", "../../elsewhere", "a" * 65, "\udcff", "x y"])
def test_an_id_that_is_none_is_left_out(tmp_path: Path, content: str) -> None:
    (tmp_path / RUN_ID).parent.mkdir()
    (tmp_path / RUN_ID).write_bytes(content.encode("utf-8", "surrogateescape"))
    assert run_id(tmp_path) is None


def test_every_run_of_a_sweep_has_its_own_folder_and_the_agents_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_SWEEP_ID", "sweep1")
    monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path / "data"))
    for identity in ("first1", "second2"):
        monkeypatch.setenv("WANDB_RUN_ID", identity)
        fit(tmp_path, "--model.searcher=random", "--trainer.max_epochs=1")
        folder = tmp_path / "run" / identity
        assert run_id(folder) == identity
        assert "val_accuracy" in history(files(folder)[0])[-1]


class GoneError(Exception):
    """What W&B may raise."""


class Failing:
    """Stands where a W&B run would that has lost its service."""

    id = "failing"
    asked = 0

    def __getattr__(self, name: str) -> Any:
        type(self).asked += 1
        raise GoneError("the service is gone")


def test_a_search_outlives_wandb(tmp_path: Path) -> None:
    made, failing = controller(), Failing()
    running = trainer(tmp_path, 2)
    running.loggers = [SearchLogger(save_dir=tmp_path, offline=True, experiment=failing)]
    running.callbacks.append(WandbSearch())
    with pytest.warns(
        UserWarning, match="W&B fails and is left out, the search goes on: GoneError"
    ):
        running.fit(made)
    assert made.summary is not None
    assert failing.asked <= 2


def test_a_search_goes_on_where_nobody_is_logged_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "no netrc"))
    with pytest.warns(UserWarning, match="the search goes on: UsageError: No API key") as noted:
        fit(tmp_path, "--trainer.max_epochs=1")
    assert sum("W&B fails" in str(note.message) for note in noted) == 1
    assert (tmp_path / "run" / "summary.json").is_file()
    assert run_id(tmp_path / "run") is None


def test_a_search_goes_on_where_wandb_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_wandb()
    monkeypatch.setenv("WANDB_SERVICE", "no service")
    with pytest.warns(UserWarning, match="the search goes on: .*WANDB_SERVICE") as noted:
        fit(tmp_path, "--trainer.max_epochs=1")
    assert sum("W&B fails" in str(note.message) for note in noted) == 1
    assert (tmp_path / "run" / "summary.json").is_file()


def test_without_a_wandb_logger_nothing_is_done(tmp_path: Path) -> None:
    running = trainer(tmp_path, 1)
    running.loggers = [CSVLogger(tmp_path)]
    running.callbacks.append(WandbSearch())
    running.fit(controller())
    assert not (tmp_path / "wandb").exists()


def test_any_wandb_logger_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path / "data"))
    running = trainer(tmp_path, 1)
    running.loggers = [WandbLogger(save_dir=tmp_path, offline=True)]
    running.callbacks.append(WandbSearch())
    with pytest.warns(UserWarning, match="config.yaml is missing"):  # no run folder of `rena fit`
        running.fit(controller())
    end_wandb()
    rows = history(files(tmp_path)[0])
    assert any("evaluation/number" in row for row in rows)
