"""`rena report`, as people use it."""

from __future__ import annotations

from pathlib import Path

import pytest

from rena_pl.cli import main
from rena_pl.report.page import joint_figures, views_of
from rena_pl.report.write import read_runs
from tests.report.runs import write_run


def test_a_report_is_written_into_the_run_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path / "run")
    main(["report", str(tmp_path / "run")])
    assert str(tmp_path / "run" / "report.html") in capsys.readouterr().out.replace("\n", "")
    assert (tmp_path / "run" / "report.html").read_text(encoding="utf-8").startswith("<!doctype")


def test_names_are_no_markup(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, output = tmp_path / "kws[tight]", tmp_path / "x[" / "b] :key:.html"
    write_run(run)
    main(["report", str(run), "--output", str(output)])
    assert capsys.readouterr().out == f"report: {output}\n"


def test_several_runs_where_they_are_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path / "one")
    write_run(tmp_path / "two", seed=1)
    main(["report", "one", "two", "--figures", "figures"])
    assert (tmp_path / "report.html").is_file()
    assert (tmp_path / "figures" / "one_course.svg").is_file()
    assert (tmp_path / "figures" / "joint_course.svg").is_file()
    main(["report", "one", "two", "--output", "there/both.html"])
    assert (tmp_path / "there" / "both.html").is_file()


def test_no_figure_takes_the_place_of_another(tmp_path: Path) -> None:
    names = ("a.b", "a_b", "joint")
    for seed, name in enumerate(names):
        write_run(tmp_path / name, seed=seed)
    folders = [str(tmp_path / name) for name in names]
    figures = tmp_path / "figures"
    main(["report", *folders, "--output", str(tmp_path / "all.html"), "--figures", str(figures)])
    views = views_of(read_runs([tmp_path / name for name in names]))
    drawn = [figure.file() for view in views for figure in view.figures]
    drawn += [figure.file() for figure in joint_figures([view.run for view in views])]
    assert sorted(file.read_text() for file in figures.iterdir()) == sorted(drawn)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere"], "nowhere: there is no such run folder"),
        (["run", "--output", "run/config.yaml/x"], "run/config.yaml/x: cannot be written"),
    ],
)
def test_mistakes_are_said_in_a_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path / "run")
    with pytest.raises(SystemExit) as exit_:
        main(["report", *arguments])
    assert exit_.value.code == 2
    assert f"rena: {sentence}" in capsys.readouterr().err
