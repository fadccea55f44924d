"""A DSPy program at work: read from its artifact, and asked one question as a trial."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

from promptlab.basics.errors import SandboxFailure, Unparsed, UsageError
from promptlab.datasets import Task
from promptlab.datasets.sample import Question
from promptlab.models import Completion, Message
from promptlab.optimizers.dspy.engine import language_model, surroundings, threads
from promptlab.optimizers.dspy.neighbours import nearest_demos
from promptlab.optimizers.dspy.program import answer_text, asked, build_program, right
from promptlab.optimizers.dspy.sandboxed import SandboxInterpreter, interpreters
from promptlab.scoring.metric import Metric
from promptlab.techniques.base import Answer
from promptlab.techniques.context import TrialContext


async def loaded(kept: Any, metric: Metric | None, task: Task, folder: Path) -> Any:
    """The program of an artifact; `metric` grades its train rows, where it runs them at every question.
    UsageError where DSPy cannot read its state."""

    def work() -> Any:
        program = build_program(kept["program"], task, folder)
        if kept["state"]:
            program.load_state(kept["state"])
        neighbours = kept.get("neighbours")
        if neighbours is None:
            return program
        return nearest_demos(program, neighbours, right(metric, task, neighbours["train"]))

    try:
        return await asyncio.get_running_loop().run_in_executor(threads(), work)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            f"DSPy cannot read the optimized program: {type(error).__name__}: {error}."
        ) from error


async def run_program(program: Any, question: Question, ctx: TrialContext) -> Answer:
    """One trial: the program in a thread of its own, its calls through this trial's context."""
    loop = asyncio.get_running_loop()
    replies: list[Completion] = []
    errors: list[BaseException] = []
    ran: list[SandboxInterpreter] = []
    make = interpreters(loop, allow_unsafe=ctx.cell.allow_unsafe_code)

    def interpreter() -> SandboxInterpreter:
        ran.append(make())
        return ran[-1]

    def ask(messages: list[Message], stage: dict[str, Any]) -> Completion:
        try:
            reply = asyncio.run_coroutine_threadsafe(ctx.ask(messages, **stage), loop).result()
        except BaseException as error:
            errors.append(error)
            raise
        replies.append(reply)
        return reply

    def work() -> Any:
        with surroundings(language_model(ask, "answer"), interpreter):
            return program(question=asked(question, ctx.task))

    try:
        prediction = await loop.run_in_executor(threads(), work)
    except Exception as error:
        if errors:
            raise errors[0] from error
        if not replies or isinstance(error, UsageError):
            raise
        if ran and (failed := ran[-1].failure) is not None:
            raise SandboxFailure(f"the program failed ({failed.failure}): {failed.message}") from error
        raise Unparsed(f"DSPy could not read the reply: {str(error).splitlines()[0][:200]}") from error
    text = answer_text(prediction)
    if text is None:
        raise Unparsed("the program gave no `answer`.")
    ctx.note(answer=text)
    # What the program states is its answer: the fields around it are DSPy's form, not the model's.
    return Answer(replace(replies[-1], text=text), text, rule="dspy")
