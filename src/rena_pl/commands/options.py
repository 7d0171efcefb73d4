"""The options of a command that are its own."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from rena_pl.errors import RenaError


class Options(argparse.ArgumentParser):
    """A parser that says what is wrong in one sentence, and takes no abbreviations."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)

    def parse_with_changes(
        self, arguments: Sequence[str], first: str
    ) -> tuple[argparse.Namespace, list[str]]:
        """The command's own options, and all others: changes of a config.

        Args:
            arguments: Of the command.
            first: What has to stand before any change, whose value could else be taken for it.
        """
        options, changes = self.parse_known_args(arguments)
        if changes:
            try:
                self.parse_args(arguments[: arguments.index(changes[0])])
            except RenaError:
                self.error(f"{changes[0]} stands before {first}, which comes first")
        return options, changes

    def error(self, message: str) -> NoReturn:
        """Raise a `RenaError`, for which the command ends with 2 as for any other."""
        raise RenaError(f"{message}; `{self.prog} --help` lists the options")
