"""Layer types from elsewhere: an installed package, and a class path in the config."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from rena_pl.evaluation.ledger import Ledger
from tests.conftest import REPOSITORY
from tests.test_cli import TINY

PLUGIN = REPOSITORY / "tests" / "plugin"


def search(folder: Path, name: str, *import_from: Path) -> set[frozenset[str]]:
    """Run a search that may use the gate under a name; the kinds in each network it evaluated."""
    temporal = TINY["model"]["space"]["layers"]["temporal"]
    layers = {name: {"units": [4, 8]}, "temporal": temporal}
    model = {**TINY["model"], "space": {"max_layers": 3, "layers": layers}}
    config = folder / "search.yaml"
    config.write_text(yaml.safe_dump({**TINY, "model": model}, sort_keys=False))
    paths = os.pathsep.join(map(str, (*import_from, REPOSITORY)))
    arguments = ["fit", "--config", config, "--trainer.default_root_dir", folder / "run"]
    done = subprocess.run(
        [sys.executable, "-m", "rena_pl", *map(str, arguments), "--trainer.max_epochs", "2"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths, "WANDB_MODE": "disabled"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    evaluations = Ledger(folder / "run" / "ledger.journal").evaluations()
    summary = json.loads((folder / "run" / "summary.json").read_text())
    start = next(e for e in evaluations if e.architecture.arch_id == summary["start_arch_id"])
    assert [layer.kind for layer in start.architecture.layers] == ["gate"]
    return {frozenset(layer.kind for layer in e.architecture.layers) for e in evaluations}


@pytest.mark.slow
def test_a_search_uses_the_type_of_an_installed_package(tmp_path: Path) -> None:
    """pip builds and installs a package, and a process of its own searches."""
    source, site = tmp_path / "source", tmp_path / "site"
    shutil.copytree(PLUGIN, source, ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "--no-index", "--no-deps", "--no-build-isolation", "--target", site, source],
        check=True,
    )
    assert {"gate", "temporal"} in search(tmp_path, "gate", site)


@pytest.mark.slow
def test_a_search_uses_the_type_that_a_class_path_names(tmp_path: Path) -> None:
    """A process of its own searches; the module stands in the folder that it is called from."""
    shutil.copy(PLUGIN / "rena_gate.py", tmp_path / "my_layers.py")
    assert {"gate", "temporal"} in search(tmp_path, "my_layers.Gate")
    evaluations = Ledger(tmp_path / "run" / "ledger.journal").evaluations()
    evaluations[0].architecture.save(tmp_path / "gate.json")
    rena = [sys.executable, "-m", "rena_pl"]
    options = ["--config", tmp_path / "search.yaml", "--folder", tmp_path / "trained"]
    for command in (
        ["train", tmp_path / "gate.json", *options, "--epochs", "1"],
        ["test", tmp_path / "trained"],
    ):
        done = subprocess.run(
            [*rena, *map(str, command)], cwd=tmp_path, capture_output=True, text=True,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "test accuracy" in done.stdout


def test_the_type_keeps_its_contract(tmp_path: Path) -> None:
    """In a process of its own, as it would stay registered here."""
    code = "from rena_gate import Gate; from rena_pl.testing import check_layer_type as check; "
    code += "import torch; torch.set_num_threads(1); check(Gate)"
    subprocess.run([sys.executable, "-c", code], cwd=PLUGIN, check=True)


def test_the_docs_show_the_type_as_it_is() -> None:
    module = (PLUGIN / "rena_gate.py").read_text()
    entry_point = (PLUGIN / "pyproject.toml").read_text().split("\n\n")[2]
    docs = (REPOSITORY / "docs" / "layers.md").read_text()
    assert f'```python title="rena_gate.py"\n{module}```' in docs
    assert entry_point in docs
