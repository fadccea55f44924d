"""Guesses about columns and files: good enough to be confirmed with Enter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from promptlab.datasets import AnswerType
from promptlab.datasets.guessing import Guess, guess_columns, guess_reading
from promptlab.datasets.profile import PlacedRow, profile_columns


def guessed(rows: list[dict[str, Any]], **given: Any) -> Guess:
    placed = (PlacedRow(f"row {n} of a", row) for n, row in enumerate(rows, start=1))
    return guess_columns(profile_columns(placed), **given)


def test_names_decide_where_they_are_known() -> None:
    rows = [
        {
            "ID": n,
            "Body": f"b {n}",
            "Question": f"q {n}",
            "Equation": f"{n}+1",
            "Answer": float(n),
            "Type": "x",
        }
        for n in range(20)
    ]
    guess = guessed(rows)
    assert (guess.target, guess.inputs, guess.answer) == ("Answer", ["Body", "Question"], AnswerType.NUMBER)
    assert (guess.id, guess.rationale, guess.split_column) == ("ID", "Equation", None)


def test_chinese_names_are_known() -> None:
    guess = guessed([{"编号": n, "问题": f"第{n}题", "标签": "好" if n % 2 else "坏"} for n in range(10)])
    assert (guess.id, guess.inputs, guess.target) == ("编号", ["问题"], "标签")
    assert (guess.answer, guess.labels) == (AnswerType.LABEL, ["坏", "好"])


def test_without_a_known_name_what_repeats_is_the_label() -> None:
    guess = guessed([{"a": f"some text {n}", "b": "xyz"[n % 3], "c": f"more {n}"} for n in range(30)])
    assert (guess.target, guess.answer, guess.inputs) == ("b", AnswerType.LABEL, ["a", "c"])


@pytest.mark.parametrize(
    ("values", "answer"),
    [
        (["yes", "no"], AnswerType.YES_NO),
        (["True", "False"], AnswerType.YES_NO),
        (["是", "否"], AnswerType.YES_NO),
        ([True, False], AnswerType.YES_NO),
        ([0, 1], AnswerType.LABEL),
        ([3, 1_000, 7, 12], AnswerType.NUMBER),
        (["1,234", "17", "3.5"], AnswerType.NUMBER),
        (["positive", "negative"], AnswerType.LABEL),
        ([f"a free text {n}" for n in range(40)], AnswerType.TEXT),
        ([["one", "two"], ["three"]], AnswerType.TEXT),
    ],
)
def test_the_answer_type_follows_what_the_target_holds(values: list[Any], answer: AnswerType) -> None:
    rows = [{"question": f"q{n}", "answer": values[n % len(values)]} for n in range(40)]
    assert guessed(rows).answer is answer


def test_worked_solutions_become_a_target_and_a_rationale() -> None:
    guess = guessed([{"question": f"q{n}", "answer": f"Because.\n#### {n}"} for n in range(10)])
    assert guess.target == "{{ answer.split('####')[1] }}"
    assert guess.rationale == "{{ answer.split('####')[0] }}"
    assert guess.answer is AnswerType.NUMBER
    assert guess.inputs == ["question"]


def test_choices_in_columns_of_their_own_are_found() -> None:
    rows = [
        {"question": f"q{n}", **{x: f"{x} option" for x in "ABCD"}, "answer": "ABCD"[n % 4]}
        for n in range(20)
    ]
    guess = guessed(rows)
    assert (guess.choices, guess.target, guess.answer) == (list("ABCD"), "answer", AnswerType.CHOICE)


@pytest.mark.parametrize(("first", "shift"), [(0, ""), (1, " - 1")])
def test_positions_of_choices_become_letters(first: int, shift: str) -> None:
    rows = [{"goal": f"g{n}", "endings": ["x", "y", "z"], "label": n % 3 + first} for n in range(20)]
    guess = guessed(rows)
    assert guess.target == f"{{{{ 'ABC'[label|int{shift}] }}}}"
    assert (guess.choices, guess.answer) == ("endings", AnswerType.CHOICE)


def test_numbers_among_choices_that_are_numbers_stay_as_they_are() -> None:
    rows = [{"question": f"q{n}", "choices": ["0", "1", "2"], "answer": n % 3} for n in range(20)]
    assert guessed(rows).target == "answer"


def test_a_split_column_must_hold_split_names_only() -> None:
    rows = [{"text": f"t{n}", "part": ["train", "validation", "test"][n % 3], "y": n} for n in range(30)]
    assert guessed(rows).split_column == "part"
    assert guessed(rows, split_column="").split_column is None
    assert guessed([*rows, {"text": "t", "part": "extra", "y": 1}]).split_column is None


def test_an_id_must_differ_in_every_row() -> None:
    assert guessed([{"id": n // 2, "question": f"q{n}", "answer": "a"} for n in range(10)]).id is None


def test_a_named_target_with_gaps_is_still_the_target() -> None:
    assert guessed([{"q": "a", "answer": "1"}, {"q": "b"}]).target == "answer"


def test_what_is_given_is_not_guessed_again() -> None:
    rows = [{"text": f"t{n}", "label": "ab"[n % 2], "answer": f"free {n}"} for n in range(20)]
    guess = guessed(rows, target="label", inputs=["text"], answer=AnswerType.TEXT)
    assert (guess.target, guess.inputs, guess.answer) == ("label", ["text"], AnswerType.TEXT)


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.csv", b"q,a\nx,1\n", {}),
        ("a.csv", "问题,答案\n猫,1\n".encode("gb18030"), {"encoding": "gb18030"}),
        ("a.csv", "问题,答案\n猫,1\n".encode("utf-8-sig"), {}),
        ("a.csv", b"q;a\nx, y;1\n", {"delimiter": ";"}),
        ("a.csv", b"q\nx\n", {}),
        ("a.tsv", b"How many?\t18\nx\t2\n", {"header": False, "columns": ["input", "target"]}),
        ("a.tsv", b"q\ta\nx\t2\n", {}),
        ("a.csv", b"1,2,3\n", {"header": False, "columns": ["column_1", "column_2", "column_3"]}),
        ("a.jsonl", b'{"q": "18"}\n', {}),
        ("a.csv", b"", {}),
        ("a.json", "[]".encode("gb18030"), {}),
    ],
)
def test_how_a_file_is_read_is_guessed_from_its_beginning(
    tmp_path: Path, name: str, data: bytes, expected: dict[str, Any]
) -> None:
    (tmp_path / name).write_bytes(data)
    assert guess_reading(tmp_path / name) == expected


def test_a_character_cut_off_at_the_end_of_what_is_looked_at_is_no_other_encoding(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(("q,a\nx" + "猫" * 600_000 + ",1\n").encode())
    assert guess_reading(tmp_path / "a.csv") == {}
