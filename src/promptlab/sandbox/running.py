"""Programs, run one by one in processes of their own, as many at once as there are processors."""

from __future__ import annotations

import asyncio
import atexit
import os
from typing import Any
from weakref import WeakKeyDictionary

from promptlab.basics.errors import UsageError
from promptlab.sandbox.confinement import check_sandbox, confinement, request_of
from promptlab.sandbox.limits import SandboxLimits
from promptlab.sandbox.process import Template, TemplateGone
from promptlab.sandbox.result import ProgramResult, result_of

_DEFAULT = SandboxLimits()
_idle: list[Template] = []
_slots: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


async def run_program(
    code: str,
    *,
    call: str | None = "solution()",
    stdin: str = "",
    name: str = "__main__",
    limits: SandboxLimits = _DEFAULT,
    allow_unsafe: bool = False,
) -> ProgramResult:
    """Runs `code` as the Python module `name` and evaluates `call` in it; None where what it prints is all.

    The program has the standard library's modules for computing, no files, no network, no other process, an
    empty environment and a fixed random seed. The kernel holds it to that (`Confinement.layers`). Where the
    kernel cannot, nothing is run and the failure is `unavailable`, unless `allow_unsafe`: then a process of
    its own and its limits are all there is.

    Whatever the program does ends as a `ProgramResult`; after a cancellation nothing of it is left.
    """
    known = confinement.cache_info().currsize > 0
    found = confinement() if known else await asyncio.to_thread(confinement)
    try:
        check_sandbox(allow_unsafe=allow_unsafe)
    except UsageError as error:
        return ProgramResult("unavailable", str(error))
    request = request_of(code, call, stdin, name, limits, confined=found.confined)
    async with _slots.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(os.cpu_count() or 1)):
        try:
            answer = await _answer(request)
        except TemplateGone:
            try:
                answer = await _answer(request)  # by another: something else than the program ended the first
            except TemplateGone as error:
                return ProgramResult("unavailable", f"the sandbox's process was ended from outside: {error}")
    return result_of(answer, cpu_limit_s=limits.cpu_s)


async def _answer(request: dict[str, Any]) -> dict[str, Any]:
    """A template's answer. One that failed, or whose answer is not waited for, is ended."""
    template = _idle.pop() if _idle else Template(confined=request["confined"])
    try:
        if template.layers is None:
            await template.ready()
        answer = await template.run(request)
    except BaseException:
        template.close()
        raise
    _idle.append(template)
    return answer


def close_idle() -> None:
    """Ends the templates that wait for work; the next program starts another."""
    while _idle:
        _idle.pop().close()


atexit.register(close_idle)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_idle.clear)  # they are the parent's
