"""The report in a real browser: widths, themes, keyboard, contrast, no network and no errors."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rena_pl.report.write import read_runs, write_report
from tests.report.runs import write_run

sync_api = pytest.importorskip(
    "playwright.sync_api", reason="playwright, of the extra dev, is not installed"
)
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="there is no Chromium on this machine"),
]
WIDTHS = (1280, 400)
THEMES = ("light", "dark")
LEAST_CONTRAST = 4.5

CONTRASTS = """
() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, share, below) => below.map((value, n) => share * top[n] + (1 - share) * value);
  const luminance = (colour) => {
    const linear = colour.map((value) => value / 255)
      .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const paints = (element) => {
    const style = getComputedStyle(element);
    if (element instanceof SVGElement) {
      const shape = ["rect", "circle", "path"].includes(element.tagName) && style.fill !== "none";
      return shape ? [style.fill, Number(style.fillOpacity) * Number(style.opacity)] : null;
    }
    return [style.backgroundColor, 1];
  };
  document.documentElement.style.scrollBehavior = "auto";
  const inside = document.querySelector("dialog[open]") || document.body;
  const found = [];
  const walker = document.createTreeWalker(inside, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || ["SCRIPT", "STYLE"].includes(element.tagName)) continue;
    if (!element.checkVisibility({ visibilityProperty: true })) continue;
    element.scrollIntoView({ block: "center", inline: "center" });
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getClientRects()[0] || element.getBoundingClientRect();
    if (!box.width || box.right < 0) continue;  // the link that is seen when it has the focus
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
    let ground = [255, 255, 255];
    for (const below of document.elementsFromPoint(x, y).reverse()) {
      if (below === element && element instanceof SVGElement) break;
      const paint = paints(below);
      if (paint) {
        const [r, g, b, a] = rgba(paint[0]);
        ground = over([r, g, b], a * paint[1], ground);
      }
      if (below === element) break;
    }
    const style = getComputedStyle(element);
    const [r, g, b, a] = rgba(element instanceof SVGElement ? style.fill : style.color);
    const light = [luminance(over([r, g, b], a, ground)), luminance(ground)];
    const [low, high] = light.sort((m, n) => m - n);
    found.push([node.data.trim().slice(0, 40), (high + 0.05) / (low + 0.05)]);
  }
  return found;
}
"""


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("reports")
    write_run(folder / "first")
    write_run(folder / "second_with_a_rather_long_name", seed=1)
    write_run(folder / "going_on", seed=3, finished=False)
    names = {
        "one": ["first"],
        "unfinished": ["going_on"],
        "three": ["first", "second_with_a_rather_long_name", "going_on"],
    }
    for name, runs in names.items():
        write_report(read_runs([folder / run for run in runs]), folder / f"{name}.html")
    return {name: folder / f"{name}.html" for name in names}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    quiet = ["background-networking", "component-update", "sync"]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=BROWSER,
            args=["--no-sandbox", "--headless", "--disable-gpu"]
            + [f"--disable-{part}" for part in quiet],
        )
        yield browser
        browser.close()


class Opened:
    """A page, and what went on while it was open."""

    def __init__(self, browser: Any, file: Path, width: int, theme: str) -> None:
        viewport = {"width": width, "height": 900}
        self.context = browser.new_context(viewport=viewport, color_scheme=theme)
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.errors.append(message.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(file.as_uri())

    def click_a_point(self) -> str:
        """Click on the last point of the first figure; returns its key."""
        point = self.page.locator(".drawing svg:visible [data-key]").last
        point.evaluate("e => e.scrollIntoView({block: 'center', behavior: 'instant'})")
        box = point.bounding_box()
        self.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        assert self.page.locator("#tip").is_visible()
        self.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        return str(point.get_attribute("data-key"))


@pytest.fixture
def open_(chromium: Any, reports: dict[str, Path]) -> Iterator[Any]:
    opened: list[Opened] = []

    def open_report(name: str, width: int = 1280, theme: str = "light") -> Opened:
        opened.append(Opened(chromium, reports[name], width, theme))
        return opened[-1]

    yield open_report
    for one in opened:
        one.context.close()
        assert one.errors == []
        assert [url for url in one.requests if not url.startswith(("file:", "data:"))] == []


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["one", "unfinished", "three"])
def test_it_fits_and_can_be_read(open_: Any, name: str, width: int, theme: str) -> None:
    page = open_(name, width, theme).page
    page.evaluate("document.querySelectorAll('details').forEach((part) => (part.open = true))")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 150
    assert [text for text in contrasts if text[1] < LEAST_CONTRAST] == []
    small = page.evaluate(
        "[...document.querySelectorAll('svg:not([display=none]) text')]"
        ".filter((text) => text.checkVisibility())"
        ".map((text) => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().d)"
        ".filter((size) => size !== 0 && Math.abs(size) < 8.5)"
    )
    assert small == []


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_a_click_on_a_point_shows_its_network(open_: Any, width: int, theme: str) -> None:
    opened = open_("one", width, theme)
    key = opened.click_a_point()
    page = opened.page
    assert page.locator("dialog[open]").is_visible()
    data = page.evaluate("JSON.parse(document.getElementById('data').textContent).run0")
    evaluation = data["evaluations"][key]
    layers = data["networks"][evaluation["network"]]["layers"]
    assert page.locator("#sheet-name").inner_text() == f"Network {evaluation['network']}"
    boxes = page.locator("dialog .flow li")
    assert boxes.count() == len(layers) + 2  # between input and classifier
    for number, (kind, *_) in enumerate(layers, start=1):
        assert data["words"][kind] in boxes.nth(number).inner_text()
    assert [text for text in page.evaluate(CONTRASTS) if text[1] < LEAST_CONTRAST] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_merges_are_drawn_with_what_they_read(open_: Any) -> None:
    page = open_("one").page
    data = page.evaluate("JSON.parse(document.getElementById('data').textContent).run0")
    merged = {
        name: sum(
            source != number
            for number, (_, _, inputs, _) in enumerate(network["layers"])
            for source in inputs
        )
        for name, network in data["networks"].items()
    }
    key, jumps = next(
        (key, merged[e["network"]])
        for key, e in data["evaluations"].items()
        if merged[e["network"]]
    )
    page.locator(f".drawing svg:visible [data-key='{key}']").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("dialog .flow svg path").count() == jumps
    inside = page.evaluate(
        "() => { const list = document.querySelector('dialog .flow').getBoundingClientRect();"
        "return [...document.querySelectorAll('dialog .flow path')].every((path) => {"
        "const box = path.getBoundingClientRect(); return box.right <= list.right + 1; }); }"
    )
    assert inside


def test_it_is_used_by_keyboard_alone(open_: Any) -> None:
    page = open_("one").page
    points = page.locator(".drawing svg:visible").first.locator("[data-key]")
    assert page.locator(".drawing svg:visible").first.locator("[tabindex='0']").count() == 1
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('.drawing') !== null"):
            break
    assert page.evaluate("document.activeElement.closest('.drawing') !== null")
    first = page.evaluate("document.activeElement.dataset.key")
    assert first
    assert page.locator("#tip").is_visible()
    page.keyboard.press("ArrowLeft")
    second = page.evaluate("document.activeElement.dataset.key")
    assert second != first
    assert points.count() > 10
    page.keyboard.press("Enter")
    assert page.locator("dialog[open]").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("dialog[open]").is_visible()
    assert page.evaluate("document.activeElement.dataset.key") == second


@pytest.mark.parametrize("theme", THEMES)
def test_the_theme_follows_the_system_until_it_is_changed(open_: Any, theme: str) -> None:
    page = open_("one", theme=theme).page
    ground = "getComputedStyle(document.body).backgroundColor"
    colours = {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 26)"}
    other = "dark" if theme == "light" else "light"
    assert page.evaluate(ground) == colours[theme]
    page.get_by_role("button", name=f"{other} theme").click()
    assert page.evaluate(ground) == colours[other]
    page.get_by_role("button", name=f"{theme} theme").click()
    assert page.evaluate(ground) == colours[theme]


def test_runs_stand_side_by_side_with_their_sections_level(open_: Any) -> None:
    page = open_("three", 1440).page
    tops = page.evaluate(
        "['run0', 'run1'].map((run) => [...document.querySelectorAll('#' + run + ' > section')]"
        ".map((section) => Math.round(section.getBoundingClientRect().top)))"
    )
    assert len(tops[0]) == 9
    assert tops[0] == tops[1]
