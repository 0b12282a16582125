"""Pages in a browser: what a click shows, what filters leave, and that nothing of a source runs.

One Chromium serves all of it. Each page is opened with what it says on the console, and with what it asks of a network.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from encord_convert.cli import run

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")

ROOT = Path(__file__).parents[2]
STREET = ROOT / "fixtures" / "street"
VIDEO = ROOT / "fixtures" / "cvat" / "video-boxes-minimal"
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip
Open = Callable[..., "Tab"]


@dataclass
class Tab:
    """A page in the browser, and what it said and asked for."""

    page: Any
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def texts(self, selector: str) -> list[str]:
        return self.page.locator(selector).all_inner_texts()  # type: ignore[no-any-return]

    def count(self, selector: str) -> int:
        return self.page.locator(selector).count()  # type: ignore[no-any-return]

    def click_shape(self, selector: str) -> None:
        """Click on the outline of a shape, as a person does: on the screen."""
        shape = self.page.locator(selector).first
        shape.scroll_into_view_if_needed()
        box = shape.locator("path").last.bounding_box()
        self.page.mouse.click(box["x"] + 1, box["y"] + box["height"] / 2)

    def is_quiet(self) -> bool:
        """Whether there was no error, no message, no request and no dialog."""
        return not self.said and not self.asked


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Open]:
    tabs = []

    def opened(path: Path, fragment: str = "") -> Tab:
        tab = Tab(browser.new_page(viewport={"width": 1280, "height": 900}))
        tabs.append(tab)
        tab.page.on("console", lambda message: tab.said.append(message.text))
        tab.page.on("pageerror", lambda error: tab.said.append(str(error)))
        tab.page.on("dialog", lambda dialog: (tab.said.append("dialog"), dialog.dismiss()))
        tab.page.on(
            "request", lambda one: tab.asked.append(one.url) if not one.url.startswith(("data:", "file:")) else None
        )
        tab.page.goto(path.as_uri() + fragment)
        tab.page.wait_for_selector("body[data-ready]")
        return tab

    yield opened
    for tab in tabs:
        tab.page.close()


def written(tmp_path: Path, *words: object) -> Path:
    assert run(["view", *map(str, words), "-o", str(tmp_path / "page.html"), "-q"]) == 0
    return tmp_path / "page.html"


def test_a_click_on_a_shape_says_its_class_and_what_is_known_of_it(tmp_path: Path, open_page: Open) -> None:
    tab = open_page(written(tmp_path, STREET))
    tab.page.wait_for_selector("figure .shape")
    assert not tab.page.locator("#details").is_visible()
    tab.click_shape('figure:first-child .shape[stroke="#e8482c"], figure:first-child .shape:has(title:text("car"))')
    words = tab.page.locator("#details").inner_text()
    assert words.splitlines()[1].strip() == "car" or "car" in words
    for fact in ("bounding box", "Instance", "Train/street_1.png", "annotations.xml:", "<box>"):
        assert fact in words, words
    assert tab.count(".shape.selected") == 1
    tab.page.keyboard.press("Escape")
    assert not tab.page.locator("#details").is_visible()
    assert tab.is_quiet()


def test_of_shapes_over_each_other_the_smallest_is_meant_and_then_the_next(tmp_path: Path, open_page: Open) -> None:
    source = tmp_path / "a.json"
    source.write_text(
        '{"images":[{"id":1,"file_name":"a.jpg","width":100,"height":100}],"categories":[{"id":1,"name":"small"},'
        '{"id":2,"name":"large"}],"annotations":['
        '{"id":1,"image_id":1,"category_id":1,"bbox":[40,40,20,20],"area":400,"iscrowd":0},'
        '{"id":2,"image_id":1,"category_id":2,"bbox":[10,10,80,80],"area":6400,"iscrowd":0}]}'
    )
    tab = open_page(written(tmp_path, source))
    tab.page.wait_for_selector("figure .shape")
    box = tab.page.locator("figure svg").first.bounding_box()
    for name in ("small", "large", "small"):
        tab.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        assert tab.page.locator("#details h2").inner_text().strip() == name


def test_filters_leave_images_and_shapes_of_a_class_a_shape_and_a_split(tmp_path: Path, open_page: Open) -> None:
    tab = open_page(written(tmp_path, STREET))
    tab.page.wait_for_selector("figure .shape")
    assert tab.texts("#shown") == ["6"]
    tab.page.click('button[data-filter="class"][data-value="person"]')
    assert tab.texts("#shown") == ["3"] and tab.count("figure:visible") == 3
    assert tab.count("figure:visible .shape:visible") == 3
    tab.page.click('button[data-filter="split"][data-value="Validation"]')
    assert tab.texts("figure:visible figcaption b") == ["Validation/street_5.png"]
    tab.page.click('button[data-filter="class"][data-value="person"]')
    tab.page.click('button[data-filter="shape"][data-value="polyline"]')
    assert tab.texts("#shown") == ["2"] and tab.count("figure:visible .shape:visible") == 2
    tab.page.fill("#text", "STREET_6")
    assert tab.texts("figure:visible figcaption b") == ["Validation/street_6.png"]
    tab.page.fill("#text", "nothing")
    assert tab.page.locator("#none").is_visible()
    assert tab.is_quiet()


def test_the_slider_goes_through_frames_and_a_track_stays_selected(tmp_path: Path, open_page: Open) -> None:
    tab = open_page(written(tmp_path, VIDEO))
    tab.page.wait_for_selector("figure .shape")
    assert tab.texts("figure output") == ["frame 0 (1 of 5)"]
    before = tab.page.locator(".shape path.area").last.get_attribute("d")
    tab.click_shape(".shape >> nth=0")
    tab.page.locator("input[type=range]").press("ArrowRight")
    assert tab.texts("figure output") == ["frame 1 (2 of 5)"]
    assert tab.page.locator(".shape path.area").last.get_attribute("d") != before
    assert tab.count(".shape.selected") == 1
    assert tab.is_quiet()


def test_what_is_lost_is_dashed_red_and_its_line_shows_its_images(tmp_path: Path, open_page: Open) -> None:
    page, report = tmp_path / "page.html", tmp_path / "report.html"
    words = ["convert", str(STREET), str(tmp_path / "out"), "--to", "coco", "-q"]
    assert run([*words, "--view", str(page), "--report", str(report)]) == 0
    tab = open_page(page)
    tab.page.wait_for_selector("figure .shape.lost")
    style = tab.page.evaluate(
        "(() => { const { stroke, strokeDasharray, fill } = getComputedStyle(document.querySelector("
        "'.shape.lost path:not(.under)')); return [stroke, strokeDasharray, fill]; })()"
    )
    assert style == ["rgb(209, 36, 47)", "6px, 4px", "none"]
    assert tab.count(".shape.lost") == 6 and tab.count(".shape:not(.lost)") == 21
    tab.page.click(".losses li:first-child button")
    assert "6 polylines dropped" in tab.page.locator("#details").inner_text()
    assert tab.count("#details li") == 6 and "annotations.xml:100" in tab.texts("#details li")[0]
    linked = open_page(report)
    linked.page.click('a:text("images")')
    linked.page.wait_for_selector("body[data-ready] figure")
    assert linked.page.url.endswith("page.html#code=POLYLINE_SKIPPED")
    assert linked.page.locator('.losses button[aria-pressed="true"]').count() == 1
    assert tab.is_quiet() and linked.is_quiet()


def test_nothing_that_a_source_says_runs(tmp_path: Path, open_page: Open) -> None:
    hostile = "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;&lt;svg onload=alert(2)&gt;"
    source = (STREET / "annotations.xml").read_text().replace("car", hostile).replace("street_1", hostile)
    (tmp_path / "annotations.xml").write_text(source.replace(">red<", ">javascript:alert(3)<"))
    out, report = tmp_path / "out", tmp_path / "report.html"
    words = ["convert", str(tmp_path / "annotations.xml"), str(out), "--to", "yolo", "-q"]
    assert run([*words, "--view", str(tmp_path / "page.html"), "--report", str(report)]) == 0
    tab = open_page(tmp_path / "page.html")
    tab.page.wait_for_selector("figure .shape")
    tab.click_shape("figure:first-child .shape >> nth=0")
    assert any("onerror" in text for text in tab.texts("figcaption b"))
    assert tab.count("img") == 0 and tab.count("svg[onload]") == 0 and tab.is_quiet()
    linked = open_page(report)
    assert linked.count("img") == 0 and linked.is_quiet()


def test_the_policy_lets_no_other_script_style_or_image_in(tmp_path: Path, open_page: Open) -> None:
    tab = open_page(written(tmp_path, STREET))
    ran = tab.page.evaluate(
        "(async () => { const script = document.createElement('script'); script.textContent = 'window.ran = 1';"
        "document.body.append(script); document.body.setAttribute('style', 'color: red');"
        "const image = new Image(); image.src = 'http://127.0.0.1:9/x.png'; document.body.append(image);"
        "await new Promise(done => setTimeout(done, 100));"
        "return [window.ran ?? null, getComputedStyle(document.body).color !== 'rgb(255, 0, 0)']; })()"
    )
    assert ran == [None, True]
    assert len(tab.said) == 3 and all("Content Security Policy" in text for text in tab.said)


def test_a_report_sorts_filters_and_begins_with_what_failed(tmp_path: Path, open_page: Open) -> None:
    sources = tmp_path / "in"
    sources.mkdir()
    for number in range(3):
        (sources / f"{number}.xml").write_text((STREET / "annotations.xml").read_text())
    (sources / "9.xml").write_text((STREET / "annotations.xml").read_text()[:900])
    report = tmp_path / "report.html"
    words = ["batch", str(sources / "*"), "--to", "coco", "--out", str(tmp_path / "out"), "--engine", "serial"]
    assert run([*words, "--report", str(report), "-q"]) == 1
    tab = open_page(report)
    jobs = "h2:text('Jobs') + table tbody"
    status = f"{jobs} tr:visible td:nth-child(2)"
    assert tab.texts("h1") == ["3 jobs done, 1 failed"]
    assert tab.texts(status) == ["failed", "done", "done", "done"]
    tab.page.click("th:text('source')")
    assert [text[-5:] for text in tab.texts(f"{jobs} tr td:first-child")] == ["0.xml", "1.xml", "2.xml", "9.xml"]
    tab.page.click("th:text('kept') >> nth=0")
    assert tab.texts(status)[0] == "failed"
    tab.page.click("th:text('kept') >> nth=0")
    assert tab.texts(status)[-1] == "failed"
    tab.page.click("button[data-status=failed]")
    assert tab.texts(status) == ["failed"]
    tab.page.click("button[data-status=failed]")
    tab.page.fill("#text", "1.xml")
    assert len(tab.texts(status)) == 1
    assert tab.is_quiet()
