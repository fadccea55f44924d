"""ReAct: thoughts and actions by turns, with tools whose results are observed."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import Field

from promptlab.basics.errors import ExperimentError, Unparsed
from promptlab.basics.named_file import NamedFile
from promptlab.datasets.sample import Question
from promptlab.datasets.task import Task
from promptlab.models.request import Message
from promptlab.techniques.base import Answer, Calls, Fidelity, Technique, technique
from promptlab.techniques.cell import CellContext
from promptlab.techniques.context import TrialContext
from promptlab.techniques.corpus import passages_in
from promptlab.techniques.formats import filled
from promptlab.techniques.search import By, searchable
from promptlab.techniques.tools import TOOLS, ToolError, Tools

_HOW = (
    "Work in steps. Each step is a thought and one action, on two lines:\n"
    "Thought: what you think\n"
    "Action: name[input]\n"
    "Then wait: the observation comes from outside. The actions are:\n{tools}\n"
    "- finish[answer]: ends with the answer"
)
_AGAIN = "That step has no readable action. Write one line: Action: name[input]"
_ACTION = re.compile(
    r"^[ \t]{0,8}\**Action(?: ?\d{1,2})?\**:\**[ \t]{0,8}([A-Za-z_ ]{1,40}?) ?\[(.*)\][ \t.]{0,8}$",
    re.MULTILINE,
)


@technique("react")
class React(Technique):
    """Yao et al. 2022 (arXiv 2210.03629). Thought, action, observation, at most 7 times. 1 to 14 calls.

    Calls "step 1" to "step 7": the conversation so far; a reply ends before an observation it would make up.
    `tools`: `calculator` (arithmetic, parsed), `lookup` (sentences of the sample's own passages, `passages`
    names the column), `search` (BM25 over `corpus_file`). An unknown tool or a bad input is an observation.
    A step without a readable action costs exactly one more call ("step n again"); the second time it is a
    failure, as is no `finish` within the steps. Records every step.
    Limit: no demos of trajectories; the format is explained.
    """

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="thought, action, observation in turns, at most 7; a malformed step is asked for once more",
        chat="the format is explained instead of shown; turns instead of one text",
        rebuilt="the tools' replies; local tools instead of Wikipedia",
    )
    example: ClassVar[str] = "{technique: react, tools: [calculator, search], corpus_file: passages.jsonl}"

    shows_demos = False

    steps: int = Field(default=7, ge=1, le=30)
    tools: list[Literal["calculator", "lookup", "search"]] = Field(default=["calculator"], min_length=1)
    passages: str | None = None
    corpus_file: NamedFile | None = None
    by: By = "bm25"

    def planned_calls(self, task: Task) -> Calls:
        return Calls(1, 3, 2 * self.steps)

    def reads_embeddings(self) -> bool:
        return self.by in ("auto", "embedding") or super().reads_embeddings()

    def check(self, ctx: CellContext) -> None:
        if "search" in self.tools and self.corpus_file is None:
            raise ExperimentError("the tool search needs `corpus_file: FILE`", field="tools")
        if "lookup" in self.tools and self.passages is None:
            raise ExperimentError("the tool lookup needs `passages: COLUMN`", field="tools")
        if self.passages is not None and self.passages not in ctx.dataset.columns:
            raise ExperimentError("no such column", field="passages", value=self.passages)
        if self.corpus_file is not None:
            passages_in(self.corpus_file, words=120)

    async def prepare(self, ctx: CellContext) -> None:
        if self.corpus_file is not None:
            found = ctx.kept["passages"] = passages_in(self.corpus_file, words=120)
            ctx.kept["search"] = await searchable([each.text for each in found], self.by, ctx)

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        tools = Tools(question, self.passages, ctx)
        how = filled(_HOW, tools="\n".join(f"- {name}[{TOOLS[name]}]" for name in self.tools))
        talk = ctx.prompt(question, cue=how)
        trace: list[dict[str, str]] = []
        for number in range(1, self.steps + 1):
            reply = await ctx.ask(talk, name=f"step {number}", stop=["\nObservation"])
            talk = [*talk, Message("assistant", reply.text)]
            action = _action(reply.text)
            if action is None:
                talk = [*talk, Message("user", _AGAIN)]
                reply = await ctx.ask(talk, name=f"step {number} again", stop=["\nObservation"])
                talk = [*talk, Message("assistant", reply.text)]
                action = _action(reply.text)
                if action is None:
                    raise Unparsed(f"step {number} has no readable action, asked twice")
            name, given = action
            if name == "finish":
                trace.append({"said": reply.text, "action": f"finish[{given}]"})
                ctx.note(steps=trace)
                read = ctx.read(Answer(replace(reply, text=given)))
                return Answer(reply, read.value, rule=read.rule)
            observation = await self._observe(tools, name, given)
            trace.append({"said": reply.text, "action": f"{name}[{given}]", "observation": observation})
            ctx.note(steps=trace)
            talk = [*talk, Message("user", f"Observation: {observation}")]
        raise Unparsed(f"no finish within {self.steps} steps")

    async def _observe(self, tools: Tools, name: str, given: str) -> str:
        """What a tool says; that there is no such tool is an observation too."""
        if name not in self.tools:
            return f"There is no action {name!r}. There are: {', '.join([*self.tools, 'finish'])}."
        try:
            return await tools.use(name, given)
        except ToolError as error:
            return str(error)


def _action(text: str) -> tuple[str, str] | None:
    """The first action of a reply; what it writes after that, it has made up."""
    found = _ACTION.search(text)
    return None if found is None else (found[1].strip().lower().replace(" ", "_"), found[2].strip())
