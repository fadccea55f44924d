"""Duplicates, near duplicates and overlaps are found and listed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from promptlab.datasets import Dataset, Where, check
from promptlab.datasets.grams import char_grams, words

STORY = "Weng earns twelve dollars an hour for babysitting; yesterday she did fifty minutes of it. How much?"
CHINESE = "珍妮特的鸭子每天下十六颗蛋，她每天早上早餐时吃三颗，每天用四颗为朋友做松饼，剩下的拿去卖。"


@pytest.fixture
def opened_rows(folder: Path, opened: Callable[..., Dataset]) -> Callable[..., Dataset]:
    def open_rows(rows: list[tuple[str, str, str]], **keys: object) -> Dataset:
        lines = [json.dumps({"key": f"k{n}", "split": s, "q": q, "a": a}) for n, (s, q, a) in enumerate(rows)]
        (folder / "a.jsonl").write_text("\n".join(lines))
        return opened(path="a.jsonl", id="key", target="a", split="split", **keys)

    return open_rows


def test_duplicates_overlaps_and_conflicts_are_listed(opened_rows: Callable[..., Dataset]) -> None:
    rows = [
        ("test", "p", "1"),
        ("train", "p", "1"),
        ("test", "r", "1"),
        ("test", "r", "2"),
        ("test", "s", "1"),
    ]
    report = check(opened_rows(rows))
    assert report.duplicate_rows == 2
    assert (report.overlap_groups, report.conflict_groups) == (1, 1)
    first, second = report.duplicates
    assert first.overlap
    assert first.samples == (Where("test", "k0"), Where("train", "k1"))
    assert second.conflict
    assert not report.clean


@pytest.mark.parametrize("text", [STORY, CHINESE])
def test_near_duplicates_across_splits_are_listed(opened_rows: Callable[..., Dataset], text: str) -> None:
    changed = text.replace("fifty", "sixty").replace("十六", "十七")
    report = check(
        opened_rows([("train", text, "1"), ("test", changed, "2"), ("test", "something else", "3")])
    )
    (pair,) = report.near
    assert {pair.first, pair.second} == {Where("train", "k0"), Where("test", "k1")}
    assert 0.8 <= pair.similarity < 1
    assert (report.near_count, report.near_overlaps, report.duplicate_rows) == (1, 1, 0)


def test_different_texts_are_clean(opened_rows: Callable[..., Dataset]) -> None:
    rows = [("train", STORY, "1"), ("test", CHINESE, "1"), ("test", STORY[::-1], "1"), ("test", "", "1")]
    assert check(opened_rows(rows)).clean


def test_looking_at_a_part_only_is_said(
    opened_rows: Callable[..., Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("promptlab.datasets.duplicates.MAX_NEAR_ROWS", 2)
    report = check(opened_rows([("test", f"{STORY} {n}", "1") for n in range(5)]))
    assert report.near_rows == 2
    assert "among the first 2 of 5" in report.notes[-1]


def test_only_the_named_columns_are_compared(folder: Path, opened: Callable[..., Dataset]) -> None:
    rows = [{"q": STORY, "line": n, "split": s} for n, s in enumerate(["train", "test"])]
    (folder / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    dataset = opened(path="a.jsonl", split="split")
    assert check(dataset).overlap_groups == 0
    assert check(dataset, ["q"]).overlap_groups == 1


def test_near_duplicates_are_found_when_the_memory_for_texts_is_full(
    opened_rows: Callable[..., Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [("test", f"{STORY} {n * 'again '}", "1") for n in range(8)]
    whole = check(opened_rows(rows))
    monkeypatch.setattr("promptlab.datasets.duplicates._KEPT_GRAMS", 1)
    assert check(opened_rows(rows)).near == whole.near != ()


def test_chinese_is_cut_into_characters_not_at_spaces() -> None:
    assert list(words("GPT-4 的猫")) == ["gpt", "4", "的", "猫", "的猫"]
    assert list(char_grams("猫的复数 plural", 4, 2)) == [
        "猫的",
        "的复",
        "复数",
        " plu",
        "plur",
        "lura",
        "ural",
    ]
