"""Every command of the documents is given as it stands, or is known by name not to be."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from rena_pl.cli import COMMANDS, main
from tests.conftest import REPOSITORY
from tests.docs.blocks import BLOCKS, INLINE, Block
from tests.docs.scratch import furnish, give, place
from tests.docs.treatments import TREATMENTS, treatment

SCRIPTS = [block for block in BLOCKS if block.language == "bash"]
COMMANDS_HERE = [(block, command) for block in SCRIPTS for command in block.commands]
PLACEHOLDER = re.compile(r"\.\.\.|\b[A-Z_]{3,}\b|[\[\]]")
IN_SENTENCES = sorted(
    code
    for code in INLINE
    if re.match(r"(python benchmarks/|rena \w+ \S)", code) and not PLACEHOLDER.search(code)
)


TUTORIAL = "docs/tutorial.md"
"""Its blocks build on each other; each of the other pages' has a folder of its own."""


def scripts() -> list:
    """Blocks that can be given at all, with the tutorial's in one."""
    tutorial = [block for block in SCRIPTS if block.page == TUTORIAL]
    cases = []
    for blocks in [tutorial, *([block] for block in SCRIPTS if block.page != TUTORIAL)]:
        treatments = [treatment(command) for block in blocks for command in block.commands]
        slow = pytest.mark.slow, pytest.mark.timeout(1200)
        if not all(one.missing for one in treatments):
            marks = slow if any(one.slow for one in treatments) else ()
            cases.append(pytest.param(blocks, id=str(blocks[0]), marks=marks))
    return cases


@pytest.mark.parametrize("blocks", scripts())
def test_a_command_runs_as_it_stands(blocks: list[Block], furnished: Path, tmp_path: Path) -> None:
    commands = [command for block in blocks for command in block.commands]
    treatments = [treatment(command) for command in commands]
    fresh = any(one.fresh for one in treatments)
    folder = place(furnished, tmp_path / "here", blocks[0].page, fresh)
    for command, one in zip(commands, treatments, strict=True):
        if one.after:
            give(one.after, folder)
        if not one.missing:
            give(command, folder, one.further)


@pytest.mark.parametrize(
    "code",
    [pytest.param(c, marks=pytest.mark.slow if treatment(c).slow else ()) for c in IN_SENTENCES],
)
def test_a_command_in_a_sentence_runs(code: str, furnished: Path, tmp_path: Path) -> None:
    one = treatment(code)
    give(code, place(furnished, tmp_path / "here", "", one.fresh), one.further)


@pytest.mark.parametrize(
    "command", sorted({command for _, command in COMMANDS_HERE if treatment(command).missing})
)
def test_what_cannot_run_here_is_right_as_far_as_can_be_seen(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    """The shell reads it, `rena fit` takes its options, and the extras exist."""
    subprocess.run(["bash", "-n", "-c", command], check=True)
    (tmp_path / "configs").symlink_to(REPOSITORY / "configs")
    monkeypatch.chdir(tmp_path)
    for options in re.findall("(?:rena|-m rena_pl) fit (.*)", command.replace("\\\n", " ")):
        words = [word for word in shlex.split(options) if word != "..."]
        with pytest.raises(SystemExit) as exit_:
            main(["fit", *words, "--print_config"])
        assert exit_.value.code == 0, capsys.readouterr().err
    known = re.findall(r"^(\w+) = \[", (REPOSITORY / "pyproject.toml").read_text(), re.MULTILINE)
    for extras in re.findall(r"(?:rena-pl|\.)\[([\w,]+)\]", command):
        assert set(extras.split(",")) <= set(known)


def test_code_in_sentences_names_commands_and_options_that_exist(capsys) -> None:
    options = set()
    for command in COMMANDS:
        with pytest.raises(SystemExit):
            main([command, "--help"])
        options |= set(re.findall(r"--[\w.-]+", capsys.readouterr().out))
    for code in INLINE:
        if called := re.match(r"(?:\w+=\w+ )?rena (\w+)", code):
            assert called[1] in COMMANDS, code
        elif re.match("--(model|trainer)", code):
            assert code.split()[0] in options, code


def test_every_block_says_its_language() -> None:
    known = {"bash", "python", "yaml", "toml", "json"}
    assert [str(block) for block in BLOCKS if block.language not in known] == []


def test_every_treatment_has_a_command() -> None:
    everything = {*IN_SENTENCES, *(command for _, command in COMMANDS_HERE)}
    used = {treatment(command).pattern for command in everything}
    assert [one.pattern for one in TREATMENTS if one.pattern not in used] == []


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "made"),
    [
        ("--trainer.default_root_dir runs/four_words", "runs/four_words/summary.json"),
        (
            "^rena compare .*nasbench201",
            "runs/bench/nasbench201_cifar100_tight/compare/compare.json",
        ),
    ],
)
def test_a_command_runs_on_real_data(
    words: str, made: str, real_data: Path, tmp_path: Path
) -> None:
    """Four words of Speech Commands, and NAS-Bench-201."""
    command = next(command for _, command in COMMANDS_HERE if re.search(words, command))
    furnish(tmp_path)
    for name, real in {
        "speech_commands": "speech_commands_small",
        "nasbench201.csv.gz": "nasbench201.csv.gz",
    }.items():
        (tmp_path / "data" / name).rename(tmp_path / name)
        (tmp_path / "data" / name).symlink_to(real_data / real)
    give(command, tmp_path, treatment(command).further)
    assert (tmp_path / made).is_file()
