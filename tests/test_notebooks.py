"""The notebooks run from top to bottom, with less training."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
FAST = "first_search"
QUICK = "clips, updates, epochs = 40, 1, 2\n"
"""In place of what a notebook says in its cell of parameters, as papermill would do."""


def cells(notebook: Path) -> list[dict]:
    return [
        {**cell, "source": "".join(cell["source"])}
        for cell in json.loads(notebook.read_text())["cells"]
        if cell["cell_type"] == "code"
    ]


@pytest.mark.parametrize(
    "notebook",
    [
        pytest.param(path, id=path.stem, marks=() if path.stem == FAST else pytest.mark.slow)
        for path in NOTEBOOKS
    ],
)
def test_a_notebook_runs(notebook: Path, tmp_path: Path) -> None:
    """In a process of its own, in a folder with the configs."""
    code, quick = [], 0
    for cell in cells(notebook):
        code.append(cell["source"])
        if "parameters" in cell["metadata"].get("tags", []):
            code.append(QUICK)
            quick += 1
    assert quick == 1
    (tmp_path / "configs").symlink_to(REPOSITORY / "configs")
    (tmp_path / "notebook.py").write_text("\n\n".join(code))
    environment = {"WANDB_MODE": "disabled", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "notebook.py"],
        cwd=tmp_path,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stdout


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_listed_and_holds_no_output(notebook: Path) -> None:
    assert f"`{notebook.name}`" in (REPOSITORY / "notebooks" / "README.md").read_text()
    for cell in cells(notebook):
        assert (cell["outputs"], cell["execution_count"]) == ([], None)
