"""How many tokens a text has. Nothing is downloaded."""

from __future__ import annotations

import pytest

from promptlab.models import Message, resolve
from promptlab.models.tokens import Tokenizer, tokenizer_of


@pytest.mark.parametrize(
    ("model", "encoding"),
    [("openai/gpt-4o-mini", "o200k_base"), ("openai/gpt-4", "cl100k_base"), ("openai/o3", "o200k_base")],
)
def test_a_model_of_openai_is_counted_by_its_own_tokenizer(
    model: str, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "/nowhere")
    tokenizer = tokenizer_of(resolve(model))
    assert tokenizer.encoding is not None
    assert tokenizer.encoding.name == encoding
    assert tokenizer.count("The quick brown fox jumps over the lazy dog.") == 10
    assert tokenizer.count("<|endoftext|>") > 1  # in a prompt it is text
    assert tokenizer.count("broken \ud800") > 0


def test_behind_a_relay_the_tokenizer_is_that_of_the_model() -> None:
    relay = resolve("openai/gpt-4o", api_base="https://relay.example/v1")
    assert not tokenizer_of(relay).approximate


@pytest.mark.parametrize("model", ["deepseek/deepseek-chat", "openai/no-such-model"])
def test_other_models_are_counted_by_characters_and_this_is_said(model: str) -> None:
    assert tokenizer_of(resolve(model)).approximate


def test_chinese_takes_a_token_for_about_a_character_and_english_for_four() -> None:
    by_characters = Tokenizer(None)
    assert by_characters.count("a" * 400) == 100
    assert 60 <= by_characters.count("提示词" * 25) <= 75
    assert by_characters.count("слово" * 10) == 25


def test_every_message_adds_what_the_chat_format_takes() -> None:
    counted = Tokenizer(None)
    one = counted.count_messages([Message("user", "a" * 40)])
    two = counted.count_messages([Message("user", "a" * 20), Message("assistant", "a" * 20)])
    assert two > one > 10
