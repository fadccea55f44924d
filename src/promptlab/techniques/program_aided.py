"""Program-aided: the model writes a program, and the program's value is the answer."""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from promptlab.basics.errors import ExperimentError, SandboxFailure, Unparsed
from promptlab.datasets.sample import Question, Sample
from promptlab.datasets.task import Task
from promptlab.retrieval import DemoSpec
from promptlab.techniques.base import Answer, Fidelity, Technique, technique
from promptlab.techniques.context import TrialContext

_CUES = {
    "pal": "Write a Python function solution() without arguments that returns the answer. "
    "Reply with the program only.",
    "program_of_thought": "Write a Python program that works out the answer step by step and ends with the "
    "answer in the variable ans. Reply with the program only.",
}
_CALLS = {"pal": "solution()", "program_of_thought": "ans"}
_FENCE = re.compile(r"```(?:python|py)?[ \t]*\n(.*?)(?:```|\Z)", re.DOTALL | re.IGNORECASE)


@technique("program_aided")
class ProgramAided(Technique):
    """PAL (Gao et al. 2022, arXiv 2211.10435). The model writes `def solution():`, which is run. One call.

    The program runs in a process of its own, without files, network or other processes, with little time and
    memory; whatever else it does ends as a `sandbox` failure, a reply without a program as `unparsed`.
    Bare, three programs of promptlab's own are shown; `demos: {demo_file: …}` shows yours (`answer`: code).
    `wording: program_of_thought` (Chen et al. 2022, arXiv 2211.12588) asks for `ans`, without demos.
    The answer instruction is not sent: the program's value is the answer. Records the program and its output.
    Limit: what cannot be computed.
    """

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="`def solution():`, run by an interpreter; its value is the answer",
        chat="the program is asked for in words beside the demos; it runs confined",
        rebuilt="the demos; the wording of program-of-thought",
    )
    example: ClassVar[str] = "{technique: program_aided, demos: {set: programs, count: 2}}"

    runs_code: ClassVar[bool] = True

    wording: Literal["pal", "program_of_thought"] = "pal"

    def demo_spec(self, task: Task) -> DemoSpec | None:
        if self.demos is None and self.wording == "pal":
            return DemoSpec(set="programs")
        return self.demos

    @property
    def uses_demo_sets(self) -> bool:
        return self.demos is None or self.demos.set is not None

    def demo_reply(self, demo: Sample, task: Task) -> str:
        return f"```python\n{demo.targets[0].rstrip()}\n```"

    def check_demo(self, demo: Sample) -> None:
        super().check_demo(demo)
        if not re.search(r"\bdef |\bans\b", demo.targets[0]):
            raise ExperimentError(
                "a demo's answer must be a program here",
                field="demos",
                value=demo.id,
                remedy="Use `demos: {set: programs}`, or a `demo_file` whose answers are programs.",
            )

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        asked = ctx.prompt(question, instruction=False, cue=_CUES[self.wording])
        reply = await ctx.ask(asked, name="program")
        code = program_in(reply.text)
        if code is None:
            raise Unparsed("the reply holds no program")
        ctx.note(program=code)
        result = await ctx.run_program(code, call=_CALLS[self.wording])
        if result.stdout:
            ctx.note(printed=result.stdout)
        if result.failure is not None:
            ctx.note(program_failed=f"{result.failure}: {result.message}")
            raise SandboxFailure(f"the program failed ({result.failure}): {result.message}")
        ctx.note(output=result.value)
        if result.value in (None, "", "None"):
            raise SandboxFailure("the program gave no value")
        return Answer(reply, result.value, rule="program")


def program_in(text: str) -> str | None:
    """The last fenced block of a reply; without fences all of it from the first definition or assignment."""
    blocks: list[str] = [block for block in _FENCE.findall(text) if block.strip()]
    if blocks:
        return blocks[-1].strip("\n")
    found = re.search(r"^(?:import |from |def |[A-Za-z_]\w* *=(?!=))", text, re.MULTILINE)
    return text[found.start() :].rstrip() if found else None
