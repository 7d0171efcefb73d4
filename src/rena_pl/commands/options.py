"""The options of a command that are its own."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

from rena_pl.errors import RenaError


class Options(argparse.ArgumentParser):
    """A parser that says what is wrong in one sentence, and takes no abbreviations."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        """Raise a `RenaError`, for which the command ends with 2 as for any other."""
        raise RenaError(f"{message}; `{self.prog} --help` lists the options")
