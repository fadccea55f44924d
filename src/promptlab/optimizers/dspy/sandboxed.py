"""Programs that a DSPy program writes, run in our sandbox: never in DSPy's own interpreters."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from promptlab.basics.errors import UsageError
from promptlab.optimizers.dspy.engine import load_dspy
from promptlab.sandbox import ProgramResult, run_program

# What DSPy promises to such a program: `SUBMIT(...)`, else the value of its last line.
_AROUND = """
import ast, json

submitted = []

class Submitted(BaseException):
    pass

def SUBMIT(*values, **named):
    submitted.append(named or (values[0] if len(values) == 1 else list(values)))
    raise Submitted

def plain(value):
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return str(value)
    return value

def outcome(source):
    tree = ast.parse(source, "<program>")
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    names = {"SUBMIT": SUBMIT, "__name__": "__main__"}
    value = None
    try:
        exec(compile(tree, "<program>", "exec"), names)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), "<program>", "eval"), names)
    except Submitted:
        pass
    return {"submitted": plain(submitted[-1])} if submitted else {"value": plain(value)}
"""


@dataclass
class SandboxInterpreter:
    """Implements DSPy's `CodeInterpreter`. Every program runs by itself: nothing is left of an earlier one.

    `failure` is the last program's, None where it ran to its end.
    """

    run: Callable[[str, str], ProgramResult]
    failure: ProgramResult | None = None
    tools: dict[str, Callable[..., Any]] = field(default_factory=dict)

    def start(self) -> None:
        """Nothing has to be started."""

    def shutdown(self) -> None:
        """Nothing is left."""

    def execute(self, code: str, variables: dict[str, Any] | None = None) -> Any:
        """What it submits, else its last line's value, else what it printed."""
        from dspy.primitives.code_interpreter import CodeExecutionError, FinalOutput

        before = "".join(f"{name} = {value!r}\n" for name, value in (variables or {}).items())
        result = self.run(_AROUND, f"outcome({before + code!r})")
        self.failure = None if result.ok else result
        if result.failure == "unavailable":
            raise UsageError(result.message)
        if not result.ok:
            raise CodeExecutionError(f"{result.failure}: {result.message}")
        found = result.data if isinstance(result.data, dict) else {}
        if "submitted" in found:
            return FinalOutput(found["submitted"])
        value = found.get("value")
        return result.stdout.strip() or None if value is None else value


def interpreters(loop: asyncio.AbstractEventLoop, *, allow_unsafe: bool) -> Callable[[], SandboxInterpreter]:
    """For DSPy's settings: makes an interpreter for each run of a program. Called in DSPy's threads."""
    load_dspy()

    def run(code: str, call: str) -> ProgramResult:
        work = run_program(code, call=call, allow_unsafe=allow_unsafe)
        return asyncio.run_coroutine_threadsafe(work, loop).result()

    return lambda: SandboxInterpreter(run)
