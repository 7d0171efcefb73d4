"""Values from files that anybody may have written, checked as they are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from rena_pl.errors import RenaError
from rena_pl.evaluation.evaluation import LARGEST


def is_number(value: Any) -> bool:
    """Whether a value is a finite number, and no truth value."""
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and abs(value) <= LARGEST  # also false for NaN
    )


def printable(text: str) -> str:
    """A text without the characters that no XML may hold."""
    return "".join(
        c if c.isprintable() or c == " " else "\ufffd" if not c.isspace() else " " for c in text
    )


class Fields:
    """The values of a mapping by name, each of the type that is asked for.

    Args:
        values: The mapping.
        where: What it is, with its file, for errors.
    """

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        self.values = values
        self.where = where

    def number(self, name: str) -> float:
        """A finite number."""
        value = self.values.get(name)
        if not is_number(value):
            self._refuse(name, "a number", value)
        assert isinstance(value, int | float)
        return value

    def number_or_none(self, name: str) -> float | None:
        """A finite number, or nothing."""
        return None if self.values.get(name) is None else self.number(name)

    def whole(self, name: str, least: int = 0) -> int:
        """A whole number that is large enough."""
        value = self.values.get(name)
        if type(value) is not int or not least <= value <= LARGEST:
            self._refuse(name, f"a whole number of at least {least}", value)
        return value

    def text(self, name: str) -> str:
        """A text, printable."""
        value = self.values.get(name)
        if not isinstance(value, str):
            self._refuse(name, "text", value)
        return printable(value)

    def mapping(self, name: str) -> dict[str, Any]:
        """A mapping with texts as keys."""
        value = self.values.get(name)
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            self._refuse(name, "a mapping", value)
        return value

    def numbers(self, name: str) -> dict[str, float]:
        """A mapping of finite numbers."""
        inner = self.mapping(name)
        fields = Fields(inner, f"{self.where}: {name}")
        return {printable(key): fields.number(key) for key in inner}

    def wholes(self, name: str, least: int = 0) -> list[int]:
        """A list of whole numbers."""
        value = self.values.get(name)
        if not isinstance(value, list | tuple) or not all(
            type(item) is int and least <= item <= LARGEST for item in value
        ):
            self._refuse(name, f"a list of whole numbers of at least {least}", value)
        return list(value)

    def _refuse(self, name: str, wanted: str, value: Any) -> NoReturn:
        found = "missing" if name not in self.values else f"not {printable(repr(value)[:60])}"
        raise RenaError(f"{self.where}: {name} must be {wanted}; it is {found}")
