"""MindMap: paths and neighbours in a knowledge graph, put into words, then the answer with its chain."""

from __future__ import annotations

from itertools import combinations
from typing import ClassVar

from pydantic import Field

from promptlab.basics.named_file import NamedFile
from promptlab.datasets.sample import Question
from promptlab.datasets.task import Task
from promptlab.techniques.base import Answer, Calls, Fidelity, Technique, technique
from promptlab.techniques.cell import CellContext
from promptlab.techniques.context import TrialContext
from promptlab.techniques.formats import filled
from promptlab.techniques.graph import Graph, graph_in, shown

_AS_WORDS = (
    "Put these facts of a knowledge graph into plain sentences, each numbered, and name every entity. "
    "Add nothing.\n\n{facts}"
)
_CHAIN = (
    "Combine this evidence with what you know. First show the chain of inference that leads to the answer, "
    "naming the evidence each step rests on, then answer."
)


@technique("mind_map")
class MindMap(Technique):
    """MindMap (Wen et al. 2023, arXiv 2308.09729). Paths and neighbours in words as evidence. 1 to 3 calls.

    "Knowledge graph prompting" in its title. The entities that the question names are linked word for word.
    Call "paths": at most `paths` shortest paths between them, of at most `hops` triples, rewritten as
    sentences. Call "neighbours": at most `neighbours` triples around them, likewise. Call "answer": both as
    evidence, the question, and the request for the chain of inference. Where there are no paths or no
    neighbours, that call is not made; as `context:` the answer is the other technique's.
    Records entities, paths, neighbours. Limit: linking knows no synonyms.
    """

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact=(
            "shortest paths and neighbours, two calls that word them, an answer with its chain of inference"
        ),
        chat="no call where there is no evidence of a kind",
        rebuilt="all wording; entity linking: word for word",
    )
    example: ClassVar[str] = "{technique: mind_map, facts_file: triples.csv}"

    gathers: ClassVar[bool] = True

    facts_file: NamedFile
    paths: int = Field(default=5, ge=0, le=50)
    neighbours: int = Field(default=5, ge=0, le=50)
    hops: int = Field(default=4, ge=1, le=10)

    def planned_calls(self, task: Task) -> Calls:
        return self.gathering_calls(task) + Calls()

    def gathering_calls(self, task: Task) -> Calls:
        return Calls(0, 2, 2)

    def check(self, ctx: CellContext) -> None:
        graph_in(self.facts_file)

    async def prepare(self, ctx: CellContext) -> None:
        ctx.kept["graph"] = graph_in(self.facts_file)

    async def gather(self, question: Question, ctx: TrialContext) -> str:
        graph: Graph = ctx.cell.kept["graph"]
        entities = graph.linked(ctx.task.render_prompt(question))
        pairs = combinations(entities, 2)
        walked = [path for a, b in pairs if (path := graph.path(a, b, self.hops)) is not None]
        found = sorted(walked, key=len)[: self.paths]
        on_paths = {triple for path in found for triple in path}
        around = [each for each in graph.about(entities) if each not in on_paths][: self.neighbours]
        ctx.note(
            entities=entities,
            paths=[[list(triple) for triple in path] for path in found],
            neighbours=[list(triple) for triple in around],
        )
        evidence = []
        if found:
            told = await self._worded("\n\n".join(map(shown, found)), "paths", question, ctx)
            evidence.append(f"Evidence from paths:\n{told}")
        if around:
            told = await self._worded(shown(around), "neighbours", question, ctx)
            evidence.append(f"Evidence from neighbours:\n{told}")
        return "\n\n".join(evidence)

    @staticmethod
    async def _worded(facts: str, name: str, question: Question, ctx: TrialContext) -> str:
        """The facts as the model words them; as they are where it says nothing."""
        reply = await ctx.ask(ctx.words(question, filled(_AS_WORDS, facts=facts)), name=name)
        return reply.text.strip() or facts

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        ctx.use_context(await self.gather(question, ctx))
        cue = _CHAIN if ctx.context else ""
        return Answer(await ctx.ask(ctx.prompt(question, cue=cue)))
