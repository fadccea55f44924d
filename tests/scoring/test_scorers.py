"""Each scorer on values; settings that make no sense are refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from promptlab.basics.errors import UsageError
from promptlab.datasets.task import AnswerType
from promptlab.scoring import Answered, AnswerForm, Gold, Scorer, extract, scorers
from promptlab.scoring.overlap import edit_distance

TEXT = AnswerForm(AnswerType.TEXT)


def build(name: str, **settings: Any) -> Scorer:
    return scorers.get(name).model_validate(settings)


def score(
    name: str, reply: str, *targets: str, form: AnswerForm = TEXT, failure: Any = None, **settings: Any
) -> float:
    answered = Answered(reply, extract(reply, form).value, failure)
    return build(name, **settings).score(answered, Gold(targets, form))


def test_every_built_in_scorer_is_where_the_registry_says() -> None:
    assert {name: cls.registered_name for name, cls in scorers} == {name: name for name in scorers.names()}


def test_identity_tells_settings_and_version_apart() -> None:
    assert build("exact_match").identity() == {"scorer": "exact_match", "version": 1, "rule": None}
    assert build("json_schema", schema={"type": "object"}).identity()["schema"] == {"type": "object"}
    assert build("numeric").identity() != build("numeric", absolute=1).identity()


@pytest.mark.parametrize(
    ("reply", "targets", "strict", "extracted"),
    [
        ("Paris", ("Paris",), 1, 1),
        (" Paris\n", ("Paris",), 1, 1),
        ("**Paris**", ("Paris",), 0, 1),
        ("The answer is Paris.", ("Rome", "Paris"), 0, 1),
        ("paris", ("Paris",), 0, 0),
        ("London", ("Paris",), 0, 0),
        ("U.S.", ("U.S.",), 1, 1),
    ],
)
def test_strict_needs_the_format_and_extracted_the_answer(
    reply: str, targets: tuple[str, ...], strict: float, extracted: float
) -> None:
    assert score("exact_match", reply, *targets) == strict
    assert score("exact_match", reply, *targets, rule="robust") == extracted
    assert build("exact_match").strict
    assert not build("exact_match", rule="robust").strict


def test_strict_takes_the_plain_spellings_of_a_list() -> None:
    form = AnswerForm(AnswerType.LIST)
    for reply in ("a, b", "a\nb", '["a", "b"]'):
        assert score("exact_match", reply, "a", "b", form=form) == 1
    assert score("exact_match", "1. a\n2. b", "a", "b", form=form) == 0
    assert score("exact_match", "1. a\n2. b", "a", "b", form=form, rule="robust") == 1


@pytest.mark.parametrize(
    ("reply", "target", "expected"),
    [
        ("It is Paris.", "paris", 1),
        ("Parisian", "Paris", 0),
        ("New  York", "new york", 1),
        ("25", "5", 0),
        ("1.5", "5", 0),
        ("It is 5.", "5", 1),
        ("首都是北京。", "北京", 1),
        ("C++ it is", "C++", 1),
        ("anything", "", 0),
    ],
)
def test_contains_means_whole_words(reply: str, target: str, expected: float) -> None:
    assert score("contains", reply, target) == expected


def test_contains_with_case() -> None:
    assert score("contains", "it is paris", "Paris", case=True) == 0


def test_regex_searches_or_matches_everything() -> None:
    assert score("regex", "id: 42\n", pattern=r"\d+") == 1
    assert score("regex", "id: 42", pattern=r"\d+", full=True) == 0
    assert score("regex", "YES", pattern="yes", ignore_case=True) == 1
    with pytest.raises(ValidationError, match="regular expression"):
        build("regex", pattern="(")


NUMBER = AnswerForm(AnswerType.NUMBER)


@pytest.mark.parametrize(
    ("reply", "target", "expected"),
    [
        ("The answer is $1,234.", "1234", 1),
        ("25", "5", 0),
        ("123457", "123456", 0),
        ("0.3333333", "1/3", 1),
        ("0.333", "1/3", 0),
        ("50%", "0.5", 1),
        ("50%", "50", 1),
        ("0.5", "50", 0),
        ("三百二十一", "321", 1),
        ("18", "no number", 0),
    ],
)
def test_numbers_are_compared_as_numbers(reply: str, target: str, expected: float) -> None:
    assert score("numeric", reply, target, form=NUMBER) == expected


def test_tolerance_can_be_widened() -> None:
    assert score("numeric", "101", "100", form=NUMBER, relative=0.01) == 1
    assert score("numeric", "103", "100", form=NUMBER, absolute=2) == 0
    assert score("numeric", "3.14", "3.14159", form=NUMBER, absolute=0.01) == 1
    assert score("numeric", "1.234,5", "1234,5", form=NUMBER, decimal_comma=True) == 1
    assert score("numeric", "It costs 18 euros", "18", form=TEXT) == 1
    with pytest.raises(ValidationError):
        build("numeric", relative=-1)


def test_closed_sets_are_graded_after_extraction() -> None:
    labels = AnswerForm(AnswerType.LABEL, ("positive", "negative"))
    choices = AnswerForm(AnswerType.CHOICE, (), ("Paris", "London"))
    yes_no = AnswerForm(AnswerType.YES_NO)
    assert score("label", "The sentiment is Positive.", "positive", form=labels) == 1
    assert score("label", "negative", "positive", form=labels) == 0
    assert score("choice", "(B) London", "London", form=choices) == 1
    assert score("choice", "(B) London", "A", form=choices) == 0
    assert score("yes_no", "是的。", "True", form=yes_no) == 1
    assert score("yes_no", "No", "yes", form=yes_no) == 0


@pytest.mark.parametrize("name", ["label", "choice", "yes_no", "list_f1"])
def test_scorer_refuses_another_answer_type(name: str) -> None:
    with pytest.raises(UsageError, match="text"):
        build(name).check(TEXT)


def test_exact_match_refuses_an_unknown_rule() -> None:
    with pytest.raises(UsageError, match="Did you mean 'squad'"):
        build("exact_match", rule="squat").check(TEXT)


@pytest.mark.parametrize(
    ("reply", "target", "expected"),
    [
        ("the cat sat", "a cat sat down", 0.8),
        ("Paris", "paris!", 1),
        ("", "the", 1),
        ("x", "the", 0),
        ("北京市", "北京", 0.8),
        ("北京，", "北京", 1),
    ],
)
def test_squad_f1_over_normalised_tokens(reply: str, target: str, expected: float) -> None:
    assert score("squad_f1", reply, "nothing", target, on="reply") == pytest.approx(expected)


def plain_distance(left: str, right: str) -> int:
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, start=1):
        before, row[0] = row[0], i
        for j, b in enumerate(right, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


@given(st.text("abc", max_size=90), st.text("abc", max_size=90))
def test_edit_distance_equals_the_textbook_table(left: str, right: str) -> None:
    assert edit_distance(left, right) == plain_distance(left, right)


def test_levenshtein_is_a_similarity() -> None:
    assert score("levenshtein", "kitten", "sitting") == pytest.approx(1 - 3 / 7)
    assert score("levenshtein", "same", "same") == 1


LIST = AnswerForm(AnswerType.LIST)


def test_list_f1_ignores_order_and_repetition() -> None:
    assert score("list_f1", "b, A", "a", "b", form=LIST) == 1
    assert score("list_f1", "a, b, c, d", "a", "b", form=LIST) == pytest.approx(2 / 3)
    assert score("list_f1", "a, a", "a", "b", form=LIST) == pytest.approx(2 / 3)
    assert score("list_f1", "a, a", "a", "b", form=LIST, duplicates=True) == 0.5
    assert score("list_f1", "A", "a", form=LIST, case=True) == 0
    assert score("list_f1", "1. a\n2. b", '["a", "b"]', form=LIST) == 1


@pytest.mark.parametrize(
    ("reply", "fenced", "bare"),
    [
        ('{"a": 1}', 1, 1),
        ('```json\n{"a": 1}\n```', 1, 0),
        ('Here: {"a": 1}', 0, 0),
        ("NaN", 0, 0),
        ("", 0, 0),
        ("[" * 100_000, 0, 0),
    ],
)
def test_json_valid(reply: str, fenced: float, bare: float) -> None:
    assert score("json_valid", reply) == fenced
    assert score("json_valid", reply, fenced=False) == bare


def test_json_schema() -> None:
    schema = {"type": "object", "required": ["age"], "properties": {"age": {"type": "integer"}}}
    assert score("json_schema", '{"age": 3}', schema=schema) == 1
    assert score("json_schema", '{"age": "3"}', schema=schema) == 0
    assert score("json_schema", "no", schema=schema) == 0
    with pytest.raises(UsageError, match="schema is wrong"):
        build("json_schema", schema={"type": "objekt"}).check(TEXT)


def test_json_schema_fetches_nothing() -> None:
    with pytest.raises(Exception, match="Unresolvable"):
        score("json_schema", "{}", schema={"$ref": "http://127.0.0.1:9/schema.json"})


def test_refusal_reads_failures_too() -> None:
    assert build("refusal").reads_failures
    assert score("refusal", "I'm sorry, but I can't help with that.", failure="refused") == 1
    assert score("refusal", "Paris") == 0
    assert score("refusal", "", failure="truncated") == 0


def test_length_in_words_and_characters() -> None:
    assert score("length", "one two three", max=3) == 1
    assert score("length", "one two three", min=4) == 0
    assert score("length", "我爱北京", max=3) == 0
    assert score("length", "我爱北京", max=4, unit="characters") == 1
    for wrong in ({}, {"min": 3, "max": 2}, {"max": -1}):
        with pytest.raises(ValidationError):
            build("length", **wrong)


REFERENCES = ["The cat sat on the mat.", "It rains in Spain today.", "我今天去北京旅游了。"]
CANDIDATES = ["The cat sat on a mat.", "It is raining in Spain.", "我今天去了北京旅游。"]


@pytest.mark.parametrize("name", ["bleu", "chrf", "ter", "rouge"])
def test_overlap_scorers_stay_between_none_and_all(name: str) -> None:
    build(name).check(TEXT)
    for candidate, reference in zip(CANDIDATES, REFERENCES, strict=True):
        assert score(name, reference, reference) == pytest.approx(1)
        assert 0 < score(name, candidate, reference) < 1
        assert score(name, "zzz", reference) < 0.1
    assert score(name, CANDIDATES[0], "nothing alike", REFERENCES[0]) == pytest.approx(
        score(name, CANDIDATES[0], REFERENCES[0]), abs=0.1
    )


def test_sentence_bleu_equals_sacrebleu() -> None:
    import sacrebleu

    expected = sacrebleu.sentence_bleu(CANDIDATES[0], [REFERENCES[0]]).score / 100
    assert score("bleu", CANDIDATES[0], REFERENCES[0]) == pytest.approx(expected)
    chinese = sacrebleu.sentence_bleu(CANDIDATES[2], [REFERENCES[2]], tokenize="zh").score / 100
    assert score("bleu", CANDIDATES[2], REFERENCES[2]) == pytest.approx(chinese)


def test_unknown_tokenizer_is_refused_before_any_call() -> None:
    with pytest.raises(UsageError, match="tokenizer 'klingon'"):
        build("bleu", tokenize="klingon").check(TEXT)
