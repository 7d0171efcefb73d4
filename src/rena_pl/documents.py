"""Bounds on documents that anybody may have written: how much, and how deep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from rena_pl.checks import LARGEST
from rena_pl.errors import RenaError

MAX_TEXT = 200_000
"""Characters of a YAML file; it takes seconds to read more."""
MAX_VALUES = 20_000
MAX_DEPTH = 40


def read_at_most(path: Path, most: int) -> str:
    """The text of a file that may be endless, such as a link to a device.

    Raises:
        OSError: It cannot be read.
        RenaError: It holds more bytes than `most`.
        UnicodeDecodeError: It is no UTF-8.
    """
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise RenaError(f"it holds more than {most:,} bytes")
    return content.decode("utf-8")


def read_settings(path: Path) -> dict[str, Any]:
    """The settings in a YAML file.

    Raises:
        RenaError: It cannot be read, is beyond the bounds, or holds no settings; the sentence
            names the file.
    """
    try:
        content = yaml.safe_load(read_at_most(path, MAX_TEXT))
        check_document(content)
    except OSError as error:
        raise RenaError(f"{path}: cannot be read: {error}") from None
    except RenaError as error:
        raise RenaError(f"{path}: {error}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise RenaError(f"{path}: is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise RenaError(f"{path}: holds no settings")
    return content


def check_document(content: Any) -> None:
    """Refuse a document that is too deep, has too many values, or a number too long to print.

    A YAML alias makes a few lines stand for billions of values, or for a document within itself.

    Raises:
        RenaError: It is beyond the bounds.
    """
    left, level = MAX_VALUES, [content]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for item in level:
            if type(item) is int and abs(item) > LARGEST:
                raise RenaError("it holds a number that is too large")
            inside = list(item.values()) if isinstance(item, dict) else item
            if isinstance(inside, list):
                below += inside
            if len(below) > left:
                raise RenaError(f"it holds more than {MAX_VALUES:,} values")
        left -= len(below)
        if not below:
            return
        level = below
    raise RenaError(f"it is nested more than {MAX_DEPTH} deep")
