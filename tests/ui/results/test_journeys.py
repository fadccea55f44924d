"""Results in real Chromium: from the verdict to a call, links to share, files that can be read back."""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hostile_runs import LONG, SAMPLE, VARIANT, make_run
from playwright.sync_api import expect
from real_command import wait_until

from promptlab.ui.results import answer_columns, answers, sample, trial
from promptlab.ui.results import page as results_page

pytestmark = pytest.mark.browser
LANGUAGES = [("en-US", "light"), ("zh-CN", "dark")]
VERDICT = {"en-US": "beats", "zh-CN": "显著优于"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, workbench: Any) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("stored")
    make_run(folder)
    with workbench(folder) as (address, _):
        yield address


def rows(opened: Any) -> Any:
    return opened.at("results-answers").locator("tbody tr")


def told(opened: Any) -> tuple[str, list[str]]:
    """What the page says, and what its tables do."""
    page = opened.page
    return page.locator("main").inner_text(), page.locator("main .frame").all_inner_texts()


def test_who_presses_on_before_the_page_is_whole_stays_where_one_is(
    served: str, tab: Callable[..., Any]
) -> None:
    opened = tab(served)
    held: list[Any] = []
    opened.page.route(
        "**/Multiselect*.js", lambda each: held.append(each)
    )  # the slow part of a slow connection
    page = opened.open("/results")
    opened.at("results-cells").get_by_role("button", name="zero_shot", exact=True).click()
    chips = opened.at("results-filter")
    chips.get_by_text(f"{opened.words(answers.say, 'wrong')} 20").click()
    expect(rows(opened)).to_have_count(20)
    assert held
    for each in held:
        each.continue_()
    chosen = opened.at("results-columns").get_by_text("zero_shot × m <i>x</i>")
    chosen.wait_for()
    opened.at("results-tools").get_by_label(opened.words(answers.say, "search")).fill("is 3 plus")
    page.keyboard.press("Enter")
    expect(rows(opened)).to_have_count(1)
    expect(chosen).to_have_count(1)
    expect(page).to_have_url(re.compile("[?&]variant=zero_shot&.*filter=wrong"))


@pytest.mark.parametrize(("locale", "theme"), LANGUAGES)
def test_from_the_verdict_down_to_a_call_and_a_link_that_shows_the_same(
    served: str, tab: Callable[..., Any], locale: str, theme: str
) -> None:
    opened = tab(served, locale=locale, theme=theme)
    page = opened.open("/results")
    page.get_by_text(VERDICT[locale]).first.wait_for()
    opened.at("results-cells").get_by_role("button", name="zero_shot", exact=True).click()
    passed = opened.words(answer_columns.say, "passed", right=40, n=60)
    opened.at("results-answers").get_by_text(passed).wait_for()
    chips = opened.at("results-filter")
    chips.get_by_text(f"{opened.words(answers.say, 'wrong')} 20").click()
    page.wait_for_url("**filter=wrong**")
    expect(rows(opened)).to_have_count(20)

    thumb = rows(opened).nth(1).get_by_role("button", name=opened.words(answer_columns.say, "up"))
    thumb.click()
    rated = opened.words(answers.say, "rated")
    chips.get_by_text(f"{rated} 1").wait_for()
    expect(thumb).to_have_attribute("aria-pressed", "true")
    thumb.click()
    chips.get_by_text(f"{rated} 0").wait_for()
    expect(thumb).to_have_attribute("aria-pressed", "false")

    details = opened.words(answer_columns.say, "details")
    rows(opened).nth(1).get_by_role("button", name=details).click()
    opened.at("results-trial").get_by_text("What is 3 plus 1?").wait_for()
    expect(opened.at("results-sample").locator("mark").first).to_have_text("5")
    opened.settled()

    for name in ("run", "view", "variant", "filter", "sample", "trial"):
        expect(page).to_have_url(re.compile(f"[?&]{name}="))
    shared = page.url.removeprefix(served)
    other = tab(served, locale=locale, theme=theme)  # a browser that knows nothing of this one
    other.open(shared)
    other.at("results-trial").get_by_text("What is 3 plus 1?").wait_for()
    other.settled()
    wait_until(lambda: told(other) == told(opened), "the link shows something else")

    page.go_back()
    opened.at("results-trial").wait_for(state="detached")
    expect(rows(opened)).to_have_count(20)


@pytest.mark.parametrize(("locale", "theme"), LANGUAGES)
def test_a_search_and_files_that_read_back(
    served: str, tab: Callable[..., Any], tmp_path: Path, locale: str, theme: str
) -> None:
    opened = tab(served, locale=locale, theme=theme)
    page = opened.open("/results?view=answers")
    search = opened.at("results-q").locator("input")
    search.fill("What is 17 plus")
    search.press("Enter")
    page.wait_for_url("**q=What**")
    expect(rows(opened)).to_have_count(1)
    right = opened.words(answer_columns.say, "right")
    opened.at("results-answers").get_by_text(right, exact=True).first.wait_for()

    opened.at("results-view").get_by_text(opened.words(results_page.say, "files")).click()
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


@pytest.mark.parametrize(("locale", "theme"), LANGUAGES)
def test_hostile_texts_are_shown_as_they_are_and_ask_nobody(
    served: str, tab: Callable[..., Any], locale: str, theme: str
) -> None:
    opened = tab(served, locale=locale, theme=theme)
    page = opened.open("/results?view=answers")
    grid = opened.at("results-answers")
    grid.get_by_text("<script>alert(1)</script>").first.wait_for()
    assert grid.locator("img, script, a").count() == 0
    expect(grid.locator("table")).to_contain_text("\\u202e")
    text = grid.locator("table").inner_text()
    assert "\u202e" not in text
    assert "\\u202e" in text
    assert grid.get_by_text(VARIANT, exact=True).count() == 1
    assert f"{LONG + 2 - 600:,}" in text  # how much more there is of the long line

    grid.get_by_role("button", name=SAMPLE, exact=True).click()
    opened.at("results-sample").wait_for()
    details = opened.words(sample.say, "details")
    opened.at("results-sample").get_by_role("button", name=details).first.click()
    opened.at("results-trial").get_by_text(opened.words(trial.say, "markdown")).click()
    opened.settled()
    assert opened.at("results-trial").locator("img, script").count() == 0
    for view in ("comparison", "plots", "runs", "files"):
        opened.open(f"/results?view={view}")
        assert page.locator("main img, main script").count() == 0, view
        assert page.locator("[data-testid='stException']").count() == 0, view
    # The fixture of the tab asserts that no other host was asked and that no dialog opened.
