"""The command `rena`: a table of sub-commands, and errors that are one sentence."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from rena_pl import __version__
from rena_pl.errors import RenaError

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


COMMANDS: dict[str, Callable[[list[str]], None]] = {
    "fit": fit,
    "compare": compare,
    "profile": profile,
    "report": report,
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
    except RenaError as error:
        print(f"rena: {error}", file=sys.stderr)
        sys.exit(USAGE_ERROR)
    except KeyboardInterrupt:
        print("rena: stopped; the same command goes on where this one was left", file=sys.stderr)
        sys.exit(INTERRUPTED)


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
