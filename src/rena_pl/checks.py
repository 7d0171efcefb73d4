"""Values from files that anybody may have written, checked as they are read."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any, NoReturn

from rena_pl.errors import RenaError

LARGEST = 1e30
"""Beyond what anything is counted in, and small enough to compute with."""


def is_number(value: Any) -> bool:
    """Whether a value is a finite number, and no truth value.

    False for NaN too, and for whole numbers that no float can hold.
    """
    return type(value) in (int, float) and abs(value) <= LARGEST


def printable(text: str) -> str:
    """A text without the characters that no XML may hold, or that move a terminal's cursor."""
    return "".join(c if _is_shown(c) else " " if c.isspace() else "\ufffd" for c in text)


def _is_shown(character: str) -> bool:
    """Whether it stands for itself, as spaces and joiners do, without which words fall apart."""
    return character.isprintable() or unicodedata.category(character) in ("Zs", "Cf")


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

    def whole(self, name: str, least: int = 0, most: float = LARGEST) -> int:
        """A whole number that is large enough, and not too large."""
        value = self.values.get(name)
        if type(value) is not int or not least <= value <= most:
            self._refuse(name, f"a whole number {_range(least, most)}", value)
        return value

    def truth(self, name: str) -> bool:
        """True or false."""
        value = self.values.get(name)
        if not isinstance(value, bool):
            self._refuse(name, "true or false", value)
        return value

    def text(self, name: str) -> str:
        """A text, printable."""
        value = self.values.get(name)
        if not isinstance(value, str):
            self._refuse(name, "text", value)
        return printable(value)

    def texts(self, name: str) -> list[str]:
        """A list of texts, as they are."""
        value = self.values.get(name)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self._refuse(name, "a list of texts", value)
        return list(value)

    def mapping(self, name: str) -> dict[str, Any]:
        """A mapping with texts as keys."""
        value = self.values.get(name)
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            self._refuse(name, "a mapping", value)
        return value

    def numbers(self, name: str, *required: str) -> dict[str, float]:
        """A mapping of finite numbers, those of the required keys among them."""
        inner = self.mapping(name)
        fields = Fields(inner, f"{self.where}: {name}")
        return {printable(key): fields.number(key) for key in {**dict.fromkeys(required), **inner}}

    def wholes(self, name: str, least: int = 0, most: float = LARGEST) -> list[int]:
        """A list of whole numbers, each large enough, and not too large."""
        value = self.values.get(name)
        if not isinstance(value, list | tuple) or not all(
            type(item) is int and least <= item <= most for item in value
        ):
            self._refuse(name, f"a list of whole numbers {_range(least, most)}", value)
        return list(value)

    def _refuse(self, name: str, wanted: str, value: Any) -> NoReturn:
        found = "missing" if name not in self.values else f"not {printable(repr(value)[:60])}"
        raise RenaError(f"{self.where}: {name} must be {wanted}; it is {found}")


def _range(least: int, most: float) -> str:
    return f"of at least {least}" if most == LARGEST else f"from {least} to {most:,}"
