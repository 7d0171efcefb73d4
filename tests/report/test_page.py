"""The page as a file: its structure, its figures, and that it holds on to what strangers write."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from rena_pl.report.baselines import INPUT_CHANNELS, baselines
from rena_pl.report.palette import COLOURS
from rena_pl.report.write import read_runs, write_report
from rena_pl.space.named import NAMED
from tests import tables
from tests.command_line import rena
from tests.report.runs import CONSTRAINTS, INPUT, write_run

SECTIONS = ["trade-off", "course", "actions", "lineage", "best", "test", "cost", "settings"]
HOSTILE = ["</script><script>alert(1)</script>", "<img src=x onerror=alert(2)>", "\x00\ud800", '"&']


class Outline(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self.open[-1] if self.open else "", []).append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def report(tmp_path: Path, *names: str) -> str:
    write_report(read_runs([tmp_path / name for name in names]), tmp_path / "report.html")
    return (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_finished_run_has_every_section_and_figure(tmp_path: Path) -> None:
    made = write_run(tmp_path / "run")
    outline = Outline(report(tmp_path, "run"))
    assert [s.get("id") for s in outline.all("section")] == [
        None,
        *(f"run0-{name}" for name in SECTIONS),
    ]
    drawings = outline.all("svg")
    assert len(drawings) == 2 * 6  # for wide and for narrow columns
    assert all(len(str(drawing["aria-label"])) > 20 for drawing in drawings)
    assert [h for h in outline.texts["h1"] if h.strip()] == ["run"]
    (data,) = (json.loads(text) for text in outline.texts["script"] if text.startswith("{"))
    shown = data["run0"]["evaluations"]
    assert set(shown) <= {e.key for e in made}
    marks = [tag["data-key"] for _, tag in outline.tags if "data-key" in tag]
    assert set(marks) == set(shown)
    for network in data["run0"]["networks"].values():
        for number, (kind, hyper, inputs, shape) in enumerate(network["layers"]):
            assert max(kind, hyper, shape) < len(data["run0"]["words"])
            assert all(0 <= source <= number for source in inputs)


def test_nothing_is_loaded_and_only_our_script_may_run(tmp_path: Path) -> None:
    write_run(tmp_path / "run")
    text = report(tmp_path, "run")
    outline = Outline(text)
    addresses = set(re.findall(r"https?://[^\"'\s<)]+", text))
    assert addresses == {"http://www.w3.org/2000/svg"}
    assert not any("src" in tag or "href" in tag for tag in outline.all("script"))
    links = [str(a["href"]) for name in ("a", "link") for a in outline.all(name)]
    assert all(link.startswith("#") or link == "data:," for link in links)
    (script,) = (text for text in outline.texts["script"] if "use strict" in text)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in text


def test_what_strangers_write_stays_text(tmp_path: Path) -> None:
    write_run(tmp_path / "run", labels=HOSTILE, arch_id=HOSTILE[1])
    config = tmp_path / "run" / "config.yaml"
    config.write_text(config.read_text().replace("accuracy", "'<script>alert(3)</script>'"))
    journal = tmp_path / "run" / "ledger.journal"
    journal.write_text(journal.read_text().replace("OutOfMemory", HOSTILE[1].replace('"', "")))
    hostile = tmp_path / "<script>alert(4)<"
    (tmp_path / "run").rename(hostile)
    text = report(tmp_path, hostile.name)
    outline = Outline(text)
    assert len(outline.all("script")) == 2
    assert outline.all("img") == []
    assert not any(name.startswith("on") for _, tag in outline.tags for name in tag)
    assert "\x00" not in text


def test_several_runs_have_a_figure_together(tmp_path: Path) -> None:
    for number in range(3):
        write_run(tmp_path / f"run{number}", seed=number, finished=number < 2)
    text = report(tmp_path, "run0", "run1", "run2")
    outline = Outline(text)
    assert len(outline.all("article")) == 3
    assert "Pareto fronts: validation accuracy against parameters" in text
    assert "Best reward so far over cost" in text
    identities = [tag["id"] for _, tag in outline.tags if "id" in tag]
    assert len(set(identities)) == len(identities)


@pytest.mark.parametrize("constraints", [CONSTRAINTS, []], ids=["bounded", "free"])
@pytest.mark.parametrize("finished", [True, False])
def test_every_state_of_a_run_has_a_report(
    tmp_path: Path, constraints: list, finished: bool
) -> None:
    write_run(tmp_path / "run", finished=finished, constraints=constraints, seed=2)
    text = report(tmp_path, "run")
    assert ("not finished" in text) == (not finished)
    assert ("outside the bound" in text) == bool(constraints)
    (tmp_path / "run" / "ledger.journal").unlink()
    empty = (
        "The evaluations are not in the run" if finished else "No network has been evaluated yet"
    )
    assert empty in report(tmp_path, "run")


def test_a_summary_without_confusion_says_so(tmp_path: Path) -> None:
    write_run(tmp_path / "run", test_confusion=None, start_test_accuracy=None)
    assert "does not tell which classes were taken for which" in report(tmp_path, "run")


def test_a_search_that_met_nothing_new_at_its_end_had_all_its_updates(tmp_path: Path) -> None:
    write_run(tmp_path / "run")
    config = tmp_path / "run" / "config.yaml"
    config.write_text(config.read_text().replace("max_epochs: 5", "max_epochs: 7"))
    assert "finished after 7 updates" in report(tmp_path, "run")


def test_a_search_on_a_table_ends_with_its_last_update(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")  # or its run would be that of the next search too
    rena("fit", "--config", tables.write_config(tmp_path, updates=4), "--progress", "none")
    assert "4 updates, nothing tested" in report(tmp_path, "run")
    config = tmp_path / "run" / "config.yaml"
    config.write_text(config.read_text().replace("max_epochs: 4", "max_epochs: 6"))
    assert "not finished: 4 of 6 updates so far" in report(tmp_path, "run")


@pytest.mark.parametrize("inherit", [True, False])
def test_only_of_heirs_it_is_said_that_they_inherit(tmp_path: Path, inherit: bool) -> None:
    write_run(tmp_path / "run", inherit=inherit)
    assert ("inherit weights" in report(tmp_path, "run")) is inherit


def test_another_metric_than_accuracy_has_its_name_and_no_interval_of_the_accuracy(
    tmp_path: Path,
) -> None:
    for name in ("one", "two"):
        write_run(tmp_path / name, metric="balanced_accuracy")
    outline = Outline(report(tmp_path, "one", "two"))
    assert "Pareto fronts: validation balanced accuracy against parameters" in "".join(
        outline.texts["figcaption"]
    )
    cells = outline.texts["td"]
    assert cells.count("70.0% balanced accuracy") == 2
    assert not any("60.4% to 78.1%" in cell for cell in cells)
    assert "balanced accuracy" in outline.texts["th"]


def test_figures_are_whole_svg_files_in_light_colours(tmp_path: Path) -> None:
    """Whatever the run is called."""
    folder = tmp_path / "var(--run)"
    write_run(folder, labels=HOSTILE)
    write_report(read_runs([folder]), tmp_path / "report.html", tmp_path / "figures")
    files = sorted((tmp_path / "figures").iterdir())
    assert [file.name for file in files] == [
        "accuracy_params.svg",
        "accuracy_peak_memory.svg",
        "actions.svg",
        "confusion.svg",
        "course.svg",
        "layers.svg",
    ]
    namespace = "{http://www.w3.org/2000/svg}"
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert "var(" not in text.replace(folder.name, "")
        drawing = ElementTree.fromstring(text)
        assert drawing.tag == f"{namespace}svg"
        assert drawing[0].tag == f"{namespace}title"
        assert drawing[1].tag == f"{namespace}desc"
        _, _, width, height = map(float, drawing.attrib["viewBox"].split())
        for mark in drawing.iter(f"{namespace}circle"):
            assert 0 <= float(mark.attrib["cx"]) <= width
            assert 0 <= float(mark.attrib["cy"]) <= height


def test_every_published_network_has_its_kind_of_input() -> None:
    assert INPUT_CHANNELS.keys() == NAMED.keys()
    assert set(baselines(INPUT, 4)) == {"bc_resnet_1", "bc_resnet_2", "ds_cnn_s", "tc_resnet8"}
    assert set(baselines((3, 32, 32), 10)) == {"resnet20", "nasnet_like"}


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_colours_stand_out(theme: int) -> None:
    """Text by 4.5 and marks by 3 (WCAG 2.2 AA)."""
    shade = {name: pair[theme] for name, pair in COLOURS.items()}
    for ground in ("paper", "raised"):
        for name in ("ink", "soft"):
            assert contrast(shade[name], shade[ground]) >= 4.5
    for name in ("blue", "orange", "green", "pink", "gold"):
        assert contrast(shade[name], shade["paper"]) >= 4.5  # numbers on them are paper-coloured
    for name in ("blue", "orange", "grey"):
        assert contrast(shade[name], shade["shade"]) >= 3
