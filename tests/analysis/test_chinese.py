"""The sentences in Chinese: the same verdicts and numbers as in English."""

from __future__ import annotations

import re

import pytest

from promptlab.analysis import Family, compare

ALL = {"seed": 0, "status": "complete", "run": "r1", "experiment": "e", "sent_calls": 0}
BOTH = {"scorers": ("exact_match", "extracted"), "strict": "exact_match", "extracted": "extracted"}


def ones(share: float, n: int = 60) -> list[float]:
    return [1.0] * round(share * n) + [0.0] * (n - round(share * n))


def test_a_winner_is_said_with_the_numbers_of_the_english_sentence(cell) -> None:
    cells = [cell("zero_shot", {"s": ones(0.3)}), cell("few_shot", {"s": ones(0.9)})]
    found = compare(cells, Family("s", "zero_shot", ("s",)), **ALL)
    (said,) = found.told("zh")
    assert said.startswith("few_shot 显著优于 zero_shot：s 0.90 对 0.30，+0.60 [")
    assert re.findall(r"[-+]?\d[\d.]*", said) == re.findall(r"[-+]?\d[\d.]*", found.sentences[0].rstrip("."))
    assert found.told() == found.headline


def test_a_loser_is_said_from_the_winners_side(cell) -> None:
    cells = [cell("zero_shot", {"s": ones(0.9)}), cell("few_shot", {"s": ones(0.3)})]
    said = compare(cells, Family("s", "zero_shot", ("s",)), **ALL).told("zh")
    assert said[0].startswith("zero_shot 显著优于 few_shot：s 0.90 对 0.30，+0.60")


def test_no_difference_found_says_what_could_have_been_found(cell) -> None:
    cells = [cell("a", {"s": ones(0.5)}), cell("b", {"s": [0.0, 1.0] * 30})]
    (said,) = compare(cells, Family(None, None, ("s",)), **ALL).told("zh")
    assert said.startswith("b 与 a 差异不显著")
    assert "60 个样本可检出 0.25 的差异（80% 功效）" in said


def test_the_correction_and_p_alone_are_both_said(cell) -> None:
    cells = [cell("base", {"s": ones(0.5)})]
    cells += [cell(f"v{i}", {"s": ones(0.6)}) for i in range(4)]
    said = compare(cells, Family("s", "base", ("s",)), **ALL).told("zh")
    assert "经 4 个比较的 Holm 校正 p = 0.063（单独检验 0.016）" in said[0]
    assert said[-1] == "另有 1 个比较，见配对差异表。"


@pytest.mark.parametrize(
    ("strict", "extracted", "meaning"),
    [((0.1, 0.9), (0.8, 0.82), "差异源于格式"), ((0.1, 0.9), (0.3, 0.8), "其余部分源于格式")],
)
def test_format_and_ability_are_told_apart(cell, strict, extracted, meaning: str) -> None:
    cells = [
        cell("base", {"exact_match": ones(strict[0], 100), "extracted": ones(extracted[0], 100)}),
        cell("other", {"exact_match": ones(strict[1], 100), "extracted": ones(extracted[1], 100)}),
    ]
    found = compare(cells, Family("exact_match", "base", **BOTH), **ALL)
    assert meaning in found.told("zh")[-1]
