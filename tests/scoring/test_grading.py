"""A reply is extracted once and graded by every scorer; failures score 0 and are told apart."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from promptlab.basics.errors import UsageError
from promptlab.datasets.sample import Sample
from promptlab.datasets.task import AnswerType, PromptMessage, Task
from promptlab.scoring import Graded, Grader, default_scorers, extracted_scorer, scorers, strict_scorer


def task(answer: AnswerType, *labels: str) -> Task:
    return Task((PromptMessage("user", "{{ q }}"),), answer, labels=labels)


def sample(target: str | tuple[str, ...] | None, *choices: str) -> Sample:
    return Sample("1", {"q": "?"}, target, "", choices=choices)


def built(*specs: dict[str, Any]) -> dict[str, Any]:
    return {
        spec.get("as") or spec["scorer"]: scorers.get(spec["scorer"]).model_validate(spec.get("settings", {}))
        for spec in specs
    }


def by_default(answer: AnswerType, *labels: str) -> Grader:
    return Grader(task(answer, *labels), built(*default_scorers(answer)))


def test_format_and_ability_are_told_apart() -> None:
    grader = by_default(AnswerType.LABEL, "positive", "negative")
    graded = grader.grade("The sentiment is positive.", sample("positive"))
    assert graded == Graded(
        "positive", None, "robust/label@1", {"label": 1.0, "exact_match": 0.0}, {"label": (0, 0)}
    )
    assert grader.grade("positive", sample("positive")).scores == {"label": 1.0, "exact_match": 1.0}


def test_failed_answer_scores_zero_everywhere() -> None:
    grader = Grader(task(AnswerType.NUMBER), built({"scorer": "numeric"}, {"scorer": "contains"}))
    graded = grader.grade("16 or so, I think it is", sample("16"), finish_reason="length")
    assert (graded.value, graded.failure) == (None, "truncated")
    assert graded.scores == {"numeric": 0.0, "contains": 0.0}


def test_failure_of_the_technique_is_kept() -> None:
    graded = by_default(AnswerType.TEXT).grade("Paris", sample("Paris"), failure="sandbox")
    assert (graded.value, graded.failure) == (None, "sandbox")
    assert set(graded.scores.values()) == {0.0}


def test_without_a_target_there_is_no_score_unless_none_is_needed() -> None:
    grader = Grader(task(AnswerType.TEXT), built({"scorer": "exact_match"}, {"scorer": "json_valid"}))
    assert grader.grade("[]", sample(None)).scores == {"exact_match": None, "json_valid": 1.0}


def test_value_of_the_technique_counts_not_the_last_reply() -> None:
    grader = by_default(AnswerType.NUMBER)
    voted = grader.grade("17", sample("1,234"), given=("1234.0", "majority"))
    assert (voted.value, voted.rule, voted.scores["numeric"]) == ("1234", "majority", 1.0)
    assert grader.grade("17", sample("17"), given=(None, "majority")).failure == "unparsed"


def test_compatibility_rule_reads_cut_off_replies_as_the_other_harness_does() -> None:
    flexible = {"scorer": "exact_match", "as": "flexible", "settings": {"rule": "lm_eval/gsm8k_flexible"}}
    grader = Grader(task(AnswerType.NUMBER), built({"scorer": "numeric"}, flexible, {"scorer": "refusal"}))
    graded = grader.grade("So she makes 18", sample("18"), finish_reason="length")
    assert graded.failure == "truncated"
    assert graded.scores == {"numeric": 0.0, "flexible": 1.0, "refusal": 0.0}


def test_choices_of_the_sample_are_offered() -> None:
    grader = by_default(AnswerType.CHOICE)
    assert grader.grade("London", sample("B", "Paris", "London")).scores["choice"] == 1.0
    assert grader.grade("London", sample("B", "London", "Paris")).scores["choice"] == 0.0


def test_alternatives_are_alternatives_except_for_lists() -> None:
    assert by_default(AnswerType.TEXT).grade("Rome", sample(("Roma", "Rome"))).scores["extracted"] == 1.0
    assert by_default(AnswerType.LIST).grade("Rome", sample(("Roma", "Rome"))).scores["list_f1"] < 1.0


@pytest.mark.parametrize("answer", AnswerType)
def test_defaults_hold_the_headline_first_and_both_companions(answer: AnswerType) -> None:
    found = list(built(*default_scorers(answer)).values())
    assert strict_scorer() in found
    if answer is not AnswerType.LIST:  # a list's headline is F1; equality of lists is added beside it
        assert extracted_scorer(answer) in found
    assert strict_scorer().strict
    assert not extracted_scorer(answer).strict


def test_scorer_that_cannot_grade_the_task_is_refused() -> None:
    with pytest.raises(UsageError, match="label"):
        Grader(task(AnswerType.TEXT), built({"scorer": "label"}))


def test_importing_the_room_pulls_nothing_heavy() -> None:
    code = (
        "import sys, promptlab.scoring as s; [s.rule_names(), *s.scorers];"
        "heavy = {'numpy', 'sacrebleu', 'rouge_score', 'jsonschema', 'sklearn', 'litellm', 'pandas'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
