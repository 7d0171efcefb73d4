"""Run folders from anywhere: what is sound is read, what is not is named in a sentence."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rena_pl.errors import RenaError
from rena_pl.report.run import read_run
from rena_pl.report.write import read_runs, write_report
from tests import tables
from tests.command_line import rena
from tests.report.runs import CONSTRAINTS, LABELS, write_run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_run(tmp_path / "run")
    return tmp_path / "run"


def test_a_run_is_read_as_it_was_written(folder: Path) -> None:
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    run = read_run(folder)
    assert run.name == "run"
    assert list(run.objective.constraints) == CONSTRAINTS
    assert run.entries == ["params", "peak_memory"]
    assert run.planned == 5
    assert run.summary is not None
    assert run.summary.labels == LABELS
    assert run.best is not None
    assert run.best.arch_id == run.summary.arch_id
    assert dict(run.settings)["model.objective.constraints.1.penalty"] == "0.8"
    assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before


def test_a_run_that_goes_on_is_read_as_far_as_it_is(tmp_path: Path) -> None:
    made = write_run(tmp_path / "run", finished=False)
    journal = tmp_path / "run" / "ledger.journal"
    with journal.open("ab") as file:
        file.write(b'{"op_code": 4, "worker')  # a line that is being written
    run = read_run(tmp_path / "run")
    assert run.summary is None
    assert len(run.evaluations) == len(made)


def test_a_run_that_has_just_begun(tmp_path: Path) -> None:
    write_run(tmp_path / "run", finished=False)
    (tmp_path / "run" / "ledger.journal").unlink()
    run = read_run(tmp_path / "run")
    assert run.evaluations == []
    assert run.entries == ["params", "peak_memory"]


def journal(change: Callable[[str], str]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        file = folder / "ledger.journal"
        lines = file.read_text().splitlines()
        lines[5] = change(lines[5])
        file.write_text("\n".join(lines) + "\n")

    return damage


def summary(**values: object) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        file = folder / "summary.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), **values}))

    return damage


def written(name: str, text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_text(text) and None


def config(old: str, new: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        file = folder / "config.yaml"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    return damage


def link_out(name: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        outside = folder.parent / "outside"
        (folder / name).rename(outside)
        (folder / name).symlink_to(outside)

    return damage


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [*{before}, *{before}, *{before}, *{before}, *{before}, *{before}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (written("config.yaml", "a: [b"), "config.yaml: is no YAML"),
        (written("config.yaml", "- a"), "config.yaml: holds no settings"),
        (written("config.yaml", "a: &a [*a]"), "config.yaml: it is nested more than 40 deep"),
        (written("config.yaml", BOMB), "config.yaml: it holds more than 20,000 values"),
        (
            written("config.yaml", f"a: 0x{'f' * 5000}"),
            "config.yaml: it holds a number that is too",
        ),
        (written("config.yaml", "a: !!python/object/apply:os.getcwd []"), "config.yaml: is no Y"),
        (written("config.yaml", "model: 3"), "config.yaml: model must be a mapping"),
        (config("max: 2500", "max: -1"), "config.yaml: model.objective: .*above 0"),
        (config("max: 2500", "most: 1"), "config.yaml: model.objective: "),
        (config("metric: accuracy", "metric: [a]"), "config.yaml: model: metric must be text"),
        (written("summary.json", "{"), "summary.json: is no JSON"),
        (written("summary.json", "[" * 100_000), "summary.json: is no JSON"),
        (written("summary.json", "[]"), "summary.json: holds no summary"),
        (summary(test_accuracy="good"), "summary.json: test_accuracy must be a number"),
        (summary(test_accuracy=float("nan")), "test_accuracy must be a number; it is not nan"),
        (summary(seconds=10**400), "summary.json: seconds must be a number"),
        (summary(input_shape=[1, 40]), "input_shape must be channels, height and width"),
        (summary(input_shape=[1, 40, 0]), "input_shape must be a list of whole numbers"),
        (summary(labels=["yes"]), "summary.json: labels must have a name for each class"),
        (summary(test_confusion=[[1]]), "test_confusion must have a row for each class"),
        (summary(test_confusion=[[1]] * 4), "test_confusion must have a column for each"),
        (summary(test_confusion=[[-1] * 4] * 4), "must be a list of whole numbers"),
        (summary(profile={"params": None}), "summary.json: profile: params must be a number"),
        (written("ledger.journal", "gibberish\n"), "ledger.journal: is no ledger"),
        (written("ledger.journal", '{"op_code": 77}\n'), "ledger.journal: is no ledger"),
        (journal(lambda line: line.replace('"place"', '"plaice"')), "journal: .*trial 4 is not"),
        (journal(lambda line: line.replace("conv2d", 'conv"2d')), "ledger.journal: "),
        (journal(lambda line: line.replace('{"params":', '{"params":NaN,"p":')), "profile is "),
        (journal(lambda line: line.replace('"reward":', '"reward":"x","r":')), "reward is 'x'"),
        (journal(lambda line: line.replace('"status":"', '"status":"un')), "status is 'un"),
        (journal(lambda line: line.replace('\\"format\\":1', '\\"format\\":9')), "trial 4 is not"),
        (written("best/architecture.json", "{}"), "best/architecture.json: "),
        (link_out("summary.json"), "summary.json: leads out of the run folder"),
        (link_out("ledger.journal"), "ledger.journal: leads out of the run folder"),
        (lambda folder: (folder / "config.yaml").unlink(), "is no run folder: config.yaml is miss"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    folder: Path, damage: Callable[[Path], None], sentence: str
) -> None:
    damage(folder)
    with pytest.raises(RenaError, match=sentence) as error:
        read_run(folder)
    assert str(folder) in str(error.value)


ODD = st.sampled_from(
    [
        None,
        -1,
        0,
        1e30,
        1e300,
        10**400,
        float("nan"),
        "",
        "<b>",
        "\ud800\x00",
        [],
        {},
        [[1]],
        True,
        "1.5",
    ]
)


def leaves(item: object, path: tuple = ()) -> list[tuple]:
    """The paths of all values of a nest, those that hold others too."""
    inner = (
        item.items()
        if isinstance(item, dict)
        else enumerate(item)
        if isinstance(item, list)
        else ()
    )
    return [path, *(leaf for key, value in inner for leaf in leaves(value, (*path, key)))]


def with_odd(item: object, draw: Callable[[st.SearchStrategy], object]) -> None:
    """Put something odd somewhere into a nest, or take something away."""
    *way, last = draw(st.sampled_from(leaves(item)[1:]))
    for key in way:
        item = item[key]
    if draw(st.booleans()) and isinstance(item, dict):
        del item[last]
    else:
        item[last] = draw(ODD)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound") / "run"
    write_run(folder)
    return folder


@settings(max_examples=40)
@given(st.data())
def test_any_odd_value_is_shown_or_refused(sound: Path, data: st.DataObject) -> None:
    """Whatever is changed in a file, there is a report, or one sentence that names the folder."""
    with TemporaryDirectory() as place:
        folder = Path(place) / "run"
        shutil.copytree(sound, folder)
        name = data.draw(st.sampled_from(["summary.json", "config.yaml", "ledger.journal"]))
        file = folder / name
        if name == "config.yaml":
            values = yaml.safe_load(file.read_text())
            with_odd(values, data.draw)
            file.write_text(json.dumps(values))
        elif name == "summary.json":
            values = json.loads(file.read_text())
            with_odd(values, data.draw)
            file.write_text(json.dumps(values))
        else:
            lines = [json.loads(line) for line in file.read_text().splitlines()]
            with_odd(lines[data.draw(st.integers(1, len(lines) - 1))]["user_attrs"], data.draw)
            file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        refusal = str(folder)
        try:
            write_report([read_run(folder)], folder / "report.html", folder / "figures")
        except RenaError as error:
            refusal = str(error)
        assert str(folder) in refusal


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RenaError, match="there is no such run folder"):
        read_run(tmp_path / "nowhere")


def test_layer_types_that_are_not_installed_are_shown_without_costs(folder: Path) -> None:
    for file in (folder / "ledger.journal", folder / "best" / "architecture.json"):
        file.write_text(file.read_text().replace("conv2d", "my_layers"))
    run = read_run(folder)
    write_report([run], folder / "report.html")
    assert "my_layers" in (folder / "report.html").read_text()


def test_a_class_path_in_a_config_is_not_imported(folder: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap.py"
    trap.write_text("raise SystemExit('imported')")
    config("conv2d:", "trap.Layer:")(folder)
    config("rena_pl.data.SpokenKeywords", "trap.Task")(folder)
    assert read_run(folder).task == "trap.Task"


def test_a_report_needs_the_name_of_a_file(folder: Path) -> None:
    with pytest.raises(RenaError, match="/: cannot be written"):
        write_report(read_runs([folder]), Path("/"))


def test_runs_of_the_same_name_are_told_apart(tmp_path: Path) -> None:
    for place in ("one/0", "two/0", "two/1"):
        write_run(tmp_path / place, finished=False)
    folders = [tmp_path / "one" / "0", tmp_path / "two" / "0", tmp_path / "two" / "1"]
    runs = read_runs([*folders, tmp_path / "one" / ".." / "one" / "0"])
    assert [run.name for run in runs] == ["one/0", "two/0", "1"]


def test_a_password_stays_in_the_config(folder: Path) -> None:
    config = folder / "config.yaml"
    settings = yaml.safe_load(config.read_text())
    settings["model"]["ledger"] = "postgresql+psycopg://user:s3cret@host/rena"
    config.write_text(yaml.safe_dump(settings))
    write_report(read_runs([folder]), folder / "report.html")
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "user:***@host/rena" in page
    assert "s3cret" not in page


def test_accuracies_of_a_table_in_percents_are_shares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")  # or its run would be that of the next search too
    fractions = tables.write_config(tmp_path, updates=3)
    file = tmp_path / "table.csv"
    rows = [line.split(",") for line in file.read_text().splitlines()]
    for row in rows[1:]:
        row[-2] = str(100 * float(row[-2]))
    rena("fit", "--config", fractions, "--trainer.default_root_dir", tmp_path / "shares")
    file.write_text("\n".join(map(",".join, rows)) + "\n")
    rena("fit", "--config", fractions, "--trainer.default_root_dir", tmp_path / "percents")
    shares, percents = (read_run(tmp_path / name) for name in ("shares", "percents"))
    assert 0 < max(e.accuracy for e in percents.evaluations) < 1
    one, other = ({e.key: e.accuracy for e in run.searched[:1]} for run in (shares, percents))
    assert [*other.values()] == pytest.approx([*one.values()])
