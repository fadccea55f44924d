"""Experiments in a real browser: form and YAML, a run through reload and restart, pause, resume, cancel."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from real_command import wait_until
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from conftest import STILL_MS, WAIT_MS
from promptlab.experiment import load_spec
from promptlab.runs.background import jobs
from promptlab.ui.experiments import first_results, running, states, watching
from promptlab.ui.experiments import page as experiments_page
from promptlab.ui.experiments.draft import Draft

pytestmark = pytest.mark.browser
LANGUAGES = [("en-US", "light"), ("zh-CN", "dark")]

EXPERIMENT = """\
# A study of sums.
name: sums
dataset: {{path: data.jsonl, target: a}}
task: {{prompt: "What is {{{{ q }}}}?", answer: number}}   # asked
models:
  - {{id: openai/fake-1, name: fake, api_base: "{base}", api_key_env: LOOP_KEY}}
variants:
  - zero_shot              # the plain one
  - zero_shot_cot
limits: {{concurrency: 2}}
"""


@pytest.fixture
def study(tmp_path: Path, fake_provider: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOOP_KEY", "sk-loop")
    rows = (json.dumps({"q": f"{n} + {n}", "a": str(2 * n)}) + "\n" for n in range(40))
    (tmp_path / "data.jsonl").write_text("".join(rows))
    (tmp_path / "study.yaml").write_text(EXPERIMENT.format(base=fake_provider.openai))
    return tmp_path / "study.yaml"


@pytest.mark.parametrize(("locale", "theme"), LANGUAGES)
def test_form_and_yaml_are_two_views_of_one_file(
    study: Path, workbench: Any, tab: Callable[..., Any], locale: str, theme: str
) -> None:
    before = study.read_text()
    with workbench(study.parent) as (address, _):
        t = tab(address, locale=locale, theme=theme)
        t.open("/experiments")
        t.at("open-0").get_by_role("button").click()
        t.settled()
        prompt = t.at("f-task-prompt").locator("textarea")
        prompt.fill("How much is {{ q }}?")
        prompt.press("Control+Enter")
        t.settled()
        t.page.get_by_role("radio", name="YAML").click()
        t.settled()
        text = t.at("yaml").locator("textarea")
        wanted = before.replace("What is {{ q }}?", "How much is {{ q }}?")
        expect(text).to_have_value(wanted)
        text.fill(wanted.replace("- zero_shot ", "- {technique: few_shot, demos: 3} "))
        text.press("Control+Enter")
        t.settled()
        t.page.get_by_role("radio", name=t.words(experiments_page.say, "form")).click()
        t.settled()
        expect(t.at("f-variants-0-demos").locator("input")).to_have_value("3")
        t.page.reload()
        t.settled()
        expect(t.at("f-variants-0-demos").locator("input")).to_have_value("3")
        t.at("save").get_by_role("button").click()
        expected = wanted.replace("- zero_shot ", "- {technique: few_shot, demos: 3} ")
        wait_until(lambda: study.read_text() == expected, "it is not saved")


def test_who_is_ahead_of_the_page_loses_nothing(
    study: Path, workbench: Any, tab: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, other, third = (
        "  - zero_shot              # the plain one\n",
        "  - zero_shot_cot\n",
        "  - {technique: few_shot, demos: 2}\n",
    )
    text = study.read_text().replace(other, other + third)
    study.write_text(text)
    monkeypatch.setenv("PROMPTLAB_HOME", str(study.parent / "home"))
    draft = Draft(study)
    wanted = text.replace(plain + other + third, other + third + plain)
    wanted = wanted.replace("name: sums", "name: sums again").replace(
        "What is {{ q }}", "How much is {{ q }} now"
    )
    held: list[tuple[Any, bytes]] | None = None

    def listen(socket: Any) -> None:
        def arrived(message: bytes) -> None:
            if held is None:
                socket.send(message)
            else:
                held.append((socket, message))

        socket.connect_to_server().on_message(arrived)

    def written(what: str) -> None:
        deadline = time.monotonic() + WAIT_MS / 1000
        while what not in draft.text or not drawn():
            assert time.monotonic() < deadline, f"{what} is lost:\n{draft.text}"
            t.page.wait_for_timeout(20)  # lets the messages through

    def drawn() -> bool:
        told = [ForwardMsg.FromString(message).WhichOneof("type") for _, message in held or ()]
        return "new_session" not in told or "script_finished" in told[::-1][: told[::-1].index("new_session")]

    with workbench(study.parent) as (address, _):
        t = tab(address)
        t.page.route_web_socket("**/stream", listen)
        t.page.goto(f"{address}/experiments?file={study}")
        prompt, name = t.at("f-task-prompt").locator("textarea"), t.at("f-name").locator("input")
        name.wait_for()
        t.page.wait_for_timeout(STILL_MS)
        held = []  # from here on the page hears nothing
        prompt.fill("How much is {{ q }}?")
        name.fill("sums again")
        name.press("Enter")
        written("How much is {{ q }}?")
        written("sums again")
        t.at("f-down-variants-0").get_by_role("button").click()
        written(other + plain + third)
        t.at("f-down-variants-1").get_by_role("button").click()
        written(other + third + plain)
        prompt.fill("How much is {{ q }} now?")
        late, held = held, None
        for socket, message in late:
            socket.send(message)
        expect(t.at("f-variants-2-technique-after-2").locator("input")).to_have_value("zero_shot")
        prompt.press("Control+Enter")
        written("How much is {{ q }} now?")
        t.page.get_by_role("radio", name="YAML").click()
        expect(t.at("yaml").locator("textarea")).to_have_value(wanted)


@pytest.mark.parametrize(("locale", "theme"), LANGUAGES)
def test_a_run_goes_on_through_reload_pause_and_restart_and_every_tab_sees_it(
    study: Path, fake_provider: Any, workbench: Any, tab: Callable[..., Any], locale: str, theme: str
) -> None:
    fake_provider.control(latency_ms=2000)
    where = f"/experiments?file={study}&view=run"
    with workbench(study.parent) as (address, _):
        t = tab(address, locale=locale, theme=theme)
        t.open(where)
        t.at("estimate-now").get_by_role("button").click()
        t.page.get_by_text(t.words(running.say, "missing")).wait_for()
        t.settled()
        t.at("start").get_by_role("button").click()
        t.at("pause").get_by_role("button").wait_for()
        t.page.reload()
        t.page.get_by_text(t.words(first_results.say, "no_verdict")).wait_for()
        t.at("pause").get_by_role("button").click()
        t.at("resume").get_by_role("button").wait_for()
        (job,) = jobs(study.parent / "home")
        wait_until(lambda: job.latest("paused") is not None, "it does not pause")
    assert job.process is not None
    fake_provider.control(latency_ms=0)
    port = int(address.rpartition(":")[2])
    with workbench(study.parent, port=port) as (address, _):
        first = tab(address, locale=locale)
        second = tab(address, locale=next(each for each, _ in LANGUAGES if each != locale))
        first.open(where)
        second.open(where)
        second.page.get_by_text(second.words(states.say, "paused"), exact=True).wait_for()
        first.at("resume").get_by_role("button").click()
        for each in (second, first):
            each.page.get_by_text(each.words(states.say, "complete"), exact=True).wait_for()
        trials = first.words(watching.say, "trials", done=80, planned=80)
        expect(first.page.get_by_text(trials)).to_have_count(1)
        expect(first.at("start")).to_have_count(1)
    wait_until(lambda: job.exit_code == 0, "it does not end")
    assert fake_provider.requests == 120


@pytest.mark.parametrize(("locale", "theme"), LANGUAGES)
def test_a_cancelled_run_keeps_what_it_has_and_is_started_again(
    study: Path, fake_provider: Any, workbench: Any, tab: Callable[..., Any], locale: str, theme: str
) -> None:
    fake_provider.control(latency_ms=2000)
    with workbench(study.parent) as (address, _):
        t = tab(address, locale=locale, theme=theme)
        t.open(f"/experiments?file={study}&view=run")
        t.at("estimate-now").get_by_role("button").click()
        t.page.get_by_text(t.words(running.say, "missing")).wait_for()
        t.settled()
        t.at("start").get_by_role("button").click()
        t.at("pause").get_by_role("button").wait_for()
        t.at("cancel").get_by_role("button").click()
        t.page.get_by_text(t.words(states.say, "interrupted"), exact=True).wait_for()
        sent = fake_provider.requests
        assert 0 < sent < 120
        fake_provider.control(latency_ms=0)
        t.at("estimate-now").get_by_role("button").click()
        t.page.get_by_text(t.words(running.say, "missing")).wait_for()
        t.settled()
        t.at("start").get_by_role("button").click()
        t.page.get_by_text(t.words(states.say, "complete"), exact=True).wait_for()
    assert fake_provider.requests == 120


TEXTS = {
    "en-US": ("Form", "Trials to run", "complete"),
    "zh-CN": ("表单", "待运行试验", "已完成"),
}


@pytest.mark.parametrize("locale", ["en-US", pytest.param("zh-CN", marks=pytest.mark.long)])
def test_an_experiment_is_built_by_form_alone_seen_and_changed_as_yaml_estimated_and_run(
    study: Path, fake_provider: Any, workbench: Any, tab: Callable[..., Any], locale: str
) -> None:
    form, to_run, complete = TEXTS[locale]
    before = study.read_text()
    (study.parent / "more.jsonl").write_text((study.parent / "data.jsonl").read_text())
    with workbench(study.parent) as (address, _):
        t = tab(address, locale=locale, theme="dark" if locale == "zh-CN" else "light")

        def chosen(key: str, text: str) -> None:
            t.at(key).locator("input").fill(text)
            t.page.get_by_role("option", name=text, exact=True).click()
            t.settled()

        def typed(key: str, text: str) -> None:
            t.at(key).locator("input").fill(text)
            t.at(key).locator("input").press("Enter")
            t.settled()

        def pressed(key: str) -> None:
            t.at(key).get_by_role("button").click()
            t.settled()

        def unfolded(key: str, until: str) -> None:
            t.at(key).locator("summary").first.click()
            t.at(until).first.wait_for()
            t.settled()
            t.still(f"document.querySelector('.st-key-{until}').getBoundingClientRect().top")

        t.open(f"/experiments?file={study}")
        chosen("f-new-datasets", "more.jsonl")
        pressed("f-add-datasets")
        typed("f-datasets-1-name", "again")
        unfolded("f-part-matrix", "f-axis-name-matrix")
        chosen("f-axis-name-matrix", "models.max_tokens")
        typed("f-axis-values-matrix", "50, 60")
        pressed("f-add-axis-matrix")
        unfolded("f-part-gates", "f-add-gates")
        pressed("f-add-gates")
        typed("f-gates-0-min", "0.1")
        unfolded("f-part-embedding", "f-embedding-id")
        typed("f-embedding-id", "openai/fake-1")
        typed("f-embedding-api_base", fake_provider.openai)
        typed("f-embedding-api_key_env", "LOOP_KEY")
        t.page.get_by_role("radio", name="YAML").click()
        t.settled()
        text = t.at("yaml").locator("textarea")
        one = "dataset: {path: data.jsonl, target: a}\n"
        two = "  - {path: data.jsonl, target: a}\n  - {path: more.jsonl, target: a, name: again}\n"
        wanted = before.replace(one, f"datasets:\n{two}") + (
            "matrix: {models.max_tokens: [50, 60]}\n"
            "gates: [{min: 0.1}]\n"
            f"embedding: {{id: openai/fake-1, api_base: {fake_provider.openai}, api_key_env: LOOP_KEY}}\n"
        )
        expect(text).to_have_value(wanted)
        wanted = wanted.replace("min: 0.1", "min: 0").replace(
            "[50, 60]}", "{short: 50, long: 60}}   # tokens"
        )
        text.fill(wanted)
        text.press("Control+Enter")
        t.settled()
        t.page.get_by_role("radio", name=form, exact=True).click()
        t.settled()
        expect(t.at("f-part-matrix").locator("summary").first).to_contain_text("short, long")
        expect(t.at("f-part-gates").locator("summary").first).to_contain_text("min 0")
        pressed("save")
        t.open(f"/experiments?file={study}&view=run")
        pressed("estimate-now")
        t.page.get_by_text(to_run).wait_for()
        pressed("start")
        t.page.get_by_text(complete, exact=True).wait_for()
    assert study.read_text() == wanted
    assert [each.label for each in load_spec(study).spec.datasets] == ["data", "again"]
    (job,) = jobs(study.parent / "home")
    wait_until(lambda: job.exit_code == 0, "it does not end")
