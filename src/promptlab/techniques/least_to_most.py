"""Least-to-most: break the problem down, then solve the parts in order, each with all before it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from promptlab.basics.errors import ExperimentError, Unparsed
from promptlab.basics.registry import did_you_mean
from promptlab.datasets.sample import Question, Sample
from promptlab.datasets.task import Task
from promptlab.models.request import Message
from promptlab.retrieval import DemoSpec, default_set, demo_set, set_names
from promptlab.techniques.base import Answer, Calls, Fidelity, Technique, technique
from promptlab.techniques.cell import CellContext
from promptlab.techniques.context import TrialContext

ASK_PARTS = (
    "Which smaller questions have to be answered first, one after another, to answer this? "
    "Write them as a numbered list, the simplest first, nothing else."
)
_ASK_ALL = (
    "Break this down into smaller questions, answer them one after another, "
    "and end with a line that says: The answer is X."
)


@technique("least_to_most")
class LeastToMost(Technique):
    """Zhou et al. 2022 (arXiv 2205.10625). Decompose, then solve the subproblems in order. 1 + n calls.

    Call "decompose": constant demos of decompositions, then the problem. Calls "subproblem": constant demos
    of solutions, then every earlier subproblem with its reply in full, then the next one. Call "answer": the
    original problem, asked once, last, with the task's answer instruction; an item of the decomposition that
    is the problem itself is not asked before. `decompose_set` names the demo set whose `steps` show
    decompositions and solutions; bare, it goes by the answer type. `demos` replaces the demos of solutions.
    Where a set's subproblems cannot stand alone, the problem stands before the first of them.
    `mode: single_pass` does both in one call. `post: python_notation` is the paper's for SCAN.
    Records the subproblems with their replies. An empty decomposition is a failure; one of more than
    `max_subproblems` is cut there, and `cut` says how many there were.
    Limit: a wrong reply on the way is handed on to the end.
    """

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact=(
            "1 + n calls: constant demos of both stages, all earlier replies in full, the "
            "original last; Python notation for SCAN"
        ),
        chat="stages as conversations; decompositions as numbered lists, asked for in words",
        rebuilt="all demos; the wording that asks for the parts",
    )
    example: ClassVar[str] = "{technique: least_to_most, decompose_set: last_letter}"

    mode: Literal["two_stage", "single_pass"] = "two_stage"
    decompose_set: str | None = None
    max_subproblems: int = Field(default=12, ge=1, le=100)
    problem_first: bool | None = None

    @property
    def uses_demo_sets(self) -> bool:
        return True

    def planned_calls(self, task: Task) -> Calls:
        if self.mode == "single_pass":
            return Calls()
        return Calls(2, 4, 2 + self.max_subproblems)

    def demo_spec(self, task: Task) -> DemoSpec | None:
        return self.demos

    def check(self, ctx: CellContext) -> None:
        if self.demos is not None and self.demos.render == "single":
            raise ExperimentError(
                "least_to_most shows demos as turns",
                field="demos.render",
                value="single",
                remedy="Remove it.",
            )
        if self.decompose_set is not None and self.decompose_set not in set_names():
            raise ExperimentError(
                "there is no such demo set",
                field="decompose_set",
                value=self.decompose_set,
                remedy=did_you_mean(self.decompose_set, set_names()),
            )

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        name = self.decompose_set or default_set(ctx.task.answer)
        shown = demo_set(name)
        ctx.note(demo_set=name if self.decompose_set else f"{name} (by answer type)")
        if self.mode == "single_pass":
            before = [turn for demo in shown for turn in _in_one(demo)]
            messages = _after_system(before, ctx.prompt(question, cue=_ASK_ALL))
            return Answer(await ctx.ask(messages))
        plain = ctx.prompt(question, instruction=False, demos=False)
        parts = await self._decompose(plain, shown, ctx)
        solved = [] if self.demos is not None else [turn for demo in shown for turn in _solved(demo)]
        problem_first = self.problem_first
        if problem_first is None:
            problem_first = name not in SELF_CONTAINED
        pairs: list[Pair] = []
        for part in parts:
            turns = _turns([*pairs, (part, None)], str(plain[-1].content) if problem_first else "")
            reply = await ctx.ask(_framed(question, ctx, solved, turns), name="subproblem")
            pairs.append((part, reply.text))
            ctx.note(subproblems=[{"question": each, "answer": said} for each, said in pairs])
        final = ctx.prompt(question, demos=False)[-1]
        reply = await ctx.ask(_framed(question, ctx, solved, [*_turns(pairs, ""), final]))
        return Answer(reply)

    async def _decompose(self, plain: list[Message], shown: list[Sample], ctx: TrialContext) -> list[str]:
        """The subproblems in order, without the problem itself. Unparsed where there are none."""
        before = [turn for demo in shown for turn in _decomposed(demo)]
        problem = str(plain[-1].content)
        asked = [*plain[:-1], Message("user", f"{problem}\n\n{ASK_PARTS}")]
        reply = await ctx.ask(_after_system(before, asked), name="decompose")
        found = subproblems(reply.text)
        if not found:
            raise Unparsed("the decomposition names no subproblem")
        if _same(found[-1], problem):
            found = found[:-1]
        if len(found) > self.max_subproblems:
            ctx.note(cut=len(found))
            found = found[: self.max_subproblems]
        ctx.note(subproblems=[{"question": each} for each in found])
        return found


# A subproblem and its reply; None: it is being asked.
Pair = tuple[str, str | None]

# Sets whose subproblems say all that is needed.
SELF_CONTAINED = frozenset({"last_letter", "scan"})
# Bounded repeats keep these linear in replies of any length.
_NUMBERED = re.compile(
    r"^[ \t]{0,8}\**(?:[Ss]ub(?:problem|question) ?)?\d{1,3}[.):]\**[ \t]{0,8}(\S.*)", re.MULTILINE
)
_BULLET = re.compile(r"^[ \t]{0,8}[-*•][ \t]{1,8}(\S.*)", re.MULTILINE)
_QUOTED = re.compile(r'["“]([^"“”\n]+)["”]')


def subproblems(text: str) -> list[str]:
    """The items of a numbered list; else of a bulleted one; else what stands in quotation marks."""
    found: list[str] = _NUMBERED.findall(text) or _BULLET.findall(text) or _QUOTED.findall(text)
    return list(dict.fromkeys(filter(None, (each.strip(" \t*") for each in found))))


def _same(part: str, problem: str) -> bool:
    """Whether a subproblem is the problem itself, but for case, spaces and punctuation."""
    said, whole = _bare(part), _bare(problem)
    quoted = _QUOTED.findall(problem)
    # The last sentence of a problem is its question; "a, b, c" is all of a problem about "a b c".
    asks_it = len(said.split()) >= 3 and whole.endswith(said)
    return said == whole or asks_it or (len(quoted) == 1 and said == _bare(quoted[0]))


def _bare(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text).strip().casefold()


def _steps(demo: Sample) -> tuple[tuple[str, str], ...]:
    steps: tuple[tuple[str, str], ...] = demo.metadata["steps"]
    return steps


def _question(demo: Sample) -> str:
    return str(demo.inputs["question"])


def _stated(demo: Sample) -> str:
    return f"{demo.rationale} The answer is {demo.targets[0]}."


def _decomposed(demo: Sample) -> list[Message]:
    """A demo of stage 1: the problem, and its subproblems as a list that ends with the problem."""
    parts = [question for question, _ in _steps(demo)] + [_question(demo)]
    listed = "\n".join(f"{number}. {part}" for number, part in enumerate(parts, 1))
    return [Message("user", f"{_question(demo)}\n\n{ASK_PARTS}"), Message("assistant", listed)]


def _solved(demo: Sample) -> list[Message]:
    """A demo of stage 2: the subproblems with their answers, then the problem with its."""
    return [*_turns(_steps(demo), ""), Message("user", _question(demo)), Message("assistant", _stated(demo))]


def _in_one(demo: Sample) -> list[Message]:
    """A demo of the single pass: subproblems, their answers, and the answer, in one reply."""
    lines = [f"{n}. {question} {answer}" for n, (question, answer) in enumerate(_steps(demo), 1)]
    return [
        Message("user", f"{_question(demo)}\n\n{_ASK_ALL}"),
        Message("assistant", "\n".join([*lines, f"The answer is {demo.targets[0]}."])),
    ]


def _turns(pairs: Sequence[Pair], problem: str) -> list[Message]:
    """Subproblems and replies as turns; one without a reply is what is asked. `problem` stands first."""
    turns = []
    for number, (part, reply) in enumerate(pairs):
        asked = f"{problem}\n\n{part}" if problem and number == 0 else part
        turns.append(Message("user", asked))
        if reply is not None:
            turns.append(Message("assistant", reply))
    return turns


def _after_system(before: list[Message], messages: list[Message]) -> list[Message]:
    """`before` between the system message and the rest."""
    system = [message for message in messages if message.role == "system"]
    return [*system, *before, *(message for message in messages if message.role != "system")]


def _framed(
    question: Question, ctx: TrialContext, solved: list[Message], turns: list[Message]
) -> list[Message]:
    """The task's other messages and the demos of solutions before `turns`."""
    return _after_system(solved, [*ctx.prompt(question, instruction=False)[:-1], *turns])
