"""The folder of one search."""

from __future__ import annotations

from pathlib import Path

import pytest

from rena_pl.errors import RenaError
from rena_pl.search.run_folder import RunFolder


def test_a_folder_that_another_search_has_taken_meanwhile_is_refused(tmp_path: Path) -> None:
    """Both found it empty; between that and the lock, data may be fetched for an hour."""
    late = RunFolder(tmp_path, {"seed_everything": 1})
    early = RunFolder(tmp_path, {"seed_everything": 0})
    with early.locked():
        early.claim()
    with pytest.raises(RenaError, match="holds a search with seed_everything = 0, not 1"):
        late.locked().__enter__()
    with early.locked():
        pass
