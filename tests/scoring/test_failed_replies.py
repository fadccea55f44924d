"""Why there is no answer: unparsed, refused, truncated. And what no reply may do: raise, or take forever."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.basics.errors import UsageError
from promptlab.datasets.task import AnswerType
from promptlab.scoring import AnswerForm, extract, spell
from promptlab.scoring.extraction import rule_for, rule_names
from promptlab.scoring.extraction.refusal import is_refusal

FORMS = {
    AnswerType.LABEL: AnswerForm(AnswerType.LABEL, ("positive", "negative", "积极")),
    AnswerType.CHOICE: AnswerForm(AnswerType.CHOICE, (), ("Paris", "London")),
    **{each: AnswerForm(each) for each in AnswerType if each not in (AnswerType.LABEL, AnswerType.CHOICE)},
}
EVERY_FORM = pytest.mark.parametrize("form", FORMS.values(), ids=lambda form: form.type)

REFUSALS = [
    "I'm sorry, but I can't help with that.",
    "I’m sorry, but I can’t assist with this request.",
    "I cannot provide that information.",
    "I can't answer that question.",
    "I am unable to answer.",
    "I'm not able to help with this.",
    "As an AI language model, I do not have opinions.",
    "I must decline.",
    "Sorry, but I won't do that.",
    "抱歉，我无法回答这个问题。",
    "对不起，我不能提供帮助。",
    "很抱歉，这个问题我没法回答",
    "作为一个人工智能，我没有看法。",
    "我无法提供相关信息。",
]
NO_REFUSALS = [
    "Sorry for the confusion: Paris.",
    "I can't wait to see it.",
    "I can not only read but also write.",
    "The patient cannot help himself.",
    "他不能提供帮助。",
    "抱歉来晚了",
    "I'm sorry, but I can't help with that. " + "But here is a long essay on the matter. " * 40,
]


@pytest.mark.parametrize("reply", REFUSALS)
def test_refusal_is_seen(reply: str) -> None:
    assert is_refusal(reply)


@pytest.mark.parametrize("reply", NO_REFUSALS)
def test_what_only_sounds_like_a_refusal_is_none(reply: str) -> None:
    assert not is_refusal(reply)


@pytest.mark.parametrize("reply", REFUSALS)
@EVERY_FORM
def test_refusal_without_an_answer_is_refused_for_every_answer_type(form: AnswerForm, reply: str) -> None:
    assert extract(reply, form).failure == "refused"


def test_answer_after_an_apology_counts() -> None:
    found = extract("I'm sorry, but I can't draw it. The answer is Paris.", FORMS[AnswerType.TEXT])
    assert found.value == "Paris"


@pytest.mark.parametrize("reply", ["", " ", "\n\n", "\u3000"])
@EVERY_FORM
def test_empty_reply_is_unparsed_truncated_or_refused_by_how_it_ended(form: AnswerForm, reply: str) -> None:
    assert extract(reply, form).failure == "unparsed"
    assert extract(reply, form, finish_reason="length").failure == "truncated"
    assert extract(reply, form, finish_reason="content_filter").failure == "refused"


@pytest.mark.parametrize(
    ("answer_type", "reply", "failure"),
    [
        (AnswerType.NUMBER, "She has 16 eggs and eats", "truncated"),
        (AnswerType.NUMBER, "The answer is 18. Let me check", None),
        (AnswerType.LABEL, "It sounds positive, since", "truncated"),
        (AnswerType.LABEL, "positive", None),
        (AnswerType.CHOICE, "Let us look at London first", "truncated"),
        (AnswerType.CHOICE, "B", None),
        (AnswerType.TEXT, "Let us think step by step.", "truncated"),
        (AnswerType.TEXT, "Answer: mice\nThe plural", None),
        (AnswerType.YES_NO, "Yes, because", None),
        (AnswerType.CODE, "def f(", "truncated"),
        (AnswerType.NUMBER, "<think>The answer is 5? Let me see", "truncated"),
    ],
)
def test_cut_off_reply_counts_only_with_a_stated_answer(
    answer_type: AnswerType, reply: str, failure: str | None
) -> None:
    assert extract(reply, FORMS[answer_type], finish_reason="length").failure == failure


def test_unknown_rule_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="lm_eval/gsm8k_strict"):
        rule_for("lm_eval/gsm8k_strickt", AnswerType.NUMBER)


def test_rule_of_another_answer_type_says_which_it_reads() -> None:
    with pytest.raises(UsageError, match="number"):
        rule_for("robust/number", AnswerType.LABEL)


def test_rule_carries_its_version() -> None:
    assert extract("18", FORMS[AnswerType.NUMBER]).rule == "robust/number@2"


PIECES = st.sampled_from(
    [
        *(
            "answer",
            "Answer:",
            " is ",
            "答案是",
            "\\boxed{",
            "}",
            "####",
            "**",
            "```",
            "1,234",
            "½",
            "百分之",
            "三",
            "分之",
        ),
        *(
            "万",
            "(A)",
            "B.",
            "positive",
            "not ",
            "yes",
            "是",
            "wait, it is ",
            "\n",
            "\x00",
            "\ud800",
            "İ",
            "\u200b",
            "[",
        ),
        *(
            "]",
            "%",
            "1e999",
            "9" * 400,
            "$",
            "\\frac{1}{0}",
            "-",
            "10^",
            "ANSWER:",
            "１",
            "，",
            "'",
            '"',
            "2 1/2",
        ),
        *(" million", "<answer>", "<think>", "</think>"),
    ]
)
HOSTILE = st.one_of(
    st.text(max_size=60),
    st.text(st.characters(), max_size=40),  # surrogates and unassigned code points as well
    st.lists(PIECES, max_size=14).map("".join),
)
ALL_RULES = [
    (name, form)
    for form in FORMS.values()
    for name in rule_names()
    if not name.startswith("robust/")
    or name == f"robust/{form.type}"
    or (form.type, name) == ("number", "robust/decimal_comma")
]


@given(HOSTILE, st.sampled_from(ALL_RULES), st.sampled_from(["stop", "length", "content_filter", "other"]))
def test_no_text_makes_a_rule_raise(text: str, rule_form: tuple[str, AnswerForm], finish_reason: str) -> None:
    name, form = rule_form
    found = extract(text, form, rule=name, finish_reason=finish_reason)
    assert (found.value is None) == (found.failure is not None)
    spell(text, form, rule=name)


@given(HOSTILE, st.sampled_from(list(FORMS.values())))
def test_a_value_is_its_own_canonical_spelling(text: str, form: AnswerForm) -> None:
    value = extract(text, form).value
    if isinstance(value, str) and form.type not in (AnswerType.TEXT, AnswerType.CODE):
        assert spell(value, form) == value


LONG_CHARS = 1_000_000
LONG = {
    "digits": "7",
    "phrases": "answer: ",
    "phrases with spaces": "answer" + " " * 50,
    "open boxes": "\\boxed{",
    "open braces": "{",
    "brackets": "[",
    "quotes": '"',
    "underscores": "_",
    "stars": "*",
    "spaces": " ",
    "tabs": "\t",
    "line breaks": "\n",
    "fences": "```\n",
    "hashes": "#### ",
    "numerals": "三",
    "percentages": "百分之",
    "letters": "A ",
    "labels": "positive ",
    "denials": "not ",
    "yes": "yes ",
    "commas": ",",
    "NUL": "\x00",
    "surrogates": "\ud800",
}


@pytest.mark.parametrize("piece", LONG.values(), ids=LONG.keys())
@EVERY_FORM
def test_a_million_characters_take_linear_time(form: AnswerForm, piece: str) -> None:
    """A quadratic step would take hours here; the suite's own timeout would end it."""
    extract((piece * (LONG_CHARS // len(piece) + 1))[:LONG_CHARS], form)


def test_answer_at_either_end_of_a_very_long_reply_is_found() -> None:
    filler = "and so on " * 60_000
    assert extract(f"{filler}\nThe answer is 18.", FORMS[AnswerType.NUMBER]).value == "18"
    assert extract(f"positive\n{filler}", FORMS[AnswerType.LABEL]).value == "positive"
