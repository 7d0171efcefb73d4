"""The folder that the documents' commands are given in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.scratch import finish_quickstart, furnish


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the pages assume, finished runs included."""
    folder = tmp_path_factory.mktemp("documents") / "furnished"
    folder.mkdir()
    furnish(folder)
    finish_quickstart(folder)
    return folder
