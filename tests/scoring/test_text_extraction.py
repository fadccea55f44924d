"""Text, lists and code."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.datasets.task import AnswerType
from promptlab.scoring import AnswerForm, extract, spell

TEXT, LIST, CODE = (AnswerForm(each) for each in (AnswerType.TEXT, AnswerType.LIST, AnswerType.CODE))


@pytest.mark.parametrize(
    ("reply", "value", "stated"),
    [
        ("The answer is Paris.", "Paris", True),
        ("Answer: Paris\nBecause it is.", "Paris", True),
        ("**Answer: Paris**", "Paris", True),
        ("Final Answer:\n**blue**", "blue", True),
        ("Answer: first\nAnswer: second", "second", True),
        ("答案是：巴黎。", "巴黎", True),
        (r"\boxed{x^2}", "x^2", True),
        ("#### Step 1\nmix\n#### blue", "blue", True),
        ("I think so. <answer>Paris</answer> Done.", "Paris", True),
        ("Paris", "Paris", False),
        ("<think>\nRome? No.\n</think>\n\nParis", "Paris", False),
        ('"Paris"', "Paris", False),
        ("**Paris**.", "Paris", False),
        ("“巴黎”。", "巴黎", False),
        ("`foo`", "foo", False),
        ("$x+1$", "x+1", False),
        ("dogs'", "dogs'", False),
        ("## Title\ntext", "Title", False),
        ("- item", "item", False),
        ("```\nfoo\n```", "foo", False),
        ("\n\nmice\n\nThe plural of mouse is mice.", "mice", False),
        ("What the answer is.", "What the answer is", False),
        ('The plural of "fox" is "foxes."', "foxes", True),
        ('The plural of the word "ox" is **oxen**.', "oxen", True),
        ('The plural of "church" is "churchs" (plural of "church").', "churchs", True),
        (
            'The plural of "a" is "b" and the plural of "c" is "d".',
            'The plural of "a" is "b" and the plural of "c" is "d',
            False,
        ),
        ('He is "happy".', 'He is "happy', False),
    ],
)
def test_text_is_what_follows_the_phrase_or_the_first_line(reply: str, value: str, stated: bool) -> None:
    found = extract(reply, TEXT)
    assert (found.value, found.stated) == (value, stated)


@pytest.mark.parametrize(
    ("reply", "items"),
    [
        ('["a", "b"]', ("a", "b")),
        ("[1, [2]]", ("1", "[2]")),
        ("[]", ()),
        ('```json\n["a"]\n```', ("a",)),
        ("['a', 'b']", ("a", "b")),
        ("The list is [a, b].", ("a", "b")),
        ("1. a\n2. b", ("a", "b")),
        ("Here:\n* **x**\n* y.", ("x", "y")),
        ("- a\n- b\n", ("a", "b")),
        ("The answer is: a, b", ("a", "b")),
        ("a, b, and c", ("a", "b", "c")),
        ("Paris and London", ("Paris", "London")),
        ("苹果、香蕉和梨", ("苹果", "香蕉", "梨")),
        ("a；b；c", ("a", "b", "c")),
        ("1,2,3", ("1", "2", "3")),
        ("1,000, 2,000", ("1,000", "2,000")),
    ],
)
def test_items_of_a_list(reply: str, items: tuple[str, ...]) -> None:
    assert extract(reply, LIST).value == items


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        ("```python\nx = 1\n```", "x = 1"),
        ("First\n```\nold\n```\nthen\n```py\nnew\n```\nDone.", "new"),
        ("```py\ncut off", "cut off"),
        ("~~~\n  x\n~~~", "  x"),
        ("x = 1\n", "x = 1"),
    ],
)
def test_code_is_the_last_fenced_block_or_everything(reply: str, value: str) -> None:
    assert extract(reply, CODE).value == value


WORDS = st.text(st.characters(whitelist_categories=("Lu", "Ll", "Lo")), min_size=1, max_size=12)


@given(
    WORDS,
    st.sampled_from(
        ["{}", "**{}**", '"{}".', "The answer is {}.", "Answer: {}", "答案：{}。", r"\boxed{{{}}}"]
    ),
)
def test_planted_text_is_found(word: str, frame: str) -> None:
    assert extract(frame.format(word), TEXT).value == word


@given(st.lists(WORDS, max_size=6))
def test_json_lists_are_read_as_they_are(items: list[str]) -> None:
    reply = json.dumps(items, ensure_ascii=False)
    assert extract(reply, LIST).value == tuple(items) == spell(reply, LIST)
