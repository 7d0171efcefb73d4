from __future__ import annotations

import pytest

from rena_pl.commands.fit import run_fit


def test_the_help_lists_every_task(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run_fit(["--help"])
    printed = capsys.readouterr().out
    for name in ("SpeechCommands", "KeywordFolder", "SpokenKeywords", "CIFAR10", "ImageFolder"):
        assert f"rena_pl.data.{name}" in printed
