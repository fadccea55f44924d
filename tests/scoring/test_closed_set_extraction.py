"""Labels, options, yes and no: the last stated one, else the only one named; two are no answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.datasets.task import AnswerType
from promptlab.scoring import AnswerForm, extract, spell

SENTIMENT = AnswerForm(AnswerType.LABEL, ("positive", "negative", "neutral", "very positive"))
CHINESE = AnswerForm(AnswerType.LABEL, ("积极", "消极", "中性"))
YES_NO = AnswerForm(AnswerType.YES_NO)
CITIES = AnswerForm(AnswerType.CHOICE, (), ("Paris", "London", "New York", "York"))


def outcome(reply: str, form: AnswerForm) -> object:
    found = extract(reply, form)
    return found.failure or found.value


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("positive", "positive"),
        ("Positive.", "positive"),
        ("POSITIVE", "positive"),
        ("**Positive**", "positive"),
        ("“positive”", "positive"),
        ("```\npositive\n```", "positive"),
        ("very_positive", "very positive"),
        ("Sentiment: Negative", "negative"),
        ("The sentiment is very positive", "very positive"),
        ('The sentiment expressed in this review is "negative".', "negative"),
        ("I would classify this as **negative**.", "negative"),
        (r"Final answer: \boxed{\text{neutral}}", "neutral"),
        ("#### negative", "negative"),
        ("Label: positive\nLabel: negative", "negative"),
        ("The answer is positive. Wait, it is negative.", "negative"),
        ("The words are negative at first, but the answer is positive.", "positive"),
        ("Answer: positive because the negative parts are few", "positive"),
        ("Positive\n\nExplanation: the text is not negative but has negative words", "positive"),
        ("The review is not positive but negative", "negative"),
        ("This is neither positive nor negative, so neutral.", "neutral"),
        ("The review praises it, so it is positive", "positive"),
        # no guessing
        ("It is positive or negative.", "unparsed"),
        ("The answer is either positive or neutral", "unparsed"),
        ("positive/negative", "unparsed"),
        ("Positive\nNegative", "unparsed"),
        ("The tone is mostly negative; however the ending is positive.", "unparsed"),
        ("not positive", "unparsed"),
        ("isn't positive", "unparsed"),
        ("non-positive", "unparsed"),
        ("positivee", "unparsed"),
        ("", "unparsed"),
        ("I cannot classify this as positive or negative.", "refused"),
    ],
)
def test_label_of_a_reply(reply: str, expected: str) -> None:
    assert outcome(reply, SENTIMENT) == expected


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("积极", "积极"),
        ("**积极**。", "积极"),
        ("「消极」", "消极"),
        ("情感：积极", "积极"),
        ("答案是：中性", "中性"),
        ("这条评论的情感是消极的。", "消极"),
        ("这句话表达了积极的情绪", "积极"),
        ("积极\n理由：没有消极的词", "积极"),
        ("虽然有消极的词，但情感倾向是积极", "积极"),
        ("可能是积极，也可能是消极", "unparsed"),
        ("不积极", "unparsed"),
        ("既不积极也不消极", "unparsed"),
        ("抱歉，我无法回答这个问题。", "refused"),
    ],
)
def test_chinese_label_needs_no_word_borders(reply: str, expected: str) -> None:
    assert outcome(reply, CHINESE) == expected


@pytest.mark.parametrize(
    ("reply", "label"), [("不满意", "不满意"), ("客户不满意。", "不满意"), ("满意", "满意")]
)
def test_longest_label_first(reply: str, label: str) -> None:
    assert outcome(reply, AnswerForm(AnswerType.LABEL, ("满意", "不满意"))) == label


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("1", "1"),
        ("-1", "-1"),
        ("label: 0", "0"),
        ("The label is 1.", "1"),
        ("1.5", "unparsed"),
        ("10", "unparsed"),
    ],
)
def test_digits_as_labels_have_number_borders(reply: str, expected: str) -> None:
    assert outcome(reply, AnswerForm(AnswerType.LABEL, ("0", "1", "-1"))) == expected


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("yes", "yes"),
        ("Y", "yes"),
        ("**No**", "no"),
        ("True", "yes"),
        ("Answer: True", "yes"),
        (r"\boxed{\text{Yes}}", "yes"),
        ("Yes, there is no doubt.", "yes"),
        ("No, because yes is wrong.", "no"),
        ("Yes... So the answer is no.", "no"),
        ("The answer is yes. Wait, it's no.", "no"),
        ("The answer is no, it isn't.", "no"),
        ("The statement is not true.", "no"),
        ("It is true that it works", "yes"),
        ("Plausible? yes", "yes"),
        ("是", "yes"),
        ("否", "no"),
        ("不是", "no"),
        ("是的，没错", "yes"),
        ("答案是否", "no"),
        ("答案是：是", "yes"),
        ("答案是否定的", "no"),
        ("答案：对", "yes"),
        ("不对，他错了", "no"),
        ("错误", "no"),
        ("yes or no?", "unparsed"),
        ("There is no evidence", "unparsed"),
        ("对于这个问题，我不知道", "unparsed"),
        ("是否正确取决于情况", "unparsed"),
    ],
)
def test_yes_or_no_of_a_reply(reply: str, expected: str) -> None:
    assert outcome(reply, YES_NO) == expected


@pytest.mark.parametrize(
    ("target", "spelled"), [("True", "yes"), ("no", "no"), ("是", "yes"), ("0", "no"), ("maybe", None)]
)
def test_yes_no_targets_come_in_many_spellings(target: str, spelled: str | None) -> None:
    assert spell(target, YES_NO) == spelled


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("B", "B"),
        ("b", "B"),
        ("B.", "B"),
        ("(B)", "B"),
        ("(b)", "B"),
        ("**B**", "B"),
        ("Ｂ", "B"),
        ("B. London", "B"),
        ("B) London is right", "B"),
        ("B\nBecause A is ...", "B"),
        ("Paris", "A"),
        ("York", "D"),
        ("It is New York", "C"),
        ("So it must be London.", "B"),
        ("A city like London is nice", "B"),
        ("The capital is Paris, not London", "A"),
        ("The answer is (B) London.", "B"),
        ("The answer is A because B is wrong", "A"),
        ("A is wrong. So the answer is C", "C"),
        ("Answer: B\n\nExplanation: A is wrong", "B"),
        ("The answer is B. Wait, it is C.", "C"),
        ("The answer is not B but C", "C"),
        ("C is the correct answer because B is wrong", "C"),
        ("The correct option is D", "D"),
        ("Let's see.\n\n**C) New York**", "C"),
        (r"\boxed{\text{(C)}}", "C"),
        ("ANSWER: $B$", "B"),
        ("#### B", "B"),
        ("选B", "B"),
        ("故选：C。", "C"),
        ("选项B正确", "B"),
        ("正确答案：（A）", "A"),
        # two options, none, or only a word that looks like one
        ("The answer is A or B", "unparsed"),
        ("Answer: A, B", "unparsed"),
        ("(A) and (B)", "unparsed"),
        ("Both A and C", "unparsed"),
        ("A. wrong\nB. wrong\nC. right", "unparsed"),
        ("E", "unparsed"),
        ("The answer is E", "unparsed"),
        ("I don't know. A man", "unparsed"),
        ("Bad", "unparsed"),
    ],
)
def test_option_of_a_reply(reply: str, expected: str) -> None:
    assert outcome(reply, CITIES) == expected


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("15", "B"),
        ("It is 5.", "A"),
        ("1.5", "C"),
        ("The answer is 15", "B"),
        ("A) 5", "A"),
        ("25", "unparsed"),
    ],
)
def test_options_that_are_numbers_have_number_borders(reply: str, expected: str) -> None:
    assert outcome(reply, AnswerForm(AnswerType.CHOICE, (), ("5", "15", "1.5"))) == expected


@pytest.mark.parametrize(("target", "letter"), [("B", "B"), ("b", "B"), ("London", "B"), ("Berlin", None)])
def test_choice_target_is_a_letter_or_a_text(target: str, letter: str | None) -> None:
    assert spell(target, CITIES) == letter


@pytest.mark.parametrize(("reply", "expected"), [("The answer is (C).", "C"), ("I am not sure", "unparsed")])
def test_unknown_options_leave_the_letters(reply: str, expected: str) -> None:
    assert outcome(reply, AnswerForm(AnswerType.CHOICE)) == expected


NAMES = st.lists(
    st.text(st.sampled_from("bcdfghklmpqrsvwz"), min_size=3, max_size=9), min_size=2, max_size=8, unique=True
)


@given(
    NAMES,
    st.data(),
    st.sampled_from(
        ["{}", "**{}**.", "The answer is {}.", "Label: {}\n", "情感：{}", "The first is {other}. Answer: {}"]
    ),
)
def test_planted_label_is_found_among_any_labels(names: list[str], data: st.DataObject, frame: str) -> None:
    planted, other = data.draw(st.sampled_from(names)), data.draw(st.sampled_from(names))
    assert outcome(frame.format(planted, other=other), AnswerForm(AnswerType.LABEL, tuple(names))) == planted


@given(
    NAMES,
    st.data(),
    st.sampled_from(["{}", "({})", "**{}**", "The answer is {}.", "Answer: {}. {text}", "选{}"]),
)
def test_planted_option_is_found_among_any_options(names: list[str], data: st.DataObject, frame: str) -> None:
    index = data.draw(st.integers(0, len(names) - 1))
    letter = "ABCDEFGH"[index]
    form = AnswerForm(AnswerType.CHOICE, (), tuple(names))
    assert outcome(frame.format(letter, text=names[index]), form) == letter
    assert outcome(names[index], form) == letter
