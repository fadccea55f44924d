"""Rating in the workbench: blind, by keyboard, with undo; and what the ratings say."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import promptlab
from promptlab.runs import RunDirectory, RunReader
from promptlab.runs.rating_queue import RatingQueue
from promptlab.runs.ratings import Rating, keep, ratings

VARIANTS = ("the-plain-one", "the-polite-one")


@pytest.fixture
def rated_run(home: Path) -> RunDirectory:
    rows = [{"id": f"s{number}", "q": f"w{number}", "a": f"answer {number}"} for number in range(8)]
    (home / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (home / "script.yaml").write_text(
        "- {contains: 'Please', reply: 'Gladly: {{ prompt[-3:] }}'}\n- {default: 'Just {{ prompt[-3:] }}'}\n"
    )
    (home / "exp.yaml").write_text(
        "name: rated\ndataset: {path: data.jsonl, target: a, id: id}\n"
        'task: {prompt: "Word {{ q }}?", answer: text}\nmodels: [scripted/script.yaml]\nvariants:\n'
        f"  - {{name: {VARIANTS[0]}, technique: zero_shot}}\n"
        f'  - {{name: {VARIANTS[1]}, technique: zero_shot, prompt: "Please. Word {{{{ q }}}}?"}}\n'
    )
    promptlab.load(home / "exp.yaml", home=home / "home").run()
    (path,) = (home / "home" / "runs").iterdir()
    return RunDirectory(path)


def texts(page: AppTest) -> str:
    kinds = (page.markdown, page.text, page.caption, page.code, page.title, page.button, page.info)
    return "\n".join(
        str(getattr(each, "value", "")) + str(getattr(each, "label", "")) for kind in kinds for each in kind
    )


def press(page: AppTest, said: str) -> AppTest:
    (button,) = [each for each in page.button if (each.key or "").startswith(f"rate-{said}-")]
    return button.click().run()


def test_without_runs_it_says_what_to_do(open_page: Callable[..., AppTest]) -> None:
    page = open_page("rating")
    assert not page.exception
    assert "Run an experiment first" in page.info[0].value


def test_a_name_is_asked_for_and_no_variant_or_model_is_named(
    rated_run: RunDirectory, open_page: Callable[..., AppTest]
) -> None:
    page = open_page("rating", run=rated_run.id)
    assert "Type your name" in page.info[0].value
    page.text_input(key="rater").set_value("Ann").run()
    shown = texts(page)
    assert "Gladly" in shown
    assert "Just" in shown
    assert not any(name in shown for name in (*VARIANTS, "script", "answer 1"))


def test_what_is_said_is_kept_and_undo_takes_it_back(
    rated_run: RunDirectory, open_page: Callable[..., AppTest]
) -> None:
    page = open_page("rating")
    page.text_input(key="rater").set_value("Ann").run()
    first = [each.value for each in page.code]
    press(page, "left")
    assert [each.value for each in page.code] != first
    press(page, "undo")
    assert [each.value for each in page.code] == first
    assert ratings(rated_run) == []
    press(page, "tie")
    press(page, "skip")
    assert [each.said for each in ratings(rated_run, rater="Ann")] == ["tie", "skip"]
    assert not page.exception


def test_two_keys_at_once_rate_nothing_and_that_is_told(
    rated_run: RunDirectory, open_page: Callable[..., AppTest]
) -> None:
    page = open_page("rating")
    page.text_input(key="rater").set_value("Ann").run()
    first = [each.value for each in page.code]
    for said in ("left", "right"):
        next(each for each in page.button if (each.key or "").startswith(f"rate-{said}-")).click()
    page.run()
    assert ratings(rated_run) == []
    assert [each.value for each in page.code] == first
    assert "Not counted" in page.toast[0].value
    press(page, "right")
    assert len(ratings(rated_run)) == 1


def test_what_was_rated_elsewhere_meanwhile_stays_as_it_was_said(
    rated_run: RunDirectory, open_page: Callable[..., AppTest]
) -> None:
    pages = [open_page("rating"), open_page("rating")]
    for page in pages:
        page.text_input(key="rater").set_value("Ann").run()
    press(pages[0], "tie")
    press(pages[1], "skip")
    assert [each.said for each in ratings(rated_run)] == ["tie"]
    assert "Not counted" in pages[1].toast[0].value
    press(pages[1], "skip")
    assert [each.said for each in ratings(rated_run)] == ["tie", "skip"]


def test_single_answers_are_rated_on_a_scale(
    rated_run: RunDirectory, open_page: Callable[..., AppTest]
) -> None:
    page = open_page("rating")
    page.text_input(key="rater").set_value("Ann").run()
    page.segmented_control(key="rating-kind").set_value("single").run()
    press(page, "good")
    page.selectbox(key="rating-scale").set_value("one_to_five").run()
    press(page, "4")
    assert [(each.said, len(each.scale)) for each in ratings(rated_run)] == [("good", 2), ("4", 5)]
    page.segmented_control(key="rating-view").set_value("table").run()
    assert not page.exception
    assert len(page.dataframe) == 2


def test_the_table_names_who_was_preferred_and_hostile_names_stay_text(
    rated_run: RunDirectory, open_page: Callable[..., AppTest]
) -> None:
    page = open_page("rating")
    page.text_input(key="rater").set_value(":red[x] <b>Eve</b> ![i](http://evil/i.png)").run()
    for _ in range(3):
        press(page, "left")
    said = ratings(rated_run)
    keep(rated_run, [Rating("Bob", each.a, each.b, each.said) for each in said])
    page.segmented_control(key="rating-view").set_value("table").run()
    assert not page.exception
    assert set(page.dataframe[0].value["Variant"]) == set(VARIANTS)
    assert any("3 rated by several people" in each.value for each in page.text)
    assert not any("![i]" in each.value.replace("\\!\\[i\\]", "") for each in page.caption)
    page.button(key="rating-use").click().run()
    assert "no pairwise judge" in page.error[0].value.replace("\\", "")


@pytest.mark.browser
@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_five_pairs_by_keyboard_with_one_undo_and_the_table(
    workbench: Any, tab: Any, home: Path, rated_run: RunDirectory, locale: str
) -> None:
    with workbench(home) as (address, _):
        opened = tab(address, locale=locale, theme="dark")
        page = opened.open("/rating")
        frames: list[bytes] = []
        page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(frame)))
        page.reload()
        opened.settled()
        name = opened.at("rater").locator("input")
        name.fill("小王")
        name.press("Enter")
        opened.at("rating-left").wait_for()
        opened.settled()  # from here on every key counts
        count = 0
        for key in ("1", "2", "0", "u", "1", "1", "2"):
            count += -1 if key == "u" else 1
            told = f"{count} rated" if locale == "en-US" else f"已评 {count} 条"
            page.keyboard.press(key)
            page.get_by_text(told).wait_for()
            opened.settled()
        assert not any(name in page.content() for name in VARIANTS)
        given = ratings(rated_run, rater="小王")
        assert len(given) == 5
        assert len({each.a for each in given}) == 5
        assert not any(name.encode() in bytes_of(frame) for frame in frames for name in VARIANTS)
        opened.at("rating-view").get_by_role("radio").nth(1).click()
        page.get_by_text("小王 5").first.wait_for()
        assert any("小王 5".encode() in bytes_of(frame) for frame in frames)  # the frames were read


@pytest.mark.browser
def test_a_key_that_comes_before_the_next_pair_is_shown_changes_no_rating(
    workbench: Any, tab: Any, home: Path, rated_run: RunDirectory
) -> None:
    with workbench(home) as (address, _):
        opened = tab(address)
        page = opened.open("/rating")
        name = opened.at("rater").locator("input")
        name.fill("Ann")
        name.press("Enter")
        opened.at("rating-left").wait_for()
        opened.settled()
        with RunReader(rated_run) as reader:
            first = RatingQueue(reader, "pairs").next("Ann", [])
        assert first is not None
        page.keyboard.press("1")
        while not ratings(rated_run):  # kept, and the next pair is not drawn yet
            page.wait_for_timeout(1)
        for key in ("2", "0"):
            page.keyboard.press(key)
        opened.settled()
        kept, *_ = ratings(rated_run)
        assert replace(kept, at=0) == replace(first.rated("Ann", "left"), at=0)


def bytes_of(frame: Any) -> bytes:
    return frame.encode() if isinstance(frame, str) else frame
