from rena_pl.data.files import files_in, read_all, report_skipped


def test_files_are_listed_by_name_without_folders_and_hidden_files(tmp_path):
    for name in ("b.wav", "a.wav", ".hidden"):
        (tmp_path / name).write_text(name)
    (tmp_path / "folder").mkdir()
    files = files_in(tmp_path)
    assert [file.path.name for file in files] == ["a.wav", "b.wav"]
    assert files[0].line == f"{tmp_path.name}/a.wav 5"


def test_what_cannot_be_read_is_named_with_its_reason(tmp_path):
    paths = [tmp_path / name for name in ("1", "two", "missing", "3")]
    for path in paths:
        if path.name != "missing":
            path.write_text(path.name)
    contents, usable, skipped = read_all(paths, lambda path: int(path.read_text()))
    assert (contents, usable) == ([1, 3], [0, 3])
    assert [path for path, _ in skipped] == [str(paths[1]), str(paths[2])]
    assert "two" in skipped[0][1]
    assert "No such file" in skipped[1][1]


def test_one_line_reports_all_skipped_files(caplog):
    report_skipped([("a.wav", "empty"), ("b.wav", "text")], 4800, "recordings")
    assert [record.getMessage() for record in caplog.records] == [
        "skipped 2 of 4,800 recordings, first: a.wav: empty"
    ]
    caplog.clear()
    report_skipped([], 4800, "recordings")
    assert not caplog.records
