"""The command `rena`: a table of sub-commands, and errors that are one sentence."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from rena_pl import __version__
from rena_pl.checks import printable
from rena_pl.errors import RenaError

FAILED = 1
USAGE_ERROR = 2
INTERRUPTED = 130


def fit(arguments: list[str]) -> None:
    """Search, train the best networks in full, and leave a run folder."""
    from rena_pl.commands.fit import run_fit

    run_fit(arguments)


def profile(arguments: list[str]) -> None:
    """Print the resource use of an architecture file."""
    from rena_pl.commands.profile import run_profile

    run_profile(arguments)


def compare(arguments: list[str]) -> None:
    """Run several searchers on the same config and compare what they come to."""
    from rena_pl.commands.compare import run_compare

    run_compare(arguments)


def report(arguments: list[str]) -> None:
    """Write the report of one or several runs as an HTML file."""
    from rena_pl.commands.report import run_report

    run_report(arguments)


def train(arguments: list[str]) -> None:
    """Train an architecture file in full, with a config's task and recipe."""
    from rena_pl.commands.train import run_train

    run_train(arguments)


def test(arguments: list[str]) -> None:
    """Print the accuracy of a run's network on a split."""
    from rena_pl.commands.test import run_test

    run_test(arguments)


def predict(arguments: list[str]) -> None:
    """Print what a run's network says to recordings or images."""
    from rena_pl.commands.predict import run_predict

    run_predict(arguments)


def export(arguments: list[str]) -> None:
    """Write a run's network to a file for devices, and check it."""
    from rena_pl.commands.export import run_export

    run_export(arguments)


COMMANDS: dict[str, Callable[[list[str]], None]] = {
    "fit": fit,
    "train": train,
    "test": test,
    "predict": predict,
    "export": export,
    "profile": profile,
    "report": report,
    "compare": compare,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `rena COMMAND ...`; exits with 2 and one sentence when the user can mend something."""
    command, *rest = (sys.argv[1:] if arguments is None else list(arguments)) or ["--help"]
    if command in ("-h", "--help"):
        print(overview())
        return
    if command == "--version":
        print(f"rena {__version__}")
        return
    try:
        if command not in COMMANDS:
            raise RenaError(f"unknown command '{command}'; known are {', '.join(COMMANDS)}")
        COMMANDS[command](rest)
        sys.stdout.flush()
    except RenaError as error:
        _refuse(str(error))
    except BrokenPipeError:  # whoever reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at the end
        sys.exit(FAILED)
    except OSError as error:
        _refuse(" ".join(str(error).split()) or type(error).__name__)
    except KeyboardInterrupt:
        print("rena: stopped; the same command goes on where this one was left", file=sys.stderr)
        sys.exit(INTERRUPTED)


def _refuse(why: str) -> NoReturn:
    """Say it, without what text of a file could do to a terminal."""
    print("rena: " + printable(re.sub(r"\[Errno \d+\] ", "", why)), file=sys.stderr)
    sys.exit(USAGE_ERROR)


def overview() -> str:
    """What `rena --help` prints; it loads nothing."""
    lines = [
        "usage: rena COMMAND ...",
        "",
        "Search for a network that fits a budget of parameters, multiply-adds and memory.",
        "",
        "commands:",
        *(f"  {name:<10}{function.__doc__}" for name, function in COMMANDS.items()),
        "",
        "`rena COMMAND --help` lists the options of a command.",
    ]
    return "\n".join(lines)
