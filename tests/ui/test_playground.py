"""The playground without a browser: what it asks, keeps and writes, by its widgets."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from promptlab.experiment import load_spec
from promptlab.models import endpoints
from promptlab.models.endpoints import Endpoint
from promptlab.models.keys import find_key, hold
from promptlab.playground import Bots, Chats, Versions, read_looks


@pytest.fixture(autouse=True)
def no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No local model is at hand, whoever runs the tests."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def connected(home: Path, provider: Any, *names: str) -> None:
    """The fake provider as endpoints of these names."""
    (home / "home").mkdir(exist_ok=True)
    endpoints.save(home / "home", [Endpoint(name, provider.openai, "", (f"{name}-1",)) for name in names])


def rows(home: Path) -> None:
    data = [
        {"id": f"s{i}", "q": f"{i} + 1", "a": str(i + 1), "split": ("train", "dev", "test")[i % 3]}
        for i in range(30)
    ]
    (home / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in data))


def answered(page: AppTest) -> AppTest:
    """The page once all answers are there."""
    deadline = time.monotonic() + 20
    while page.session_state["playground"].going:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return page.run()


def opened(page: AppTest, *keys: str) -> AppTest:
    """The page with these parts unfolded."""
    for key in keys:
        page.session_state[f"open-{key}"] = True
    return page.run()


def said(page: AppTest) -> list[str]:
    return [each.value for each in page.code]


def conversation(page: AppTest) -> str:
    """The one that the address names."""
    found = page.query_params["conversation"]
    return found if isinstance(found, str) else found[0]


def test_without_a_model_there_are_three_doors(open_page: Callable[..., AppTest]) -> None:
    page = open_page("playground")
    assert not page.exception
    assert [each.value for each in page.markdown if each.value.startswith("####")] == [
        "#### Without a key",
        "#### With a provider's key",
        "#### With a relay or a server",
    ]


def test_a_relay_opens_the_playground_and_its_key_stays_in_memory(
    home: Path, open_page: Callable[..., AppTest], fake_provider: Any
) -> None:
    fake_provider.control(key="sk-relay-secret")
    page = open_page("playground")
    page.text_input(key="door-base").set_value(fake_provider.openai)
    page.text_input(key="door-relay-key").set_value("sk-relay-secret")
    page.text_input(key="door-relay-name").set_value("my relay")
    page.button(key="door-relay-use").click().run()
    try:
        assert not page.exception
        assert page.multiselect(key="models").value == ["fake-1 (my relay)"]
        answered(page.button(key="ask").click().run())
        assert fake_provider.log[-1]["headers"]["authorization"] == "Bearer sk-relay-secret"
        assert find_key("MY_RELAY_API_KEY") is not None
        kept = b"".join(path.read_bytes() for path in (home / "home").rglob("*") if path.is_file())
        assert b"sk-relay-secret" not in kept
        assert "sk-relay-secret" not in repr(page.session_state)
    finally:
        hold("MY_RELAY_API_KEY", "")


def test_an_address_that_nobody_answers_is_told(open_page: Callable[..., AppTest]) -> None:
    page = open_page("playground")
    page.text_input(key="door-base").set_value("http://127.0.0.1:9/v1")
    page.button(key="door-relay-use").click().run()
    assert "connection" in page.error[0].value


def test_several_models_and_techniques_answer_and_go_on(
    home: Path, open_page: Callable[..., AppTest], fake_provider: Any
) -> None:
    connected(home, fake_provider, "a", "b")
    fake_provider.control(
        answers=[
            {"contains": "Therefore", "reply": "Paris."},
            {"contains": "And Spain?", "reply": "Madrid."},
            {"contains": "France", "reply": "It is Paris."},
        ]
    )
    page = open_page("playground")
    page.multiselect(key="models").set_value(["a-1 (a)", "b-1 (b)"])
    page.multiselect(key="techniques").set_value(["zero_shot", "zero_shot_cot"]).run()
    page = answered(page.button(key="ask").click().run())
    columns = page.session_state["playground"].columns
    assert [each.name for each in columns] == [
        "a-1 (a)",
        "a-1 (a) × zero_shot_cot",
        "b-1 (b)",
        "b-1 (b) × zero_shot_cot",
    ]
    assert [len(each.talk.path()[0].answer.calls) for each in columns] == [1, 2, 1, 2]
    assert said(page).count("It is Paris.") >= 2
    page = answered(page.chat_input(key="follow").set_value("And Spain?").run())
    assert said(page).count("Madrid.") == 4
    page = answered(page.button(key="again-0-1").click().run())
    assert any("2 of 2" in each.value for each in page.caption)
    page.button(key="earlier-0-1").click().run()
    assert any("1 of 2" in each.value for each in page.caption)


def test_an_edited_question_is_a_branch(
    home: Path, open_page: Callable[..., AppTest], fake_provider: Any
) -> None:
    connected(home, fake_provider, "a")
    page = open_page("playground")
    page = answered(page.button(key="ask").click().run())
    page.text_area(key="edited-0-0-0").set_value("Something else?")
    page = answered(page.button(key="edit-send-0-0").click().run())
    assert fake_provider.log[-1]["body"]["messages"][-1]["content"] == "Something else?"
    assert any("2 of 2" in each.value for each in page.caption)


def test_versions_are_kept_with_their_differences(
    home: Path, open_page: Callable[..., AppTest], fake_provider: Any
) -> None:
    connected(home, fake_provider, "a")
    page = open_page("playground")
    answered(page.button(key="ask").click().run())
    page.text_area(key="prompt-text").set_value("What is the largest city of {{ country }}?").run()
    page = answered(page.button(key="ask").click().run())
    assert [each.number for each in Versions(home / "home").all()] == [1, 2]
    page.selectbox(key="version").set_value(1).run()
    assert any(":red-background[~~capital~~]" in each.value for each in page.markdown)
    page.button(key="version-restore").click().run()
    assert page.text_area(key="prompt-text").value == "What is the capital of {{ country }}?"


def test_a_bot_brings_its_own_system_prompt(
    home: Path, open_page: Callable[..., AppTest], fake_provider: Any
) -> None:
    connected(home, fake_provider, "a")
    page = open_page("playground")
    page.text_area(key="prompt-system").set_value("Talk like a pirate.")
    page.number_input(key="sampling-temperature").set_value(0.5)
    page.text_input(key="bot-name").set_value("Pirate").run()
    page.button(key="bot-save").click().run()
    (bot,) = Bots(home / "home").all()
    assert (bot.name, bot.sampling) == ("Pirate", {"temperature": 0.5})
    page.text_area(key="prompt-system").set_value("")
    page.multiselect(key="models").set_value(["Pirate (bot)"]).run()
    answered(page.button(key="ask").click().run())
    body = fake_provider.log[-1]["body"]
    assert body["messages"][0] == {"role": "system", "content": "Talk like a pirate."}
    assert body["temperature"] == 0.5


def test_rows_fill_the_variables_and_test_rows_only_on_purpose(
    home: Path, open_page: Callable[..., AppTest], fake_provider: Any
) -> None:
    connected(home, fake_provider, "a")
    rows(home)
    page = open_page("playground")
    page.text_area(key="prompt-text").set_value("What is {{ q }}?").run()
    page.selectbox(key="row-source").set_value("data.jsonl").run()
    assert not page.exception
    assert page.text_area(key="value-q").value == "1 + 1"
    page.button(key="row-next").click().run()
    assert page.text_area(key="value-q").value == "4 + 1"
    assert read_looks(home / "home", "test").total == 0
    page.checkbox(key="row-test").check().run()
    page.segmented_control(key="row-split").set_value("test").run()
    assert page.text_area(key="value-q").value == "2 + 1"
    assert read_looks(home / "home", "test").total == 1


def test_what_was_tried_becomes_an_experiment_and_a_variant_of_one(
    home: Path, open_page: Callable[..., AppTest], fake_provider: Any
) -> None:
    connected(home, fake_provider, "a")
    rows(home)
    (home / "learned.jsonl").write_text('{"q": "1", "a": "2", "split": "train"}\n')
    (home / "learned.yaml").write_text(
        "name: learned\ndataset: {path: learned.jsonl, target: a, split: {column: split}}\n"
        "task: {prompt: '{{ q }}', answer: number}\nmodels: [openai/x]\nvariants: [zero_shot]\n"
    )
    page = open_page("playground")
    page.text_area(key="prompt-text").set_value("What is {{ q }}?").run()
    page.selectbox(key="row-source").set_value("learned (learned.yaml)").run()
    assert "learned has no test rows" in page.error[0].value
    page.selectbox(key="row-source").set_value("data.jsonl").run()
    page.text_area(key="prompt-text").set_value("What is {{ q }}, {{ name }}?").run()
    page.text_area(key="value-name").set_value("Ada").run()
    assert "data has no column name" in page.error[0].value
    assert "save-name" not in [each.key for each in page.text_input], "no row could fill it"
    page.text_area(key="prompt-text").set_value("What is {{ q }}?").run()
    page.text_input(key="save-name").set_value("sums").run()
    page.button(key="save-write").click().run()
    assert not page.exception
    path = home / "experiments" / "sums.yaml"
    spec = load_spec(path).spec
    assert spec.task.prompt == "What is {{ q }}?"
    assert spec.models[0].id == "openai_like/a-1"

    again = open_page("playground")
    again.selectbox(key="row-source").set_value("data (sums.yaml)").run()
    assert again.text_area(key="prompt-text").value == "What is {{ q }}?"
    again.text_area(key="prompt-text").set_value("{{ q }} = ?").run()
    again.radio(key="save-where").set_value(path.resolve()).run()
    again.text_input(key="save-variant-name").set_value("short").run()
    again.button(key="save-add").click().run()
    assert not again.exception
    assert [each.name for each in load_spec(path).spec.variants] == [None, "short"]


def test_a_mistake_in_the_prompt_is_told_beside_it(
    home: Path, open_page: Callable[..., AppTest], fake_provider: Any
) -> None:
    connected(home, fake_provider, "a")
    page = open_page("playground")
    page.text_area(key="prompt-text").set_value("{{ broken").run()
    assert not page.exception
    assert "template" in page.error[0].value


def test_each_technique_has_a_form_of_its_own_and_what_is_set_is_asked_and_written(
    home: Path, open_page: Callable[..., AppTest], fake_provider: Any
) -> None:
    connected(home, fake_provider, "a")
    rows(home)
    page = open_page("playground")
    page.text_area(key="prompt-text").set_value("What is {{ q }}?")
    page.multiselect(key="techniques").set_value(["self_consistency", "few_shot"]).run()
    page.selectbox(key="row-source").set_value("data.jsonl").run()
    parts = ["settings-self_consistency", "settings-few_shot"]
    parts += ["set-self_consistency-part-variants-0-inner", "set-few_shot-part-variants-0-demos"]
    opened(page, *parts)
    page.number_input(key="set-self_consistency-variants-0-samples").set_value(2).run()
    inner = "set-self_consistency-variants-0-inner-technique"
    page.selectbox(key=inner).set_value("zero_shot").run()
    page.number_input(key="set-few_shot-variants-0-demos").set_value(3).run()
    page.selectbox(key="set-few_shot-variants-0-demos-select").set_value("random").run()
    assert not page.exception
    assert {each.label.replace("\\", "") for each in page.expander} >= {
        "**self_consistency**: samples 2, inner (technique zero_shot)",
        "**few_shot**: demos (count 3, select random)",
    }
    page = answered(page.button(key="ask").click().run())
    asked = [each["body"] for each in fake_provider.log if each["path"].endswith("/chat/completions")]
    assert sorted(len(each["messages"]) for each in asked) == [1, 1, 7]
    page.text_input(key="save-name").set_value("tried").run()
    page.button(key="save-write").click().run()
    spec = load_spec(home / "experiments" / "tried.yaml").spec
    assert [each.settings for each in spec.variants] == [
        {"samples": 2, "inner": {"technique": "zero_shot"}},
        {"demos": {"count": 3, "select": "random"}},
    ]


def test_a_wrong_setting_is_told_beside_its_field(
    home: Path, open_page: Callable[..., AppTest], fake_provider: Any
) -> None:
    connected(home, fake_provider, "a")
    page = open_page("playground")
    page.multiselect(key="techniques").set_value(["self_consistency"]).run()
    page.session_state["settings-text-self_consistency"] = (
        "variants:\n  - {technique: self_consistency, samples: many, x: 1}\n"
    )
    page.run()
    assert sum("whole number" in each.value for each in page.error) == 1
    assert sum("unknown key" in each.value for each in page.error) == 1
    opened(page, "settings-self_consistency")
    assert page.text_input(key="set-self_consistency-variants-0-samples").value == "many"
    assert sum("whole number" in each.value for each in page.error) == 1


def test_a_technique_from_a_file_is_refused_without_allow_code(
    home: Path, open_page: Callable[..., AppTest], fake_provider: Any
) -> None:
    connected(home, fake_provider, "a")
    (home / "mine.py").write_text("open('ran', 'w')\n")
    page = open_page("playground")
    page.multiselect(key="techniques").set_value(["self_consistency"]).run()
    page.session_state["settings-text-self_consistency"] = (
        "variants:\n  - {technique: self_consistency, inner: mine.py:Mine}\n"
    )
    page.run()
    page = answered(page.button(key="ask").click().run())
    assert any("allow" in each.value for each in page.error)
    assert not (home / "ran").exists()


def test_a_conversation_survives_a_reload_with_all_that_stood_in_the_editor(
    home: Path, open_page: Callable[..., AppTest], fake_provider: Any
) -> None:
    connected(home, fake_provider, "a", "b")
    rows(home)
    page = open_page("playground")
    page.text_area(key="prompt-system").set_value("Be brief.")
    page.text_area(key="prompt-text").set_value("What is {{ q }}?").run()
    page.selectbox(key="row-source").set_value("data.jsonl").run()
    page.button(key="row-next").click().run()
    page.number_input(key="sampling-temperature").set_value(0.0)
    page.multiselect(key="models").set_value(["b-1 (b)"])
    page.multiselect(key="techniques").set_value(["zero_shot", "zero_shot_cot"]).run()
    page = answered(page.button(key="ask").click().run())
    page = answered(page.chat_input(key="follow").set_value("And then?").run())
    page.text_area(key="prompt-text").set_value("What would {{ q }} be?").run()
    id = conversation(page)

    again = open_page("playground", conversation=id)
    assert not again.exception
    assert said(again) == said(page)
    assert again.text_area(key="prompt-text").value == "What would {{ q }} be?"
    assert again.text_area(key="prompt-system").value == "Be brief."
    assert again.text_area(key="value-q").value == "4 + 1"
    assert again.number_input(key="sampling-temperature").value == 0.0
    assert again.multiselect(key="models").value == ["b-1 (b)"]
    assert again.multiselect(key="techniques").value == ["zero_shot", "zero_shot_cot"]
    assert again.selectbox(key="row-source").value == "data.jsonl"
    assert again.session_state["playground"].cursor.position == 1
    again = answered(again.chat_input(key="follow").set_value("Go on").run())
    assert fake_provider.log[-1]["body"]["messages"][0]["content"] == "Be brief."
    again.button(key="row-next").click().run()
    assert again.text_area(key="value-q").value == "7 + 1"


def test_past_conversations_are_listed_opened_searched_renamed_and_deleted(
    home: Path, open_page: Callable[..., AppTest], fake_provider: Any
) -> None:
    connected(home, fake_provider, "a")
    page = answered(open_page("playground").button(key="ask").click().run())
    first = conversation(page)
    page.button(key="clear").click().run()
    assert "conversation" not in page.query_params
    assert not [each for each in page.button if each.key == "again-0-0"]
    page.text_area(key="prompt-text").set_value("Say *something* else.").run()
    page = answered(page.button(key="ask").click().run())
    second = conversation(page)
    labels = {each.key: each.label for each in page.button}
    assert labels[f"conversation-open-{first}"] == "What is the capital of France?"
    assert labels[f"conversation-open-{second}"] == "**Say \\*something\\* else\\.**"
    page.text_input(key="conversation-search").set_value("france").run()
    assert f"conversation-open-{second}" not in [each.key for each in page.button]
    page.button(key=f"conversation-open-{first}").click().run()
    assert page.text_area(key="prompt-text").value == "What is the capital of {{ country }}?"
    page.button(key=f"conversation-rename-{first}").click().run()
    page.text_input(key=f"conversation-title-{first}").set_value("Capitals").run()
    page.button(key="conversation-save").click().run()
    page.text_input(key="conversation-search").set_value("").run()
    assert [each.title for each in Chats(home / "home").all("capitals")] == ["Capitals"]
    page.button(key=f"conversation-delete-{first}").click().run()
    assert len(Chats(home / "home").all()) == 2, "first it asks"
    page.button(key="conversation-yes").click().run()
    assert not page.exception
    assert [each.id for each in Chats(home / "home").all()] == [second]
    assert "conversation" not in page.query_params


def test_an_address_of_no_conversation_and_a_damaged_one_end_in_one_line(
    home: Path, open_page: Callable[..., AppTest], fake_provider: Any
) -> None:
    connected(home, fake_provider, "a")
    page = open_page("playground", conversation="../../x")
    assert "no conversation" in page.error[0].value
    folder = home / "home" / "playground" / "conversations"
    folder.mkdir(parents=True)
    (folder / "20260101-000000-abcdef.jsonl").write_text("nothing")
    page = open_page("playground", conversation="20260101-000000-abcdef")
    assert not page.exception
    assert all("damaged" in each.value for each in page.error)
    assert page.button(key="ask")
