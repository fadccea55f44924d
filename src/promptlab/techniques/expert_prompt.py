"""ExpertPrompting: the model describes the expert, then answers as that expert."""

from __future__ import annotations

from typing import ClassVar

from promptlab.datasets.sample import Question
from promptlab.datasets.task import Task
from promptlab.models.request import Message
from promptlab.techniques.base import Answer, Calls, Fidelity, Technique, technique
from promptlab.techniques.context import TrialContext
from promptlab.techniques.formats import filled

_IDENTITY = (
    '{task}\n\nDo not answer. Describe in the second person, beginning with "You are", the expert who could '
    "answer this best: their profession, and what they know and can do."
)


@technique("expert_prompt")
class ExpertPrompt(Technique):
    """Xu et al. 2023 (arXiv 2305.14688). Two calls: the expert's identity, then the answer as that expert.

    Call "identity": the problem, and the request to describe who answers it best. Call "answer": the identity
    as system message (after the task's own), and the task's prompt. An empty identity is left out.
    Records the identity. Limit: a role changes style more than knowledge.
    """

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="an identity for every question; the answer conditioned on it",
        chat="the identity is the system message",
        rebuilt="the wording; no demos of identities",
    )
    example: ClassVar[str] = "{technique: expert_prompt}"

    def planned_calls(self, task: Task) -> Calls:
        return Calls(2, 2, 2)

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        text = filled(_IDENTITY, task=ctx.task.render_prompt(question))
        identity = (await ctx.ask(ctx.words(question, text), name="identity")).text.strip()
        ctx.note(identity=identity)
        asked = ctx.prompt(question)
        system = [str(message.content) for message in asked if message.role == "system"]
        told = "\n\n".join(filter(None, [*system, identity]))
        others = [message for message in asked if message.role != "system"]
        return Answer(await ctx.ask([*([Message("system", told)] if told else []), *others]))
