"""YAML in which only `true` and `false` are truth values, as YAML 1.2 has it.

YAML 1.1 reads `keywords: [yes, no, on, off]` as four truth values; these are the very words that
people want to spot.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import set_loader

from rena_pl.documents import MAX_TEXT, check_document, read_at_most
from rena_pl.errors import RenaError

BOOL, FLOAT = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:float"


class WordLoader(yaml.SafeLoader):
    """A safe loader for which yes, no, on and off are words, and 1e6 is a number."""


WordLoader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag not in (BOOL, FLOAT)]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
WordLoader.add_implicit_resolver(
    BOOL, re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
WordLoader.add_implicit_resolver(
    FLOAT,
    re.compile(
        r"^(?:[-+]?(?:[0-9][0-9_]*)?\.[0-9_]+(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?[0-9][0-9_]*\.?(?:[eE][-+]?[0-9]+)|[-+]?[0-9][0-9_]*\."
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
    ),
    list("-+0123456789."),
)


def read_words() -> None:
    """Let jsonargparse read configs and command-line values in this way."""
    set_loader("yaml", _load, (yaml.YAMLError,))


def check_configs(arguments: list[str]) -> None:
    """Read the config files that are named on a command line, for an error that names the file.

    Raises:
        RenaError: A file is missing or no YAML.
    """
    for number, argument in enumerate(arguments):
        option, _, value = argument.partition("=")
        if option not in ("-c", "--config"):
            continue
        path = Path(value or "".join(arguments[number + 1 : number + 2]))
        try:
            content = _load(read_at_most(path, MAX_TEXT))
        except (OSError, UnicodeDecodeError, RenaError, yaml.YAMLError) as error:
            raise RenaError(f"config {path}: {' '.join(str(error).split())}") from None
        if not isinstance(content, dict):
            raise RenaError(f"config {path}: holds no settings")


def _load(text: str) -> Any:
    try:
        content = yaml.load(text, Loader=WordLoader)
        check_document(content)
    except (RenaError, RecursionError, ValueError) as error:
        # PyYAML's own: a date that does not exist, a number with too many digits, too deep a nest
        raise yaml.YAMLError(str(error)) from error
    return content
