"""Results in real Chromium: from the verdict to a call, links to share, files that can be read back."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hostile_runs import LONG, SAMPLE, VARIANT, make_run

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stored")
    make_run(folder)
    return folder


def rows(opened: Any) -> Any:
    return opened.at("results-answers").locator("tbody tr")


def test_from_the_verdict_down_to_a_call_and_a_link_that_shows_the_same(
    workbench: Any, tab: Any, stored: Path
) -> None:
    with workbench(stored) as (address, _):
        opened = tab(address)
        page = opened.open("/results")
        page.get_by_text("beats").first.wait_for()
        opened.at("results-cells").get_by_role("button", name="zero_shot", exact=True).click()
        opened.at("results-answers").get_by_text("40 / 60 right").wait_for()
        opened.at("results-filter").get_by_text("Wrong 20").click()
        page.wait_for_url("**filter=wrong**")
        rows(opened).nth(20).wait_for(state="detached")
        assert rows(opened).count() == 20

        rows(opened).nth(1).get_by_role("button", name="Good answer").click()
        opened.at("results-filter").get_by_text("Rated 1").wait_for()
        assert (
            rows(opened).nth(1).get_by_role("button", name="Good answer").get_attribute("aria-pressed")
            == "true"
        )

        rows(opened).nth(1).get_by_role("button", name="Details").click()
        opened.at("results-trial").get_by_text("What is 3 plus 1?").wait_for()
        assert opened.at("results-sample").locator("mark").first.inner_text() == "5"

        shared = page.url.removeprefix(address)
        other = tab(address)
        other.open(shared)
        other.at("results-trial").get_by_text("What is 3 plus 1?").wait_for()
        page.go_back()
        rows(opened).nth(19).wait_for()
        assert rows(opened).count() == 20


def test_in_chinese_a_search_and_files_that_read_back(
    workbench: Any, tab: Any, stored: Path, tmp_path: Path
) -> None:
    with workbench(stored) as (address, _):
        opened = tab(address, locale="zh-CN", theme="dark")
        page = opened.open("/results?view=answers")
        search = opened.at("results-q").locator("input")
        search.fill("What is 17 plus")
        search.press("Enter")
        page.wait_for_url("**q=What**")
        rows(opened).nth(1).wait_for(state="detached")
        assert rows(opened).count() == 1
        opened.at("results-answers").get_by_text("答对", exact=True).first.wait_for()

        opened.at("results-view").get_by_text("导出").click()
        opened.at("results-file-trials-csv").wait_for()
        saved = {}
        for key in ("results-file-trials-csv", "results-file-cells-csv-bom", "results-file-bundle-zip"):
            with page.expect_download() as found:
                opened.at(key).get_by_role("button").click()
            saved[key] = tmp_path / found.value.suggested_filename
            found.value.save_as(saved[key])
        with saved["results-file-trials-csv"].open(encoding="utf-8", newline="") as file:
            trials = list(csv.DictReader(file))
        assert len(trials) == 120
        assert {each["variant"] for each in trials} >= {"zero_shot"}
        assert saved["results-file-cells-csv-bom"].read_bytes().startswith(b"\xef\xbb\xbf")
        assert "bundle.json" in zipfile.ZipFile(saved["results-file-bundle-zip"]).namelist()


def test_hostile_texts_are_shown_as_they_are_and_ask_nobody(workbench: Any, tab: Any, stored: Path) -> None:
    with workbench(stored) as (address, _):
        opened = tab(address)
        page = opened.open("/results?view=answers")
        grid = opened.at("results-answers")
        grid.get_by_text("<script>alert(1)</script>").first.wait_for()
        assert grid.locator("img, script, a").count() == 0
        told = grid.locator("table").inner_text()
        assert "\u202e" not in told
        assert "\\u202e" in told
        assert grid.get_by_text(VARIANT, exact=True).count() == 1
        assert f"{LONG + 2 - 600:,}" in told  # how much more there is of the long line

        grid.get_by_role("button", name=SAMPLE, exact=True).click()
        opened.at("results-sample").wait_for()
        opened.at("results-sample").get_by_role("button", name="Calls and rating").first.click()
        opened.at("results-trial").get_by_text("Read the reply as Markdown").click()
        opened.settled()
        assert opened.at("results-trial").locator("img, script").count() == 0
        for view in ("comparison", "plots", "runs", "files"):
            opened.open(f"/results?view={view}")
            assert page.locator("[data-testid='stMain'] img, [data-testid='stMain'] script").count() == 0, (
                view
            )
            assert page.locator("[data-testid='stException']").count() == 0, view
        # The fixture of the tab asserts that no other host was asked and that no dialog opened.
