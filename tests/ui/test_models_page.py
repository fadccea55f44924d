"""Models and keys: what is usable, endpoints with prices, and a key that is never seen again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from promptlab.models import endpoints
from promptlab.models.endpoints import Endpoint
from promptlab.models.keys import find_key, held, hold

KEY = "sk-typed-once-4f9a71c3d8"


@pytest.fixture(autouse=True)
def nothing_held() -> Iterator[None]:
    yield
    for name in held():
        hold(name, "")


def everything(page: AppTest) -> str:
    return f"{page.main!r}{page.session_state._state.filtered_state!r}"  # also what only callbacks see


def view(page: AppTest, name: str) -> AppTest:
    return page.segmented_control(key="models-view").set_value(name).run()


def test_it_says_which_providers_are_usable_and_why_not(
    open_page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPSEEK_API_KEY", KEY)
    page = open_page("models")
    assert not page.exception
    assert page.text[0].value == "Ready: deepseek"
    (table,) = [each.value for each in page.dataframe if "Usable" in each.value]
    rows = {row["Provider"]: row for row in table.to_dict("records")}
    assert rows["deepseek/…"]["Usable"]
    assert rows["openai/…"]["Key"] == "not set (OPENAI_API_KEY)"
    assert KEY not in everything(page)


def test_a_typed_key_is_held_and_leaves_the_page(open_page: Callable[..., AppTest]) -> None:
    page = open_page("models")
    page.selectbox(key="key-variable").set_value("OPENAI_API_KEY")
    page.text_input(key="key-value").set_value(KEY)
    page.button(key="key-keep").click().run()
    assert not page.exception
    found = find_key("OPENAI_API_KEY")
    assert found is not None
    assert found.reveal() == KEY
    assert page.text_input(key="key-value").value == ""
    assert KEY not in everything(page)
    page.button(key="keys-forget").click().run()
    assert held() == {}


def test_what_is_no_variable_or_no_key_is_said_and_not_held(open_page: Callable[..., AppTest]) -> None:
    page = open_page("models")
    page.selectbox(key="key-variable").set_value("OPENAI_API_KEY")
    page.button(key="key-keep").click().run()
    assert "Type the key" in page.error[0].value
    page.selectbox(key="key-variable").set_value(None)
    page.text_input(key="key-value").set_value(KEY)
    page.button(key="key-keep").click().run()
    assert "name of a variable" in page.error[0].value
    assert held() == {}
    assert KEY not in everything(page)


def test_a_keyring_that_is_not_there_is_said_and_the_key_stays_in_memory(
    open_page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    import keyring
    from keyring.backends.fail import Keyring

    before = keyring.get_keyring()
    keyring.set_keyring(Keyring())
    try:
        page = open_page("models")
        page.selectbox(key="key-variable").set_value("OPENAI_API_KEY")
        page.text_input(key="key-value").set_value(KEY)
        page.checkbox(key="key-keyring").set_value(True)
        page.button(key="key-keep").click().run()
    finally:
        keyring.set_keyring(before)
    assert "keyring did not take" in page.error[0].value
    assert held() == {"OPENAI_API_KEY": KEY}


def test_an_endpoint_is_added_asked_and_tested_with_its_key(
    home: Path, open_page: Callable[..., AppTest], fake_provider: Any
) -> None:
    page = view(open_page("models"), "endpoints")
    page.text_input(key="endpoint-name").set_value("my relay")
    page.text_input(key="endpoint-address").set_value(fake_provider.openai)
    page.text_input(key="endpoint-variable").set_value("RELAY_KEY")
    page.text_input(key="endpoint-key").set_value(KEY)
    page.button(key="endpoint-save").click().run()
    assert not page.exception
    (kept,) = endpoints.load(home / "home")
    assert kept.models
    page.button(key="test-endpoint").click().run()
    assert "answered in" in page.success[0].value
    assert any(entry["headers"].get("authorization") == f"Bearer {KEY}" for entry in fake_provider.log)
    assert KEY not in everything(page)
    assert KEY not in (home / "home" / endpoints.FILE).read_text()
    assert '"api_key_env": "RELAY_KEY"' in page.code[-1].value


def test_a_key_typed_as_the_variables_name_is_refused_and_not_repeated(
    home: Path, open_page: Callable[..., AppTest]
) -> None:
    page = view(open_page("models"), "endpoints")
    page.text_input(key="endpoint-name").set_value("r")
    page.text_input(key="endpoint-address").set_value("http://127.0.0.1:9/v1")
    page.text_input(key="endpoint-variable").set_value(KEY)
    page.button(key="endpoint-save").click().run()
    assert "no name of a variable" in page.error[0].value
    assert KEY not in page.error[0].value
    assert endpoints.load(home / "home") == []


def test_a_refused_test_says_why(home: Path, open_page: Callable[..., AppTest]) -> None:
    (home / "home").mkdir()
    endpoints.save(home / "home", [Endpoint("down", "http://127.0.0.1:9/v1", models=("m",))])
    page = view(open_page("models"), "endpoints")
    page.button(key="test-endpoint").click().run()
    assert not page.exception
    assert page.error


def test_local_models_are_listed(
    open_page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PROMPTLAB_OFFLINE", "1")
    page = view(open_page("models"), "local")
    assert not page.exception
    assert any("local/smollm2" in each.value.replace("\\", "") for each in page.markdown)
    assert {each.key for each in page.button} >= {"pull-smollm2-135m"}


@pytest.mark.browser
@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_a_typed_key_is_used_and_nowhere_to_be_found(
    workbench: Any, tab: Any, home: Path, fake_provider: Any, locale: str
) -> None:
    with workbench(home) as (address, _):
        opened = tab(address, locale=locale)
        frames: list[bytes] = []
        opened.page.on(
            "websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(frame))
        )
        page = opened.open("/models?view=endpoints")
        opened.at("endpoint-name").locator("input").fill("my relay")
        opened.at("endpoint-address").locator("input").fill(fake_provider.openai)
        opened.at("endpoint-variable").locator("input").fill("RELAY_KEY")
        opened.at("endpoint-key").locator("input").fill(KEY)
        opened.at("endpoint-save").locator("button").click()
        opened.at("test-endpoint").wait_for()
        opened.settled()
        opened.at("test-endpoint").locator("button").click()
        page.get_by_text("It answered in" if locale == "en-US" else "已应答").wait_for()
        page.get_by_text("held in memory" if locale == "en-US" else "保存在内存中").first.wait_for()
        sent = [entry["headers"].get("authorization") for entry in fake_provider.log]
        assert f"Bearer {KEY}" in sent
        opened.at("endpoint-change").locator("summary").click()
        opened.at("endpoint-key").locator("input").wait_for()
        assert opened.at("endpoint-key").locator("input").input_value() == ""
        seen = [page.content()]
        page.reload()
        opened.settled()
        opened.at("endpoint-change").wait_for()
        seen.append(page.content())
        opened.open("/models")
        page.get_by_text("RELAY_KEY").first.wait_for()
        seen.append(page.content())
        shown = [frame if isinstance(frame, bytes) else frame.encode() for frame in frames]
        assert any(b"RELAY_KEY" in frame for frame in shown)  # the frames were read
        assert not any(KEY.encode() in frame for frame in shown)
        assert not any(KEY in each for each in seen)
        assert not any(KEY in each for each in opened.asked)
    for path in home.rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path
