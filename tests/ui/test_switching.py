"""The language is switched in the middle of the work, in real Chromium: nothing of it is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hostile_runs import make_run
from playwright.sync_api import expect

from promptlab.models import endpoints
from promptlab.models.endpoints import Endpoint
from promptlab.ui import app
from promptlab.ui.language import LANGUAGES
from promptlab.ui.results import answers

pytestmark = pytest.mark.browser
OTHER = {"en-US": "zh-CN", "zh-CN": "en-US"}
SWITCH = {"en-US": LANGUAGES["en"], "zh-CN": LANGUAGES["zh"]}


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory, workbench: Any, provider_in_a_thread: Any
) -> Iterator[str]:
    """A workbench over one run, and an endpoint that answers with two models."""
    folder: Path = tmp_path_factory.mktemp("served")
    make_run(folder)
    provider_in_a_thread.reset()
    relay = Endpoint("relay", provider_in_a_thread.openai, "", ("fake-1", "fake-2"))
    endpoints.save(folder / "home", [relay])
    with workbench(folder) as (address, _):
        yield address


@pytest.fixture(params=list(OTHER))
def opened(served: str, tab: Callable[..., Any], request: pytest.FixtureRequest) -> Any:
    return tab(served, locale=request.param)


def switch(opened: Any) -> None:
    """To the other language, by its button; waits until the page speaks it."""
    opened.locale = OTHER[opened.locale]
    opened.at("language").get_by_text(SWITCH[opened.locale]).click()
    opened.page.get_by_role("link", name=opened.words(app.say, "experiments")).first.wait_for()
    opened.settled()


def fill(opened: Any, key: str, text: str, field: str = "textarea") -> Any:
    found = opened.at(key).locator(field)
    found.fill(text)
    found.press("Tab")
    opened.settled()
    return found


def test_what_is_typed_into_the_playground_stays(opened: Any) -> None:
    page = opened.open("/playground")
    fill(opened, "prompt-text", "What is {{ q }}?")
    fill(opened, "prompt-system", "Be brief.")
    opened.at("sampling").locator("summary").click()
    fill(opened, "sampling-max_tokens", "17", "input")
    opened.at("models").locator("input").click()
    page.get_by_role("option", name="fake-2").click()
    page.keyboard.press("Escape")
    opened.settled()
    fill(opened, "value-q", "1 + 1")
    opened.at("ask").locator("button").click()
    opened.at("answer-1").locator("pre").first.wait_for()
    opened.at("follow").wait_for()
    opened.settled()
    answer = opened.at("answer-1").locator("pre").first
    expect(answer).not_to_be_empty()
    reply = answer.inner_text()
    for _ in range(2):
        switch(opened)
        expect(opened.at("prompt-text").locator("textarea")).to_have_value("What is {{ q }}?")
        expect(opened.at("prompt-system").locator("textarea")).to_have_value("Be brief.")
        expect(opened.at("sampling-max_tokens").locator("input")).to_have_value("17")
        expect(opened.at("value-q").locator("textarea")).to_have_value("1 + 1")
        expect(opened.at("models").get_by_text("fake-2")).to_have_count(1)
        expect(answer).to_have_text(reply)


def test_an_unsaved_form_stays(opened: Any) -> None:
    opened.open("/experiments?file=exp.yaml")
    fill(opened, "f-task-prompt", "Now: {{ q }}")
    for _ in range(2):
        switch(opened)
        expect(opened.at("f-task-prompt").locator("textarea")).to_have_value("Now: {{ q }}")
        expect(opened.at("save").get_by_role("button")).to_be_enabled()


def test_filter_search_and_order_stay(opened: Any) -> None:
    page = opened.open("/results?view=answers&sort=worst")
    opened.at("results-filter").get_by_text(opened.words(answers.say, "wrong")).click()
    page.wait_for_url("**filter=wrong**")
    search = opened.at("results-q").locator("input")
    search.fill("What is 1")
    search.press("Enter")
    page.wait_for_url("**q=What**")
    opened.settled()
    rows = opened.at("results-answers").locator("tbody tr")
    rows.nth(12).wait_for(state="detached")
    names = rows.locator("th button").all_inner_texts()
    place = page.url
    for _ in range(2):
        switch(opened)
        expect(page).to_have_url(place)
        expect(search).to_have_value("What is 1")
        expect(rows.locator("th button")).to_have_text(names)
        wrong = opened.words(answers.say, "wrong")
        chip = opened.at("results-filter").get_by_role("radio", name=wrong)
        expect(chip).to_have_attribute("aria-checked", "true")


def test_who_rates_stays_and_so_do_the_pair_and_the_scale(opened: Any) -> None:
    opened.open("/rating")
    name = opened.at("rater").locator("input")
    name.fill(f"Ann {opened.locale}")
    name.press("Enter")
    opened.at("rating-left").wait_for()
    opened.settled()
    pair = {side: opened.at(f"rating-{side}").locator("pre").inner_text() for side in ("left", "right")}
    assert all(pair.values())
    for _ in range(2):
        switch(opened)
        for side, text in pair.items():
            expect(opened.at(f"rating-{side}").locator("pre")).to_have_text(text)
    opened.at("rating-kind").get_by_role("radio").nth(1).click()
    opened.settled()
    opened.at("rating-scale").locator("input").click()
    opened.page.get_by_role("option").nth(1).click()
    four = opened.page.locator("[class*='st-key-rate-4-']")
    four.wait_for()
    for _ in range(2):
        switch(opened)
        expect(four).to_have_count(1)
