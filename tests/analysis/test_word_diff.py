"""Two texts word by word, and the place of an answer in its reply."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptlab.analysis.word_diff import MOST_CHARS, answer_place, word_diff


def test_what_changed_is_told_word_by_word() -> None:
    assert word_diff("the cat sat", "the dog sat") == [
        ("same", "the "),
        ("gone", "cat"),
        ("new", "dog"),
        ("same", " sat"),
    ]


def test_chinese_is_told_character_by_character() -> None:
    assert word_diff("我爱苹果", "我吃苹果") == [
        ("same", "我"),
        ("gone", "爱"),
        ("new", "吃"),
        ("same", "苹果"),
    ]


@settings(max_examples=40)
@given(st.text(max_size=60), st.text(max_size=60))
def test_both_texts_can_be_put_together_again(before: str, after: str) -> None:
    found = word_diff(before, after)
    assert "".join(text for kind, text in found if kind != "new") == before
    assert "".join(text for kind, text in found if kind != "gone") == after


def test_a_line_of_a_megabyte_is_cut_and_does_not_take_long() -> None:
    found = word_diff("a " * 500_000, "b")
    assert sum(len(text) for _, text in found) <= MOST_CHARS


@pytest.mark.parametrize(
    ("reply", "answer", "marked"),
    [
        ("12 and then 42.", "42", "42"),
        ("It costs $1,234.50 in all", "1234.5", "1,234.50"),
        ("So 7.0 it is", "7", "7.0"),
        ("The answer is YES, yes indeed", "yes", "yes"),
        ("noon is not no", "no", "no"),
        ("答案是苹果。", "苹果", "苹果"),
        ("New\n York", "new york", "New\n York"),
    ],
)
def test_an_answer_is_found_where_it_stands_last(reply: str, answer: str, marked: str) -> None:
    found = answer_place(reply, answer)
    assert found is not None
    assert reply[slice(*found)] == marked
    assert found[1] == reply.rindex(marked) + len(marked)


@pytest.mark.parametrize(("reply", "answer"), [("142 or 42.5", "42"), ("nothing", "no"), ("x", "")])
def test_an_answer_within_something_else_is_not_marked(reply: str, answer: str) -> None:
    assert answer_place(reply, answer) is None


def test_in_a_very_long_reply_its_end_is_looked_at() -> None:
    reply = "x " * 400_000 + "42"
    assert answer_place(reply, "42") == (len(reply) - 2, len(reply))
