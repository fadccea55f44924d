"""Auto-CoT: demos that the model reasons out itself, for questions that differ from each other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from promptlab.basics.errors import ExperimentError, Unparsed
from promptlab.basics.hashing import seeded
from promptlab.datasets.grams import tokens
from promptlab.datasets.sample import Question, Sample
from promptlab.datasets.task import Task
from promptlab.models.request import Message
from promptlab.techniques.base import Answer, Calls, Fidelity, Technique, technique
from promptlab.techniques.cell import CellContext
from promptlab.techniques.context import TrialContext

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MOST_ROWS = 2000
_DIMENSIONS = 512
_STEPS = re.compile(r"\n|(?<=[.!?。！？])\s+")


@technique("auto_cot")
class AutoCoT(Technique):
    """Zhang et al. 2022 (arXiv 2210.03493). Demos by clusters, reasoned out. 1 + `clusters` calls.

    The train questions (at most 2,000) are put into `clusters` clusters by k-means; in each, the question
    nearest to the centre whose zero-shot rationale is short enough becomes a demo. Calls "rationale": one
    for each demo, at temperature 0 and equal for all trials, so that each is paid once. Call "answer":
    the demos with these rationales, then the question. No target of train is used. Records the demos.
    A rationale of more than `longest_steps` sentences, or none, is left out. Limit: wrong ones are shown.
    """

    shows_demos = False

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="k-means over the questions, the nearest to each centre, zero-shot rationales, no gold answer",
        chat="demos as chat turns",
        rebuilt="vectors are hashed words instead of Sentence-BERT; one question a cluster is tried",
    )
    example: ClassVar[str] = "{technique: auto_cot, clusters: 4}"

    clusters: int = Field(default=4, ge=1, le=20)
    longest_steps: int = Field(default=8, ge=1, le=50)
    trigger: str = "Let's think step by step."

    def needs_train(self) -> bool:
        return True

    def planned_calls(self, task: Task) -> Calls:
        return Calls(1 + self.clusters, 1 + self.clusters, 1 + self.clusters)

    def check(self, ctx: CellContext) -> None:
        if len(ctx.dataset.view("train")) < self.clusters:
            raise ExperimentError("train has fewer rows than that", field="clusters", value=self.clusters)

    async def prepare(self, ctx: CellContext) -> None:
        rows = ctx.dataset.view("train")[:_MOST_ROWS]
        texts = [ctx.task.render_prompt(row.question()) for row in rows]
        ctx.kept["centres"] = [rows[at] for at in central(texts, self.clusters, ctx.seed)]

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        shown: list[Message] = []
        ids: list[str] = []
        asked = ctx.task.render_prompt(question)
        for demo in ctx.cell.kept["centres"]:
            told = ctx.task.render_prompt(demo.question())
            if told == asked:
                continue  # never the question itself
            reply = await ctx.ask(self._reason(demo, ctx), name="rationale", temperature=0)
            steps = [step for step in _STEPS.split(reply.text) if step.strip()]
            if 0 < len(steps) <= self.longest_steps:
                shown += [Message("user", told), Message("assistant", reply.text.strip())]
                ids.append(demo.id)
        ctx.note(demos=ids)
        if not shown:
            raise Unparsed("no demo has a usable rationale")
        messages = ctx.prompt(question, cue=self.trigger)
        system = [message for message in messages if message.role == "system"]
        others = [message for message in messages if message.role != "system"]
        return Answer(await ctx.ask([*system, *shown, *others]))

    def _reason(self, demo: Sample, ctx: TrialContext) -> list[Message]:
        """The demo's question without context: the same request in every trial."""
        text = f"{ctx.task.render_prompt(demo.question())}\n\n{self.trigger}"
        return ctx.words(demo.question(), f"{text} End with: The answer is X.")


def central(texts: list[str], clusters: int, seed: int) -> list[int]:
    """The position of the text nearest to each centre of k-means, larger clusters first."""
    import numpy as np

    vectors = np.array([_vector(text) for text in texts])
    rng = seeded("auto_cot", seed)
    centres = vectors[sorted(rng.sample(range(len(texts)), clusters))]
    nearest = np.zeros(len(texts), dtype=np.int64)
    for turn in range(50):
        distances = ((vectors[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2)
        found = distances.argmin(axis=1)
        if turn and (found == nearest).all():
            break
        nearest = found
        for number in range(clusters):
            if (nearest == number).any():
                centres[number] = vectors[nearest == number].mean(axis=0)
    sizes = [int((nearest == number).sum()) for number in range(clusters)]
    order = sorted((number for number in range(clusters) if sizes[number]), key=lambda n: (-sizes[n], n))
    members = {number: np.flatnonzero(nearest == number) for number in order}
    return [int(members[n][distances[members[n], n].argmin()]) for n in order]


def _vector(text: str) -> NDArray[np.float64]:
    """Counts of hashed words, of length 1."""
    import zlib

    import numpy as np

    counts = np.zeros(_DIMENSIONS)
    for token in tokens(text):
        counts[zlib.crc32(token.encode()) % _DIMENSIONS] += 1
    length = float(np.linalg.norm(counts))
    found: NDArray[np.float64] = counts / length if length else counts
    return found
