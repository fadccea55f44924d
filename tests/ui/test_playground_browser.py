"""The playground in real Chromium, in both languages: first answers, streams, hostile replies."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from real_command import wait_until

from promptlab.experiment import load_spec
from promptlab.models import endpoints, weights
from promptlab.models.endpoints import Endpoint
from promptlab.playground import reach
from promptlab.runs import latest_run
from promptlab.runs.background import jobs

pytestmark = pytest.mark.browser

# The second one takes so long over each word that it ends in no test.
MODELS = {"alpha": "quick[[trickle:10]]", "beta": "slow[[trickle:1000]]", "gamma": "brisk[[trickle:12]]"}
LENGTHY = " ".join(f"word{number}" for number in range(200))
LAST = "word199"
WORDS = {
    "en-US": {
        "done": "done",
        "stopped": "stopped",
        "interrupted": "interrupted",
        "cached": "from the cache",
        "first": "Choose a model",
    },
    "zh-CN": {
        "done": "完成",
        "stopped": "已停止",
        "interrupted": "已中断",
        "cached": "来自缓存",
        "first": "先选择一个模型",
    },
}
LANGUAGES = [("en-US", "light"), ("zh-CN", "dark")]
# An answer of the embedded model, on a slow machine.
ANSWER_MS = 400_000
MEGABYTE = "x" * 1_000_000
HOSTILE = (
    "<script>alert(1)</script> <img src=http://evil.example/a.png onerror=alert(2)> "
    "![pixel](http://evil.example/i.png) [ref]: http://evil.example :red[x] \u202egnp.exe "
    "<iframe src=http://evil.example></iframe> $$x$$ "
)


@pytest.fixture(autouse=True)
def no_weights(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the journey of the embedded model sees the weights of who runs the tests."""
    if "local_model" not in request.keywords:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def connected(folder: Path, provider: Any, **models: str) -> None:
    """The fake provider as endpoints of these names, each with one model."""
    (folder / "home").mkdir(exist_ok=True)
    endpoints.save(
        folder / "home", [Endpoint(name, provider.openai, "", (model,)) for name, model in models.items()]
    )


def choose(tab: Any, label: str) -> None:
    tab.at("models").locator("input").click()
    tab.page.get_by_role("option", name=label).click()
    tab.page.keyboard.press("Escape")
    tab.settled()
    expect(tab.at("models")).to_contain_text(label)


def write(tab: Any, text: str) -> None:
    """Puts the prompt into the editor and asks."""
    field = tab.at("prompt-text").locator("textarea")
    field.fill(text)
    field.press("Tab")
    tab.settled()
    tab.at("ask").locator("button").click()


def ended(tab: Any, column: int, word: str, turn: int = 0) -> None:
    tab.at(f"facts-{column}-{turn}").get_by_text(word).first.wait_for()


def answer(tab: Any, column: int) -> Any:
    """The first answer of a column. What was sent for it comes after it, folded away."""
    return tab.at(f"answer-{column}").locator("pre").first


@pytest.mark.local_model
@pytest.mark.parametrize(("locale", "theme"), LANGUAGES)
def test_behind_three_doors_the_first_answer_comes_from_the_embedded_model(
    workbench: Any, tab: Any, tmp_path: Path, missing: Any, locale: str, theme: str
) -> None:
    if not reach.can_run_local() or weights.locate(reach.EMBEDDED) is None:
        missing("the embedded model")
    with workbench(tmp_path) as (address, _):
        opened = tab(address, locale=locale, theme=theme)
        opened.open("/")
        for door in ("door-key-use", "door-relay-use"):
            expect(opened.at(door)).to_have_count(1)
        opened.at("door-local").locator("button").click()
        opened.at("sampling").locator("summary").click()
        field = opened.at("sampling-max_tokens").locator("input")
        field.fill("6")
        field.press("Enter")
        opened.settled()
        opened.at("ask").locator("button").click()
        opened.at("facts-0-0").get_by_text(WORDS[locale]["done"]).wait_for(timeout=ANSWER_MS)
        expect(answer(opened, 0)).to_have_text(re.compile(r"\S"))


@pytest.mark.parametrize(("locale", "theme"), LANGUAGES)
def test_three_models_stream_side_by_side_one_is_stopped_and_all_go_on(
    workbench: Any, tab: Any, tmp_path: Path, fake_provider: Any, locale: str, theme: str
) -> None:
    connected(tmp_path, fake_provider, **MODELS)
    words = WORDS[locale]
    with workbench(tmp_path) as (address, _):
        opened = tab(address, locale=locale, theme=theme)
        opened.open("/")
        for name in ("beta", "gamma"):
            choose(opened, f"{MODELS[name]} ({name})")
        fake_provider.control(answers=[{"contains": "at length", "reply": LENGTHY}])
        write(opened, "at length")
        opened.at("answer-1").locator("pre", has_text="word0").first.wait_for()
        opened.at("stop-1").locator("button").click()
        assert fake_provider.count()["max_in_flight"] == 3
        ended(opened, 1, words["stopped"])
        for column in (0, 2):
            ended(opened, column, words["done"])
        expect(answer(opened, 0)).to_contain_text(LAST)
        expect(answer(opened, 2)).to_contain_text(LAST)
        expect(answer(opened, 1)).to_contain_text("word0")
        texts = [answer(opened, column).inner_text() for column in range(3)]
        assert LAST not in texts[1]
        follow = opened.at("follow").locator("textarea")
        follow.fill("and then")
        follow.press("Enter")
        for column in (0, 2):
            ended(opened, column, words["done"], turn=1)
        # The slow one may still be asked.
        wait_until(lambda: fake_provider.requests >= 6, "not all go on")
        bodies = [entry["body"]["messages"] for entry in fake_provider.log[-3:]]
        asked = sorted(each[1]["content"].strip() for each in bodies)
        assert asked == sorted(text.strip() for text in texts), "each goes on from what it had said itself"


@pytest.mark.parametrize(("locale", "theme"), LANGUAGES)
def test_a_conversation_outlives_a_reload_in_a_stream_a_closed_tab_and_a_restart(
    workbench: Any, tab: Any, tmp_path: Path, fake_provider: Any, locale: str, theme: str
) -> None:
    connected(tmp_path, fake_provider, alpha=MODELS["alpha"], beta=MODELS["beta"])
    words = WORDS[locale]
    fake_provider.control(answers=[{"contains": "at length", "reply": LENGTHY}])
    with workbench(tmp_path) as (address, process):
        opened = tab(address, locale=locale, theme=theme)
        page = opened.open("/")
        choose(opened, f"{MODELS['beta']} (beta)")
        write(opened, "at length")
        for column in range(2):
            opened.at(f"answer-{column}").locator("pre", has_text="word0").first.wait_for()
        page.wait_for_url("**/playground?conversation=*")
        link = page.url.removeprefix(address)
        page.reload()
        ended(opened, 0, words["done"])
        expect(answer(opened, 0)).to_contain_text(LAST)
        expect(opened.at("stop-1"), "the slow one still comes").to_have_count(1)
        assert fake_provider.requests == 2, "a reload asks nothing again"
        page.close()
        port = int(address.rpartition(":")[2])
        process.kill()
        process.wait()
    with workbench(tmp_path, port=port) as (address, _):
        opened = tab(address, locale=locale, theme=theme)
        page = opened.open(link)
        ended(opened, 1, words["interrupted"])
        expect(answer(opened, 1)).to_contain_text("word0")
        expect(answer(opened, 0)).to_contain_text(LAST)
        expect(opened.at("prompt-text").locator("textarea")).to_have_value("at length")
        follow = opened.at("follow").locator("textarea")
        follow.fill("and then")
        follow.press("Enter")
        ended(opened, 0, words["done"], turn=1)
        opened.at("clear").locator("button").click()
        opened.at("answer-0").wait_for(state="detached")
        opened.at("conversations").locator("button").first.click()
        page.get_by_role("button", name="at length").click()
        ended(opened, 0, words["done"], turn=1)
        expect(page).to_have_url(address + link)


@pytest.mark.parametrize(("locale", "theme"), LANGUAGES)
def test_hostile_replies_ask_nobody_and_run_nothing(
    workbench: Any, tab: Any, tmp_path: Path, fake_provider: Any, locale: str, theme: str
) -> None:
    connected(tmp_path, fake_provider, alpha="fake-1")
    fake_provider.control(
        answers=[
            {"contains": "long", "reply": MEGABYTE},
            {"contains": "hostile", "reply": HOSTILE},
        ]
    )
    with workbench(tmp_path) as (address, _):
        opened = tab(address, locale=locale, theme=theme)
        page = opened.open("/")
        write(opened, "hostile")
        ended(opened, 0, WORDS[locale]["done"])
        expect(answer(opened, 0)).to_contain_text("<script>alert(1)</script>")
        expect(answer(opened, 0)).to_contain_text("\\u202e")
        opened.at("as-markdown").locator("label").click()
        opened.settled()
        marked = opened.at("answer-0").get_by_test_id("stMarkdown")
        marked.get_by_text("<script>alert(1)").first.wait_for()
        assert page.locator("img[src*=evil], iframe[src*=evil]").count() == 0
        write(opened, "long")
        page.get_by_text("1,000,000").first.wait_for()
        opened.settled()
        assert len(opened.at("answer-0").inner_text()) < 100_000
    # The fixture looks that no other host was asked and that no script ran.


def test_without_a_model_a_relay_opens_the_playground(
    workbench: Any, tab: Any, tmp_path: Path, fake_provider: Any
) -> None:
    fake_provider.control(key="sk-of-the-relay")
    with workbench(tmp_path) as (address, _):
        opened = tab(address, locale="zh-CN")
        page = opened.open("/")
        page.get_by_text(WORDS["zh-CN"]["first"]).wait_for()
        opened.at("door-base").locator("input").fill(fake_provider.openai)
        opened.at("door-relay-key").locator("input").fill("sk-of-the-relay")
        opened.at("door-relay-use").locator("button").click()
        opened.at("ask").locator("button").click()
        ended(opened, 0, WORDS["zh-CN"]["done"])
        assert "sk-of-the-relay" not in page.content()
        assert fake_provider.log[-1]["headers"]["authorization"] == "Bearer sk-of-the-relay"


def test_what_was_tried_runs_on_n_samples_in_the_background(
    workbench: Any, tab: Any, tmp_path: Path, fake_provider: Any
) -> None:
    connected(tmp_path, fake_provider, alpha="fake-1")
    rows = [{"id": f"s{i}", "q": f"{i} + 1", "a": str(i + 1)} for i in range(40)]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with workbench(tmp_path) as (address, _):
        opened = tab(address)
        page = opened.open("/")
        field = opened.at("prompt-text").locator("textarea")
        field.fill("What is {{ q }}?")
        field.press("Tab")
        opened.settled()
        opened.at("row-source").locator("input").click()
        page.get_by_role("option", name="data.jsonl").click()
        opened.settled()
        opened.at("saving").locator("summary").click()
        opened.at("save-run").locator("button").click()
        page.wait_for_url("**/experiments?file=*")
        wait_until(lambda: all(job.state() == "ended" for job in jobs(tmp_path / "home")), "it does not end")
    assert load_spec(tmp_path / "experiments" / "playground.yaml").spec.task.prompt == "What is {{ q }}?"
    run = latest_run(tmp_path / "home", "playground")
    assert run is not None
    assert run.manifest()["status"] == "complete"
    assert fake_provider.requests == 20
