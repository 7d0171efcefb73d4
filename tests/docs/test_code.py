"""The Python and the settings that the documents show."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from rena_pl.commands.search_settings import search_settings
from tests.docs.blocks import BLOCKS, Block
from tests.docs.scratch import give, place
from tests.docs.treatments import SLOW_CODE


def of_language(language: str) -> list:
    return [
        pytest.param(b, id=str(b), marks=pytest.mark.slow if re.search(SLOW_CODE, b.text) else ())
        for b in BLOCKS
        if b.language == language
    ]


RUN_AND_TEST = """
import runpy
for name, thing in runpy.run_path("code.py").items():
    if name.startswith("test_"):
        thing()
"""


@pytest.mark.parametrize("block", of_language("python"))
def test_python_runs(block: Block, furnished: Path, tmp_path: Path) -> None:
    """In a process of its own; functions that are tests are called."""
    folder = place(furnished, tmp_path / "here", block.page)
    if "export/" in block.text:
        give("rena export runs/quickstart --raw-audio", folder)
    (folder / "code.py").write_text(block.text)
    (folder / "all_of_it.py").write_text(RUN_AND_TEST)
    give("python all_of_it.py", folder)


@pytest.mark.parametrize("block", of_language("yaml"))
def test_settings_are_read(
    block: Block, furnished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over those of the quickstart, or alone where they name their own data.

    What is no setting of `rena fit` at its top is a part of something, and only parsed.
    """
    settings = yaml.safe_load(block.text)
    if not settings.keys() <= {"seed_everything", "trainer", "model", "data"}:
        return
    folder = place(furnished, tmp_path / "here", block.page)
    (folder / "settings.yaml").write_text(block.text)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["rena"])
    configs = ["settings.yaml"]
    if "data" not in settings:
        configs.insert(0, "configs/quickstart.yaml")
    search_settings("fit", [word for config in configs for word in ("--config", config)])


@pytest.mark.parametrize("block", of_language("toml") + of_language("json"))
def test_data_are_read(block: Block) -> None:
    if block.language == "json":
        assert all(json.loads(line) for line in block.text.splitlines())
    else:
        assert tomllib.loads(block.text)
