"""Commands as people give them."""

from __future__ import annotations

import pytest

from rena_pl.cli import main


def rena(*arguments: object) -> None:
    main([str(argument) for argument in arguments])


def fails_with(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one sentence on standard error of a command that exits with 2."""
    with pytest.raises(SystemExit) as exit_:
        rena(*arguments)
    assert exit_.value.code == 2
    said = capsys.readouterr().err
    lines = [line for line in said.splitlines() if line.startswith("rena: ")]
    assert len(lines) == 1
    assert "usage:" not in said
    assert "Traceback" not in said
    return lines[0]
