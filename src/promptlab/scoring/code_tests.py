"""Code against its sample's tests, in the sandbox."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from promptlab.basics.errors import UsageError
from promptlab.sandbox import ProgramResult, SandboxLimits, run_program
from promptlab.scoring.base import Answered, Gold, Scorer, scorer
from promptlab.scoring.extraction.code import fenced_blocks, named_blocks

# A busy machine must not change a score: the clock ends those that wait, computing time the others.
_WALL_PER_CPU_S = 6.0
_PYTHON = frozenset({"python", "python3", "py", "py3"})


@dataclass(frozen=True, slots=True)
class CodeGrade:
    """1 where every test passed, else 0; None where the sample has no tests.

    `failure` says how the sandbox ended the program, "" where it ran to its end, right or wrong.
    """

    score: float | None
    failure: str = ""


@scorer("code_tests")
class CodeTests(Scorer):
    """The reply's last Python block passes the sample's tests, in the sandbox: pass@1, or pass@k.

    The tests are the target, or the column `tests`: Python (asserts, a list of them, or HumanEval's
    `check(candidate)`, which is called with the function that the column `entry_point` names), or pairs of
    `input` and `output`, as a list or its JSON: what is read and printed. `before` is a column whose code
    stands in front of the reply's. With `repeats` n, pass@k is the unbiased estimate 1 - C(n-c, k) / C(n, k)
    over the c that passed (Chen et al. 2021, arXiv 2107.03374, equation 1). A program that is ended for its
    time, memory, output, what it tried to do or its exit counts as the failure `sandbox`.
    """

    needs_target = False
    runs_code = True

    tests: str | None = None
    before: str | None = None
    entry_point: str = "entry_point"
    k: Annotated[int, Field(ge=1, le=1000)] = 1
    cpu_s: Annotated[int, Field(ge=1, le=600)] = 5
    memory_mb: Annotated[int, Field(ge=128)] = 512

    def score(self, answered: Answered, gold: Gold) -> float:
        raise TypeError("code_tests runs programs: use `grade`")

    def check_sample(self, gold: Gold) -> None:
        """UsageError where a sample has tests that cannot be run, or lacks a column."""
        self._tests(gold)
        self._column(gold, self.before)

    async def grade(self, answered: Answered, gold: Gold, *, allow_unsafe: bool = False) -> CodeGrade:
        """Runs one answer's program against the tests. UsageError: wrong tests, or nothing may run here."""
        tests = self._tests(gold)
        if tests is None:
            return CodeGrade(None)
        if answered.failure not in (None, "sandbox"):
            return CodeGrade(0.0)
        code = f"{self._column(gold, self.before) or ''}\n{program_in(answered)}"
        limits = SandboxLimits(
            cpu_s=self.cpu_s, wall_s=_WALL_PER_CPU_S * self.cpu_s, memory_mb=self.memory_mb
        )
        if isinstance(tests, str):
            # The tests are compiled apart: no reply can take them into a string that it leaves open.
            result = await run_program(
                code, name="solution", call=f"exec({tests!r})", limits=limits, allow_unsafe=allow_unsafe
            )
            return _graded(result, passed=result.ok)
        for given, expected in tests:
            result = await run_program(code, call=None, stdin=given, limits=limits, allow_unsafe=allow_unsafe)
            if not result.ok or _lines(result.stdout) != _lines(expected):
                return _graded(result, passed=False)
        return CodeGrade(1.0)

    def _tests(self, gold: Gold) -> str | list[tuple[str, str]] | None:
        """Python source, or pairs of input and output."""
        found: Any = self._column(gold, self.tests) if self.tests is not None else list(gold.targets)
        if isinstance(found, list) and len(found) == 1:
            found = found[0]
        if isinstance(found, str) and found.lstrip().startswith(("[", "{")):
            found = _json(found)
        pairs = _pairs(found)
        if pairs is not None:
            return pairs
        if isinstance(found, list) and all(isinstance(each, str) for each in found):
            found = "\n".join(found)
        if not isinstance(found, str):
            raise UsageError(
                f"code_tests: {_where(self.tests)} holds no tests (got {str(found)[:60]!r}).",
                remedy="Give Python, a list of asserts, or a list of {input: …, output: …}.",
            )
        if not found.strip():
            return None
        entry = self._column(gold, self.entry_point, needed=False)
        return f"{found}\ncheck({entry})" if entry and "def check(" in found else found

    def _column(self, gold: Gold, name: str | None, *, needed: bool = True) -> Any:
        if name is None:
            return None
        for columns in (gold.inputs, gold.metadata):
            if name in columns:
                return columns[name]
        if needed:
            raise UsageError(
                f"code_tests: the samples have no column {name!r}.",
                remedy="Columns of the target are kept from it too: leave `tests` out to use the target.",
            )
        return None


def program_in(answered: Answered) -> str:
    """The reply's last block that says it is Python, else its last block, else all of it.

    A value that the technique read or voted by itself is taken as it is.
    """
    value = answered.value if isinstance(answered.value, str) else None
    if value is not None and value.strip("\n") not in (
        block.strip("\n") for block in fenced_blocks(answered.text)
    ):
        return value
    python = [content for language, content in named_blocks(answered.text) if _is_python(language)]
    return python[-1] if python else value or answered.text


def _is_python(language: str) -> bool:
    words = language.lower().strip("{}.").split()
    return bool(words) and words[0] in _PYTHON


def _graded(result: ProgramResult, *, passed: bool) -> CodeGrade:
    if result.failure == "unavailable":
        raise UsageError(result.message)
    if result.failure in (None, "error"):
        return CodeGrade(float(passed))
    return CodeGrade(0.0, f"{result.failure}: {result.message}")


def _json(text: str) -> Any:
    """What the text says in JSON; the text itself where it is Python that begins with a bracket."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _pairs(found: Any) -> list[tuple[str, str]] | None:
    """Pairs of input and output, also from {inputs: […], outputs: […]}; None where these are other tests."""
    if isinstance(found, Mapping):
        inputs, outputs = found.get("inputs"), found.get("outputs")
        if isinstance(inputs, list) and isinstance(outputs, list) and len(inputs) == len(outputs):
            return [(str(given), str(expected)) for given, expected in zip(inputs, outputs, strict=True)]
        found = [found]
    if not isinstance(found, list) or not found:
        return None
    if not all(isinstance(each, Mapping) and {"input", "output"} <= each.keys() for each in found):
        return None
    return [(str(each["input"]), str(each["output"])) for each in found]


def _lines(text: str) -> list[str]:
    """Without the spaces at line ends and the empty lines at the end."""
    return [line.rstrip() for line in text.rstrip().splitlines()]


def _where(column: str | None) -> str:
    return "the target" if column is None else f"the column {column!r}"
