"""Replies that are programs, against tests in the forms that benchmarks have."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from promptlab.basics.errors import UsageError
from promptlab.datasets import AnswerType
from promptlab.sandbox import confinement
from promptlab.scoring import Answered, AnswerForm, Gold, extract, scorers
from promptlab.scoring.code_tests import CodeGrade, program_in

FORM = AnswerForm(AnswerType.CODE)
ADD = "```python\ndef add(a, b):\n    return a + b\n```"
ASSERTS = ("assert add(1, 2) == 3", "assert add(0, 0) == 0")
ECHO = "```python\nprint(int(input()) * 2)\n```"
HUMAN_EVAL = "\n\nMETADATA = {}\n\n\ndef check(candidate):\n    assert candidate(2, 3) == 5\n"
REAL_DATA = Path(os.environ.get("PROMPTLAB_REAL_DATA") or "/nowhere")


@pytest.fixture(autouse=True)
def _confines(missing: Callable[[str], NoReturn]) -> None:
    if confinement().gap:
        missing(f"a machine that can confine programs: {confinement().gap}")


def grade(reply: str, *targets: str, columns: dict[str, Any] | None = None, **settings: Any) -> CodeGrade:
    found = extract(reply, FORM)
    gold = Gold(targets, FORM, columns or {})
    scorer = scorers.get("code_tests").model_validate({"cpu_s": 1, **settings})
    return asyncio.run(scorer.grade(Answered(reply, found.value, found.failure), gold))


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        (ADD, 1.0),
        ("def add(a, b): return a + b", 1.0),
        (
            f"First:\n```python\ndef add(a, b): return 0\n```\nBetter:\n{ADD}\nIt prints:\n```text\n3\n```",
            1.0,
        ),
        ("```python\ndef add(a, b):\n    return a - b\n```", 0.0),
        ("```python\ndef plus(a, b):\n    return a + b\n```", 0.0),
        ("```python\ndef add(a, b:\n```", 0.0),
        ("```python\nx = '''\n```", 0.0),
        (ADD.replace("```python\n", "```python\nimport sys\n") + "\n", 1.0),
        (ADD[:-3] + "if __name__ == '__main__':\n    raise SystemExit(input())\n```", 1.0),
    ],
)
def test_a_program_passes_all_asserts_or_scores_0(reply: str, score: float) -> None:
    assert grade(reply, *ASSERTS) == CodeGrade(score)


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        ("while True: pass", "timeout: 1 s of computing used up"),
        ("return [0] * 10**10", "memory: MemoryError"),
        ("raise SystemExit(0)", "exit: the program called exit(0)"),
        (
            "open('/etc/passwd')",
            "forbidden: PermissionError: [Errno 1] Operation not permitted: '/etc/passwd'",
        ),
        ("while True: print('x' * 99999)", "output: more output than the limit"),
    ],
)
def test_a_program_that_the_sandbox_ends_says_how(body: str, failure: str) -> None:
    found = grade(f"```python\ndef add(a, b):\n    {body}\n```", *ASSERTS)
    assert found == CodeGrade(0.0, failure)


def test_a_program_that_leaves_before_its_tests_has_not_passed_them() -> None:
    found = grade("```python\nimport os\nos._exit(0)\n```", *ASSERTS)
    assert found == CodeGrade(0.0, "exit: the program ended before its call had a value")


@pytest.mark.parametrize(
    "form",
    [
        {"targets": ["\n".join(ASSERTS)]},
        {"targets": [json.dumps(ASSERTS)]},
        {"columns": {"test_list": list(ASSERTS)}, "tests": "test_list"},
        {"targets": [HUMAN_EVAL], "columns": {"entry_point": "add"}},
        {"targets": [HUMAN_EVAL], "columns": {"name": "add"}, "entry_point": "name"},
        {"targets": ["assert add(1, 2) == three"], "columns": {"setup": "three = 3"}, "before": "setup"},
        {
            "targets": ["assert add([1], [2]) == [1, 2]"],
            "columns": {"prompt": "from typing import List\n\ndef add(a: List, b: List) -> List:\n    ..."},
            "before": "prompt",
        },
    ],
)
def test_tests_come_as_benchmarks_have_them(form: dict[str, Any]) -> None:
    targets = form.pop("targets", [])
    assert grade(ADD, *targets, **form).score == 1.0
    assert grade(ADD.replace("+", "-"), *targets, **form).score == 0.0


@pytest.mark.parametrize(
    "pairs",
    [
        [{"input": "3\n", "output": "6\n"}, {"input": "-1", "output": "-2"}],
        {"inputs": ["3", "-1"], "outputs": ["6", "-2  \n\n"]},
    ],
)
def test_pairs_are_what_is_read_and_printed(pairs: Any) -> None:
    assert grade(ECHO, json.dumps(pairs)).score == 1.0
    assert grade(ECHO, columns={"tests": pairs}, tests="tests").score == 1.0
    assert grade(ECHO.replace("* 2", "* 3"), json.dumps(pairs)).score == 0.0
    assert grade(ECHO.replace("print(", "return ("), json.dumps(pairs)).score == 0.0


def test_a_sample_without_tests_has_no_score_and_an_unread_reply_is_not_run() -> None:
    assert grade(ADD).score is None
    assert grade(ADD, columns={"tests": ""}, tests="tests").score is None
    assert grade("I'm sorry, but I can't help with that.", *ASSERTS) == CodeGrade(0.0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"tests": "nowhere"}, "no column 'nowhere'"),
        ({"tests": "n", "columns": {"n": 3}}, "the column 'n' holds no tests"),
        ({"before": "nowhere", "targets": ASSERTS}, "no column 'nowhere'"),
    ],
)
def test_tests_that_cannot_be_run_are_the_users_mistake(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        grade(ADD, *given.pop("targets", ()), **given)


def test_a_value_that_the_technique_voted_is_the_program() -> None:
    assert program_in(Answered(ADD, "def add(a, b): return 7")) == "def add(a, b): return 7"


def reference_solutions() -> list[Any]:
    """HumanEval's and MBPP's own solutions, where their files are."""
    found = []
    for path in sorted(REAL_DATA.glob("*.jsonl")) if REAL_DATA.is_dir() else ():
        if path.stem.lower().startswith(("humaneval", "mbpp")):
            found += [pytest.param(path, id=path.stem)]
    return found


@pytest.mark.parametrize("path", reference_solutions())
def test_reference_solutions_of_real_benchmarks_pass(path: Path) -> None:
    for line in path.read_text(encoding="utf-8").splitlines()[:40]:
        row = json.loads(line)
        if "canonical_solution" in row:
            reply = f"```python\n{row['prompt']}{row['canonical_solution']}\n```"
            assert grade(reply, row["test"], columns=row, cpu_s=5).score == 1.0, row["task_id"]
        else:
            reply = f"```python\n{row['code']}\n```"
            assert grade(reply, *row["test_list"], cpu_s=5).score == 1.0, row["task_id"]
