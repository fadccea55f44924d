"""Program-aided answers: the program is really run, confined; what goes wrong is a typed failure."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench import Bench, build, texts

from promptlab.basics.errors import ExperimentError
from promptlab.sandbox import confinement
from promptlab.techniques.program_aided import program_in


@pytest.fixture(autouse=True)
def confined(missing) -> None:
    if gap := confinement().gap:
        missing(f"a kernel that confines programs: {gap}")


def test_the_value_of_the_program_is_the_answer(tmp_path: Path) -> None:
    code = "def solution():\n    print('sum')\n    return 7 + 1"
    answer, context, door = Bench(tmp_path, build("program_aided")).solve(
        [f"Sure:\n```python\n{code}\n```\nDone."]
    )
    assert (answer.value, answer.rule) == ("8", "program")
    assert context.trace.notes["program"] == code
    assert context.trace.notes["output"] == "8"
    assert context.trace.notes["printed"].strip() == "sum"
    assert texts(door)[2][1].startswith("```python\ndef solution():")
    assert "solution() without arguments" in texts(door)[-1][1]
    assert "number only" not in texts(door)[-1][1]


def test_program_of_thought_reads_a_variable(tmp_path: Path) -> None:
    bench = Bench(tmp_path, build("program_aided", wording="program_of_thought"))
    answer, _, door = bench.solve(["a = 7\nans = a + 1"])
    assert answer.value == "8"
    assert len(texts(door)) == 2


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("def solution():\n    return open('/etc/passwd').read()", "sandbox"),
        ("import os\ndef solution():\n    return os.fork()", "sandbox"),
        ("def solution():\n    return 1 / 0", "sandbox"),
        ("def solution():\n    pass", "sandbox"),
        ("def other():\n    return 1", "sandbox"),
        ("I would add them.", "unparsed"),
        ("", "unparsed"),
    ],
)
def test_whatever_else_it_does_is_a_typed_failure(tmp_path: Path, code: str, kind: str) -> None:
    error, context, _ = Bench(tmp_path, build("program_aided")).fails([code])
    assert error.kind == kind
    assert len(context.trace.calls) == 1


def test_self_consistency_votes_over_programs_and_a_failed_one_does_not_vote(tmp_path: Path) -> None:
    technique = build("self_consistency", inner="program_aided", samples=3)
    assert technique.may_run_code()
    answer, context, _ = Bench(tmp_path, technique).solve(
        ["def solution(): return 8", "def solution(): return 1 / 0", "def solution(): return 8.0"]
    )
    assert answer.value == "8"
    assert context.trace.notes["votes"] == {"8": 2}
    assert context.trace.notes["sample 2"]["program_failed"].startswith("error: ")


def test_demos_that_are_no_programs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match="program"):
        Bench(tmp_path, build("program_aided", demos=2)).cell.check()


def test_the_last_block_of_a_reply_is_the_program() -> None:
    assert program_in("```\nx = 1\n```\nBetter:\n```python\nx = 2\n```") == "x = 2"
    assert program_in("Here:\nx = 1\ny") == "x = 1\ny"
    assert program_in("`" * 100_000) is None
