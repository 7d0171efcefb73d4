from __future__ import annotations

import csv
import gzip
import random
from pathlib import Path

import pytest

from rena_pl.errors import RenaError
from rena_pl.evaluation.evaluation import Candidate
from rena_pl.space.named import NAMED
from rena_pl.tabular import Table, row_of
from tests import tables

ROW = ("conv", "skip", "pool", "conv", "skip")


def test_a_row_is_an_architecture_and_back(tmp_path: Path) -> None:
    made = tables.table(tmp_path)
    architecture = made.space.architecture(ROW)
    assert row_of(architecture) == ROW
    assert made.space.holds(architecture)
    assert made.resources.profile(architecture) == {"params": 23.0}
    seen = made.accuracy(Candidate(architecture, None, 1, (0, 0, 0)), "", 0, None).accuracy
    assert seen == pytest.approx(11 / 20)
    assert made.score(architecture) == pytest.approx(11 / 15)
    assert len(made.architectures()) == 243


def test_the_only_actions_decide_anew(tmp_path: Path) -> None:
    space = tables.table(tmp_path).space
    architecture = space.architecture(ROW)
    reached = {
        row_of(action.apply(architecture))
        for action in space.legal_actions(architecture, random.Random(0))
    }
    assert len(reached) == 10
    assert all(sum(a != b for a, b in zip(row, ROW, strict=True)) == 1 for row in reached)


def test_decisions_with_the_same_options_are_of_one_kind(tmp_path: Path) -> None:
    assert len(tables.table(tmp_path).space.choices) == 1


def test_options_with_commas_are_not_taken_for_others(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_text('one,two,seen\n"a, b",a,1\nc,b,2\n"a, b",c,3\n')
    made = Table(file, ["one", "two"], [], "seen")
    assert made.space.options == (("a, b", "c"), ("a", "b", "c"))
    assert len({kind for a in made.architectures() for kind in [x.kind for x in a.layers]}) == 2


def test_a_gzipped_table_is_read_alike(tmp_path: Path) -> None:
    plain = tables.write_table(tmp_path)
    zipped = tmp_path / "table.csv.gz"
    zipped.write_bytes(gzip.compress(plain.read_bytes()))
    settings = (tables.DECISIONS, ["params"], "seen")
    assert Table(zipped, *settings).rows == Table(plain, *settings).rows
    assert Table(zipped, *settings).fingerprint() == Table(plain, *settings).fingerprint()


def test_rows_that_are_missing_are_not_part_of_the_space(tmp_path: Path) -> None:
    file = tables.write_table(tmp_path)
    lines = file.read_text().splitlines()
    file.write_text("\n".join(lines[:1] + lines[5:]) + "\n")
    space = Table(file, tables.DECISIONS, ["params"], "seen").space
    assert not space.holds(space.architecture(lines[1].split(",")[:5]))
    assert space.holds(space.architecture(lines[6].split(",")[:5]))


def test_of_a_sparse_table_rows_are_drawn(tmp_path: Path) -> None:
    file = tables.write_table(tmp_path)
    lines = file.read_text().splitlines()
    file.write_text("\n".join(lines[:1] + lines[1::20]) + "\n")
    space = Table(file, tables.DECISIONS, ["params"], "seen").space
    rng = random.Random(0)
    drawn = {space.draw(None, rng) for _ in range(200)}
    assert all(map(space.holds, drawn))
    assert len(drawn) == len(lines[1::20])


def test_what_is_a_row_of_another_table_is_told(tmp_path: Path) -> None:
    made = tables.table(tmp_path)
    assert all(map(made.has, made.architectures()))
    file = tables.write_table(tmp_path)
    other = Table(file, [*tables.DECISIONS, "params"], [], "seen")
    assert not any(map(made.has, other.architectures()))
    assert not made.has(NAMED["tc_resnet8"]())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda text: text.replace("params", "weights"), "no column 'params'; there are a, b,"),
        (lambda text: text + "conv,conv\n", "line 245 is not as long"),
        (lambda text: text.replace(",50,", ",50,1,"), "line 2 is not as long"),
        (lambda text: text + text.splitlines()[1] + "\n", "line 245: a row before it has the same"),
        (lambda text: text.replace(",50,", ",many,"), "line 2, params: 'many' is no number"),
        (lambda text: text.replace(",50,", ",nan,"), "line 2, params: 'nan' is not finite"),
        (
            lambda text: text.replace(",50,", ",1e35,"),
            "line 2, params: '1e35' is not finite, or too",
        ),
        (lambda text: text.splitlines()[0] + "\n", "holds no rows"),
        (lambda text: text.replace(",50,", ",-50,"), "a known column holds a number below 0"),
        (lambda text: text.replace(",50,", ",50,-"), "seen holds an accuracy below 0"),
        (lambda text: "\n".join(text.splitlines()[:2]) + "\n", "no decision has two options"),
    ],
)
def test_a_table_that_cannot_be_used_is_named(tmp_path: Path, change, sentence: str) -> None:
    file = tables.write_table(tmp_path)
    file.write_text(change(file.read_text()))
    with pytest.raises(RenaError, match=sentence) as error:
        Table(file, tables.DECISIONS, ["params"], "seen")
    assert str(file) in str(error.value)


def test_a_byte_order_mark_is_no_part_of_the_heading(tmp_path: Path) -> None:
    file = tables.write_table(tmp_path)
    plain = Table(file, tables.DECISIONS, ["params"], "seen").rows
    file.write_text(file.read_text(), encoding="utf-8-sig")
    assert Table(file, tables.DECISIONS, ["params"], "seen").rows == plain


def test_what_is_no_table_is_named(tmp_path: Path) -> None:
    for name, content in (("t.csv", b"\xff\xfe\x00"), ("t.csv.gz", b"not gzipped")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(RenaError, match="cannot be read as a table|has no column"):
            Table(tmp_path / name, ["a"], [], "seen")
    with pytest.raises(RenaError, match="cannot be read as a table"):
        Table(tmp_path / "none.csv", ["a"], [], "seen")


@pytest.mark.data
def test_nasbench201_is_read_whole(real_data: Path) -> None:
    file = real_data / "nasbench201.csv.gz"
    with gzip.open(file, "rt") as stream:
        heading = next(csv.reader(stream))
    made = Table(file, heading[:6], heading[6:13], "val12_cifar10", "test200_cifar10")
    assert len(made.rows) == 5**6
    assert made.resources.entries[0] == "params_m"
