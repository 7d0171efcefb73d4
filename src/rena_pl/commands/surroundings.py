"""What commands do to the process that they run in."""

from __future__ import annotations

import logging
import sys
import warnings
from pathlib import Path


def own_modules() -> None:
    """Find the user's own tasks and layers in the folder that the command is called from."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)


def quiet() -> None:
    """Silence what says nothing to the user of a search, and put the rest plainly."""
    for part in ("pytorch", "fabric"):
        logging.getLogger(f"lightning.{part}").setLevel(logging.WARNING)
    for message in (
        ".*does not have many workers.*",
        ".*`IterableDataset` has `__len__`.*",
        ".*exists and is not empty.*",
        ".*is smaller than the logging interval.*",
        ".*LightningCLI's args parameter.*",
        ".*treespec, LeafSpec.*",
        ".*will run with no optimizer.*",
    ):
        warnings.filterwarnings("ignore", message)
    warnings.formatwarning = lambda message, *_, **__: f"Note: {message}\n"  # what, not where
