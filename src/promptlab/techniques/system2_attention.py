"""System 2 attention: rewrite the prompt without what does not belong to it, then answer."""

from __future__ import annotations

from typing import ClassVar

from promptlab.basics.errors import Unparsed
from promptlab.datasets.sample import Question
from promptlab.datasets.task import Task
from promptlab.techniques.base import Answer, Calls, Fidelity, Technique, technique
from promptlab.techniques.context import TrialContext
from promptlab.techniques.formats import filled

_REWRITE = (
    "Here is a text of a user. Rewrite it so that only what belongs to the question is left: drop opinions, "
    "hints at an answer, and what has nothing to do with it. Keep the question itself, and do not answer it."
    "\n\n{task}"
)


@technique("system2_attention")
class System2Attention(Technique):
    """Weston and Sukhbaatar 2023 (arXiv 2311.11829). Two calls: rewrite the prompt, then answer what is left.

    Call "rewrite": the task's prompt, to be cleaned. Call "answer": the rewritten prompt and the answer
    instruction; the original is not seen again. An empty rewriting is a failure.
    Records the rewritten prompt. Limit: a weak model answers instead of rewriting, or drops what is needed.
    """

    shows_demos = False

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="the answer is conditioned on the rewritten context alone",
        chat="nothing",
        rebuilt="the wording; context and question are not asked for apart",
    )
    example: ClassVar[str] = "{technique: system2_attention}"

    def planned_calls(self, task: Task) -> Calls:
        return Calls(2, 2, 2)

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        whole = "\n\n".join(filter(None, (ctx.context, ctx.task.render_prompt(question))))
        text = filled(_REWRITE, task=whole)
        rewritten = (await ctx.ask(ctx.words(question, text), name="rewrite")).text.strip()
        ctx.note(rewritten=rewritten)
        if not rewritten:
            raise Unparsed("the rewritten prompt is empty")
        return Answer(await ctx.ask(ctx.words(question, rewritten, instruction=True)))
