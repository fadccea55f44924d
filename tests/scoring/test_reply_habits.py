"""How models say their answers, the same habits for every answer type: what the robust rule reads."""

from __future__ import annotations

import pytest

from promptlab.datasets.task import AnswerType
from promptlab.scoring import AnswerForm, extract

FORMS = {
    "number": AnswerForm(AnswerType.NUMBER),
    "choice": AnswerForm(AnswerType.CHOICE, (), ("Paris", "London", "Rome", "Berlin")),
    "label": AnswerForm(AnswerType.LABEL, ("positive", "negative", "neutral")),
    "评价": AnswerForm(AnswerType.LABEL, ("好评", "差评")),
    "yes_no": AnswerForm(AnswerType.YES_NO),
    "text": AnswerForm(AnswerType.TEXT),
    "list": AnswerForm(AnswerType.LIST),
    "code": AnswerForm(AnswerType.CODE),
}

SAID = [
    ("number", "The final answer is **$1,234.50**.", "1234.5"),
    ("number", "Therefore \\boxed{-\\frac{3}{4}}.", "-0.75"),
    ("number", "$\\boxed{12{,}000}$", "12000"),
    ("number", "答案是：三百二十一。", "321"),
    ("number", "因此，答案为 −５。", "-5"),
    ("number", "答案是３／４", "0.75"),
    ("number", "The answer is 45 degrees.", "45"),
    ("number", "The answer is 3.5 million.", "3500000"),
    ("number", "so 12.5% of them", "12.5%"),
    ("number", "A: 7\nB: 8\nThe answer is 7 or 8", "unparsed"),
    ("number", "The answer is 8. Wait, it is 7.", "7"),
    ("number", "The answer is 8. Hmm, actually no, the answer is 7.", "7"),
    ("number", "I first got 12, wait, that's wrong. Final answer: 15", "15"),
    ("number", "```python\nprint(42)\n```\nThe result is 42.", "42"),
    ("number", "```\n42\n```", "42"),
    ("number", "I'm sorry, but I can't help with that.", "refused"),
    ("number", "", "unparsed"),
    ("number", "   \n", "unparsed"),
    ("number", "The answer is between 3 and 5, so 4.", "4"),
    ("number", "Answer: -7", "-7"),
    ("number", "Answer: minus seven", "-7"),
    ("number", "**Answer:** 1 000 000", "1000000"),
    ("number", "#### 72", "72"),
    ("number", "Total = $18", "18"),
    ("number", "答案：5个苹果", "5"),
    ("number", "一共有12个。", "12"),
    ("number", "所以，小明一共有二十五个苹果。", "25"),
    ("number", "The answer is 10^6", "1000000"),
    ("number", "The answer is 2.5e3.", "2500"),
    ("number", "The answer is $2 \\times 10^3$.", "2000"),
    ("number", "答案是50%", "50%"),
    ("number", "答案是百分之五十", "50%"),
    ("number", "约为3.14", "3.14"),
    ("number", "The answer is approximately 3.14159 (rounded to 3.14).", "3.14159"),
    ("number", "The total cost is $5.00 + $6.00 = $11.00.", "11"),
    ("number", "The answer is (5).", "5"),
    ("number", "Answer: [12]", "12"),
    ("number", "The answer is: \n\n**12**", "12"),
    ("number", "The answer is 1/2 cup", "0.5"),
    ("number", "1½", "1.5"),
    ("number", "The answer is 2 1/3.", "2.33333333333333"),
    ("number", "Final answer: 5 apples and 3 oranges", "5"),
    ("number", "The answer is five.", "5"),
    ("number", "<answer>17</answer>", "17"),
    ("number", "The answer isn't 5, it's 6.", "6"),
    ("choice", "B", "B"),
    ("choice", "(b)", "B"),
    ("choice", "**B**", "B"),
    ("choice", "B.", "B"),
    ("choice", "B) London", "B"),
    ("choice", "The answer is B.", "B"),
    ("choice", "London", "B"),
    ("choice", "Answer: (C) Rome", "C"),
    ("choice", "答案是C", "C"),
    ("choice", "选B。", "B"),
    ("choice", "我选择D选项", "D"),
    ("choice", "A and B", "unparsed"),
    ("choice", "Either A or B", "unparsed"),
    ("choice", "I think A. Wait, it's C.", "C"),
    ("choice", "\\boxed{D}", "D"),
    ("choice", "Ｂ", "B"),
    ("choice", "The correct option is London.", "B"),
    ("choice", "It is not A. The answer is B", "B"),
    ("choice", "A is wrong, B is wrong, D is wrong. So the answer is C.", "C"),
    ("choice", "I cannot answer that.", "refused"),
    ("choice", "", "unparsed"),
    ("choice", "E", "unparsed"),
    ("choice", "```\nB\n```", "B"),
    ("choice", "The capital is Paris, not London.", "A"),
    ("choice", '{"answer": "B"}', "B"),
    ("choice", "Answer: **B. London**", "B"),
    ("choice", "A good choice would be Rome", "C"),
    ("label", "positive", "positive"),
    ("label", "**Positive**", "positive"),
    ("label", "Sentiment: Negative.", "negative"),
    ("label", "The sentiment is not positive, it is negative.", "negative"),
    ("label", "positive or negative", "unparsed"),
    ("label", "The review is clearly positive. The food was good.", "positive"),
    ("label", '"neutral"', "neutral"),
    ("label", "Label: neutral\nExplanation: neither positive nor negative.", "neutral"),
    ("label", "", "unparsed"),
    ("label", "```\nnegative\n```", "negative"),
    ("label", "I'd say positive... wait, negative.", "negative"),
    ("label", "I'm sorry, I can't classify this.", "refused"),
    ("label", "POSITIVE!", "positive"),
    ("label", '{"sentiment": "negative"}', "negative"),
    ("label", "mixed", "unparsed"),
    ("评价", "答案是：好评", "好评"),
    ("评价", "这是一条差评。", "差评"),
    ("评价", "【好评】", "好评"),
    ("评价", "不是好评，而是差评", "差评"),
    ("yes_no", "Yes", "yes"),
    ("yes_no", "No, because it is not.", "no"),
    ("yes_no", "**No.**", "no"),
    ("yes_no", "The answer is yes.", "yes"),
    ("yes_no", "是的", "yes"),
    ("yes_no", "不是", "no"),
    ("yes_no", "否", "no"),
    ("yes_no", "True", "yes"),
    ("yes_no", "答案是：否", "no"),
    ("yes_no", "Yes and no.", "unparsed"),
    ("yes_no", "yes. Wait, no.", "no"),
    ("yes_no", "", "unparsed"),
    ("yes_no", "I cannot say.", "refused"),
    ("yes_no", "\\boxed{\\text{Yes}}", "yes"),
    ("yes_no", "对", "yes"),
    ("yes_no", "不对", "no"),
    ("yes_no", "The statement is false.", "no"),
    ("text", "Paris", "Paris"),
    ("text", "**Paris**", "Paris"),
    ("text", "The answer is Paris.", "Paris"),
    ("text", '"Paris"', "Paris"),
    ("text", "答案是北京。", "北京"),
    ("text", "\\boxed{\\text{Paris}}", "Paris"),
    ("text", "Answer: Paris\nBecause...", "Paris"),
    ("text", "", "unparsed"),
    ("text", "```\nParis\n```", "Paris"),
    ("text", "I'm sorry, but I can't.", "refused"),
    ("text", "The answer is Rome. Correction: the answer is Paris.", "Paris"),
    ("text", "Final Answer: **Paris**", "Paris"),
    ("text", "「北京」", "北京"),
    ("list", "a, b, c", ("a", "b", "c")),
    ("list", '["a", "b"]', ("a", "b")),
    ("list", "1. a\n2. b", ("a", "b")),
    ("list", "- **a**\n- b", ("a", "b")),
    ("list", "a、b和c", ("a", "b", "c")),
    ("list", "The answer is: a, b and c.", ("a", "b", "c")),
    ("list", '```json\n["a", "b"]\n```', ("a", "b")),
    ("list", "", "unparsed"),
    ("list", "Here are the items:\n* a\n* b", ("a", "b")),
    ("list", "answer: [a, b]", ("a", "b")),
    ("list", "apple", ("apple",)),
    ("list", "I can't do that.", "refused"),
    ("code", "```python\nx=1\n```", "x=1"),
    ("code", "Here:\n```py\na\n```\nand better:\n```py\nb\n```", "b"),
    ("code", "", "unparsed"),
    ("code", "x = 1", "x = 1"),
]

CUT_OFF = [
    ("number", "First, 5 + 6 = 11, then 11 * 2 =", "truncated"),
    ("number", "The answer is 22. Let me double che", "22"),
    ("choice", "The answer is", "truncated"),
    ("code", "```python\ndef f(", "def f("),
]
DECIMAL_COMMA = [
    ("Die Antwort ist 1.234,56 Euro.", "1234.56"),
    ("The answer is 1.234,5", "1234.5"),
    ("3,5", "3.5"),
]


def read(kind: str, reply: str, finish: str = "stop", rule: str = "robust") -> object:
    """The value, or why there is none."""
    found = extract(reply, FORMS[kind], rule=rule, finish_reason=finish)
    return found.failure if found.value is None else found.value


@pytest.mark.parametrize(("kind", "reply", "answer"), SAID)
def test_what_was_said_is_read(kind: str, reply: str, answer: object) -> None:
    assert read(kind, reply) == answer


@pytest.mark.parametrize(("kind", "reply", "answer"), CUT_OFF)
def test_a_reply_that_is_cut_off_counts_where_its_answer_is_stated(
    kind: str, reply: str, answer: object
) -> None:
    assert read(kind, reply, finish="length") == answer


@pytest.mark.parametrize(("reply", "answer"), DECIMAL_COMMA)
def test_decimal_commas_are_read_where_the_setting_says_so(reply: str, answer: str) -> None:
    assert read("number", reply, rule="robust/decimal_comma") == answer


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize("reply", ["", " \n", "I'm sorry, but I can't help with that."])
def test_nothing_said_is_no_answer(kind: str, reply: str) -> None:
    if kind == "code" and reply.strip():
        reply = "I'm sorry, but I can't write that code."
    assert read(kind, reply) == ("refused" if reply.strip() else "unparsed")


@pytest.mark.parametrize("reply", ["10 000", "The answer is 10 000.", "1 000 000 people, so 10 000 of them"])
def test_spaces_between_thousands_make_one_number(reply: str) -> None:
    assert read("number", reply) == "10000"


def test_two_numbers_beside_each_other_stay_two() -> None:
    assert read("number", "We need 3 100 ml bottles, so the answer is 3") == "3"
    assert read("number", "The answer is 3 100 ml bottles") == "3"
