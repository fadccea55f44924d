"""The named rules give what the other harnesses give on the same texts, bugs included."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.datasets.task import AnswerType
from promptlab.scoring import AnswerForm, Gold, extract, scorers, spell
from promptlab.scoring.base import Answered

FORM = AnswerForm(AnswerType.TEXT)


def exact(rule: str, reply: str, *targets: str, form: AnswerForm = FORM) -> float:
    built = scorers.get("exact_match").model_validate({"rule": rule})
    return built.score(Answered(reply, None), Gold(targets, form))


@pytest.mark.parametrize(
    ("rule", "reply", "value"),
    [
        # the first #### with exactly one space; a trailing dot is deleted afterwards
        ("lm_eval/gsm8k_strict", "#### 72", "72"),
        ("lm_eval/gsm8k_strict", "#### 1,234.", "1234"),
        ("lm_eval/gsm8k_strict", "#### 1\n#### 2", "1"),
        ("lm_eval/gsm8k_strict", "####72", None),
        ("lm_eval/gsm8k_strict", "#### $72", None),
        ("lm_eval/gsm8k_strict", "The answer is 72", None),
        # the last match of either alternative; "." and "," alone are matches of the first
        ("lm_eval/gsm8k_flexible", "It costs $18.", "18"),
        ("lm_eval/gsm8k_flexible", "She has 18 ... or so..", "."),
        ("lm_eval/gsm8k_flexible", "-7", "-7"),
        ("lm_eval/gsm8k_flexible", "10-7", "-7"),
        ("lm_eval/gsm8k_flexible", "5 and 7", "7"),
        ("lm_eval/gsm8k_flexible", "none", None),
        # the unescaped dot eats a digit at the end of the text
        ("lm_eval/gsm8k_cot", "The answer is 18.", "18"),
        ("lm_eval/gsm8k_cot", "The answer is 18", "1"),
        ("lm_eval/gsm8k_cot", "The answer is 7", None),
        ("lm_eval/gsm8k_cot", "the answer is 18.", None),
        ("lm_eval/gsm8k_cot", "The answer is 3. The answer is 4.", "3"),
        # the last token that parses; 5 significant digits
        ("inspect/match_numeric", "The answer is 18", "18"),
        ("inspect/match_numeric", "18 dollars, that is $1,234.", "1234"),
        ("inspect/match_numeric", "**42**!", "42"),
        ("inspect/match_numeric", "123456", "1.2346e+05"),
        ("inspect/match_numeric", "60%", None),
        ("inspect/match_numeric", "<42", None),
        ("inspect/match_numeric", "5 三百", "300"),
        # numbers of every script; of several digits before a Chinese unit the last counts
        ("inspect/match_numeric", "x = −5", "-5"),
        ("inspect/match_numeric", "负三", "-3"),
        ("inspect/match_numeric", "2½ cups", "2.5"),
        ("inspect/match_numeric", "3²", "9"),
        ("inspect/match_numeric", "-2²", "4"),
        ("inspect/match_numeric", "10⁻³", "0.001"),
        ("inspect/match_numeric", "2" + "⁹" * 30, None),
        ("inspect/match_numeric", "１２", "12"),
        ("inspect/match_numeric", "Ⅻ", "12"),
        ("inspect/match_numeric", "两万五", "20005"),
        ("inspect/match_numeric", "12万", "20000"),
        ("inspect/match_numeric", "二〇二四", "2024"),
        ("inspect/match_numeric", "五点二", "5.2"),
        ("inspect/match_numeric", "三分之二", None),
        ("inspect/match_numeric", "5元", None),
        ("inspect/match_numeric", "\\$20", "20"),
        ("inspect/match_numeric", "1e999 nan 7", "7"),
        # the last ANSWER:
        ("inspect/answer_letter", "ANSWER: A\nno, ANSWER: B", "b"),
        ("inspect/answer_letter", "answer : c.", "c"),
        ("inspect/answer_letter", "ANSWER: Both", None),
        ("inspect/answer_letter", "ANSWER: A\nANSWER: unclear", None),
        ("inspect/answer_word", "ANSWER: Yes.", "yes"),
        ("inspect/answer_word", "ANSWER: Yes indeed", None),
        ("inspect/answer_line", "So\nANSWER: New York \n", "new york "),
        ("inspect/answer_line", "ANSWER: New York\nmore", None),
        ("inspect/answer_line", "ANSWER: a, ANSWER: b", "a, answer: b"),
        # the first Answer:, as it is written
        ("simple_evals/mmlu", "Answer: B. Later Answer: C", "B"),
        ("simple_evals/mmlu", "answer:$d$", "d"),
        ("simple_evals/mmlu", "Answer:\nB", None),
        ("simple_evals/mmlu", "Answer: Both", "B"),
        ("squad", "The Cat, an animal!", "cat animal"),
        ("squad", "", ""),
        ("helm/quasi_exact_match", "", None),
        ("helm/quasi_exact_match", "The.", ""),
        ("drop", "Answer: the 5 yard-line", "5.0 yard line"),
        ("drop", "no phrase", "no phrase"),
        ("drop", "Answer: 1,000 men", "1000.0 men"),  # a comma makes it no number; without it it is one
        ("drop", "answer :  U.S.\nAnswer: no", "us"),
        ("mgsm", "Answer: 5 of 1,234.0", "1234"),
        ("mgsm", "Answer: 50", "50"),
        ("mgsm", "It is 50", None),
        ("mgsm", "Answer: 5. Answer: none", None),
        ("mgsm", "Answer: 1,0.50.", "10.5"),
        ("mgsm", "Answer: 100.", "100"),
        ("mgsm/zh", "答案：18元", "18"),
        ("mgsm/de", "Antwort: -3", "3"),
    ],
)
def test_value_is_the_other_harness_value(rule: str, reply: str, value: str | None) -> None:
    assert extract(reply, FORM, rule=rule).value == value


@pytest.mark.parametrize(
    ("rule", "target", "spelled"),
    [
        ("lm_eval/gsm8k_strict", "48/2 = <<48/2=24>>24\n#### 1,072", "1072"),
        ("lm_eval/gsm8k_flexible", "$18.", "18"),
        ("inspect/match_numeric", "1,234", "1234"),
        ("squad", "The Beatles", "beatles"),
        ("mgsm", "1,234", "1234"),
    ],
)
def test_target_is_normalised_by_the_same_rule(rule: str, target: str, spelled: str) -> None:
    assert spell(target, FORM, rule=rule) == spelled


def test_case_of_mmlu_letters_counts_as_it_does_there() -> None:
    form = AnswerForm(AnswerType.CHOICE, (), ("w", "x", "y", "z"))
    assert exact("simple_evals/mmlu", "Answer: B", "B", form=form) == 1
    assert exact("simple_evals/mmlu", "Answer: b", "B", form=form) == 0
    assert exact("simple_evals/mmlu", "Answer: B", "x", form=form) == 1


def test_squad_takes_two_empty_sides_for_equal_and_helm_does_not() -> None:
    assert exact("squad", "", "the") == 1
    assert exact("helm/quasi_exact_match", "", "the") == 0


@pytest.mark.parametrize(
    ("reply", "targets", "score"),
    [
        ("Answer: the 5 yard line", ("5 yard",), 0.8),
        ("Answer: 6 yards", ("5 yards",), 0.0),  # the target's number is not there
        ("Answer: Smith", ("John Smith", "Jones"), 0.6667),
        ("Smith Smith Smith", ("Smith",), 1.0),  # sets, not multisets
        ("Answer: the", ("Smith",), 0.0),
        ("Answer: 5", ("5.0",), 1.0),
    ],
)
def test_drop_f1_is_that_of_simple_evals(reply: str, targets: tuple[str, ...], score: float) -> None:
    built = scorers.get("drop_f1").model_validate({})
    assert built.score(Answered(reply, None), Gold(targets, FORM)) == score


@given(st.text(st.sampled_from("0123456789.,$- #abT\n"), max_size=30))
def test_gsm8k_flexible_equals_its_two_published_lines(reply: str) -> None:
    groups = re.findall(r"(-?[$0-9.,]{2,})|(-?[0-9]+)", reply)
    published = next(part for part in groups[-1] if part).strip() if groups else "[invalid]"
    for pattern in (",", r"\$", "(?s).*#### ", r"\.$"):
        published = re.sub(pattern, "", published)
    found = extract(reply, FORM, rule="lm_eval/gsm8k_flexible").value
    assert (found if found is not None else "[invalid]") == published.lower()


def test_compatibility_rule_reads_what_the_robust_rule_gives_up() -> None:
    """Both options named: unparsed here, the first one there."""
    form = AnswerForm(AnswerType.CHOICE, (), ("w", "x", "y", "z"))
    reply = "Answer: B or C"
    assert extract(reply, form).failure == "unparsed"
    assert exact("simple_evals/mmlu", reply, "B", form=form) == 1
