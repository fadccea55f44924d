"""The report in real Chromium, from a file, with no network."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

import promptlab
from promptlab.export import export_run
from promptlab.export.report import page as report_page
from promptlab.runs import RunDirectory

# What a machine ten times slower than usual needs.
WAIT_MS = 120_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        yield None
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"], timeout=WAIT_MS)
        yield found
        found.close()


@pytest.fixture
def open_report(browser: Any, missing: Callable[[str], NoReturn]) -> Iterator[Callable[[Path], Any]]:
    """Opens a file; fails where the page asks for anything else, or a script of a stranger runs."""
    if browser is None:
        missing("Chromium on the path")
    asked: list[str] = []
    wrong: list[str] = []
    pages = []

    def opened(path: Path) -> Any:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(WAIT_MS)
        pages.append(page)
        page.on("request", lambda request: asked.append(request.url))
        page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.goto(path.as_uri())
        return page

    yield opened
    for page in pages:
        page.close()
    assert not wrong
    assert not [url for url in asked if not url.startswith(("file:", "data:", "blob:"))]


pytestmark = pytest.mark.browser


def test_a_report_shows_the_comparison_the_plots_and_hostile_text_as_text(
    finished_run: RunDirectory, tmp_path: Path, open_report: Callable[[Path], Any]
) -> None:
    assert export_run(finished_run, tmp_path / "out.html") == "a report of 6 cells and 50 samples"
    page = open_report(tmp_path / "out.html")
    assert page.inner_text("#title") == "odd & <b>even</b>"
    assert page.locator("#cells tbody tr").count() == 6
    assert page.locator("#cells strong").all_inner_texts() == ["1.00"]
    assert page.locator("#pairs tbody tr").count() == 9
    page.locator("#figure-failures .main-svg").first.wait_for()
    assert page.locator(".figure .main-svg .xaxislayer-above").count() >= 7
    reply = page.locator(".reply pre", has_text="HYPERLINK").first
    assert "<img src=x onerror=alert(1)> </script><script>alert(2)</script>" in reply.inner_text()
    assert not page.locator("img").count()
    assert not page.locator("article script, article b, article i, .reply a").count()
    page.screenshot(path=str(tmp_path / "report.png"), full_page=True)
    assert (tmp_path / "report.png").stat().st_size > 50_000


def test_samples_are_found_filtered_and_paged(
    finished_run: RunDirectory, tmp_path: Path, open_report: Callable[[Path], Any]
) -> None:
    export_run(finished_run, tmp_path / "out.html")
    page = open_report(tmp_path / "out.html")
    place = page.locator("#place")
    assert place.inner_text() == "1 to 20 of 50 samples (50 in all)"
    page.click("#next")
    page.click("#next")
    assert place.inner_text() == "41 to 50 of 50 samples (50 in all)"
    assert page.is_disabled("#next")
    page.fill("#search", "DO not know")
    page.locator("#place", has_text=re.compile("^1 to ")).wait_for()
    hits = int(re.findall(r"of (\d+) samples", place.inner_text())[0])
    assert 0 < hits < 50
    page.fill("#search", "no such words")
    page.locator("#place", has_text="no sample of 50").wait_for()
    page.fill("#search", "")
    page.locator("#place", has_text="of 50 samples").wait_for()
    page.select_option("#outcome", "failed")
    page.select_option("#model", "good")
    failed = int(re.findall(r"of (\d+) samples", place.inner_text())[0])
    assert 0 < failed < 50
    assert page.locator("article").first.locator(".reply").count() == 3
    page.select_option("#outcome", "")
    page.uncheck("#variants input >> nth=0")
    assert page.locator("article").first.locator(".reply").count() == 2


def test_prompts_the_experiment_file_and_the_manifest_are_in_it(
    finished_run: RunDirectory, tmp_path: Path, open_report: Callable[[Path], Any]
) -> None:
    export_run(finished_run, tmp_path / "out.html")
    page = open_report(tmp_path / "out.html")
    assert page.locator("#prompt-list details").count() == 3
    assert "Be 100% exact." in page.locator("#prompt-list").text_content()
    assert page.locator("#spec").text_content() == (finished_run.path / "experiment.yaml").read_text()
    assert json.loads(page.locator("#manifest").text_content()) == finished_run.manifest()


@pytest.mark.long
def test_ten_thousand_trials_open_and_filter_quickly(
    tmp_path: Path, open_report: Callable[[Path], Any]
) -> None:
    rows = [{"q": f"{i} {'lorem ipsum ' * 20}", "a": "yes" if i % 2 else "no"} for i in range(2_500)]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    script = [
        {"regex": r"Is \d*7 lorem", "reply": "I do not know. " * 40},
        {"default": "thinking " * 80 + "yes"},
    ]
    (tmp_path / "script.yaml").write_text(json.dumps(script))
    (tmp_path / "exp.yaml").write_text(
        "name: large\ndataset: {path: data.jsonl, target: a}\n"
        'task: {prompt: "Is {{ q }} odd?", answer: yes_no}\n'
        "models: [scripted/script.yaml]\nrepeats: 2\n"
        "variants: [zero_shot, {name: paper, technique: zero_shot, mode: paper}]\n"
    )
    run = promptlab.load(tmp_path / "exp.yaml", home=tmp_path / "home").run().run
    export_run(run, tmp_path / "out.html")
    started = time.monotonic()
    page = open_report(tmp_path / "out.html")
    assert page.inner_text("#place") == "1 to 20 of 2,500 samples (2,500 in all)"
    opened = time.monotonic() - started
    assert page.locator("article").count() == 20
    started = time.monotonic()
    page.fill("#search", "i do not know")
    page.locator("#place", has_text="of 250 samples").wait_for()
    print(f"opened in {opened:.1f} s, searched in {time.monotonic() - started:.1f} s")
    assert opened < 20
    assert time.monotonic() - started < 10


def test_more_samples_than_a_browser_bears_are_left_out_and_said(
    finished_run: RunDirectory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    open_report: Callable[[Path], Any],
) -> None:
    monkeypatch.setattr(report_page, "MOST_SAMPLE_CHARS", 20_000)
    told = export_run(finished_run, tmp_path / "out.html")
    found = re.search(r"and (\d+) samples; (\d+) more samples would make it too large", told)
    assert found
    assert int(found[1]) + int(found[2]) == 50
    page = open_report(tmp_path / "out.html")
    assert f"({found[1]} in all; {found[2]} more were too many for this page)" in page.inner_text("#place")


def test_without_plotly_the_report_is_whole_but_for_its_plots(
    finished_run: RunDirectory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    open_report: Callable[[Path], Any],
) -> None:
    monkeypatch.setattr(report_page, "_plotly_js", lambda: "")
    assert "pip install 'promptlab-workbench[ui]'" in export_run(finished_run, tmp_path / "out.html")
    page = open_report(tmp_path / "out.html")
    assert "made without plotly" in page.inner_text("#figures")
    assert page.locator("article").count() == 20
