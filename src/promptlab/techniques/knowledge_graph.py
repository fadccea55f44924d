"""Knowledge graph prompting: facts as triples before the question."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from promptlab.basics.hashing import seeded
from promptlab.basics.named_file import NamedFile
from promptlab.datasets.sample import Question
from promptlab.techniques.base import Answer, Fidelity, Technique, technique
from promptlab.techniques.cell import CellContext
from promptlab.techniques.context import TrialContext
from promptlab.techniques.graph import Graph, Triple, graph_in, shown
from promptlab.techniques.search import By, searchable

BEFORE_FACTS = "Below are facts in the form of the triple meaningful to answer the question."


@technique("knowledge_graph")
class KnowledgeGraph(Technique):
    """KAPING (Baek et al. 2023, arXiv 2306.04136; 知识图谱). Facts as triples, then the question. One call.

    `facts_file` holds triples (csv, tsv, JSON lines). The entities that the question names are linked word
    for word; of the triples they stand in, the `k` nearest to the question are shown as `(s, r, o)`. Where no
    entity is linked, all triples are searched, and the record says so. `facts: random` and `facts: none` are
    the paper's controls. `by: auto` is embeddings where the experiment has `embedding:`, else TF-IDF over
    character n-grams. As `context:` of another technique it makes no call.
    Records entities, triples, and how was searched. Limit: linking knows no synonyms.
    """

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="triples as text under KAPING's sentence, the K nearest, the controls",
        chat="TF-IDF where no embedding model is configured",
        rebuilt="entity linking: word for word",
    )
    example: ClassVar[str] = "{technique: knowledge_graph, facts_file: triples.csv, k: 10}"

    gathers: ClassVar[bool] = True

    facts_file: NamedFile
    k: int = Field(default=10, ge=1, le=200)
    by: By = "auto"
    facts: Literal["nearest", "random", "none"] = "nearest"

    def reads_embeddings(self) -> bool:
        return self.by in ("auto", "embedding") or super().reads_embeddings()

    def check(self, ctx: CellContext) -> None:
        graph_in(self.facts_file)

    async def prepare(self, ctx: CellContext) -> None:
        graph = ctx.kept["graph"] = graph_in(self.facts_file)
        if self.facts == "nearest":
            texts = [" ".join(triple) for triple in graph.triples]
            ctx.kept["search"] = await searchable(texts, self.by, ctx)

    async def gather(self, question: Question, ctx: TrialContext) -> str:
        graph: Graph = ctx.cell.kept["graph"]
        asked = ctx.task.render_prompt(question)
        entities = graph.linked(asked)
        if self.facts == "none":
            found: list[Triple] = []
        elif self.facts == "random":
            found = graph.drawn(self.k, seeded("facts", ctx.cell.seed, question.id))
        else:
            found = await self._nearest(graph, asked, entities, ctx)
        ctx.note(entities=entities, facts=[list(each) for each in found])
        return f"{BEFORE_FACTS}\n{shown(found)}" if found else ""

    async def _nearest(
        self, graph: Graph, asked: str, entities: list[str], ctx: TrialContext
    ) -> list[Triple]:
        about = set(graph.about(entities)) if entities else set(graph.triples)
        search = ctx.cell.kept["search"]
        hits = await search.top(asked, len(graph.triples), ctx)
        near = [graph.triples[hit.position] for hit in hits if graph.triples[hit.position] in about]
        # Those that share no n-gram with the question come last, in the order of the file.
        rest = [each for each in graph.about(entities) if each not in set(near)]
        ctx.note(searched_by=search.by, **({} if entities else {"linked": "nothing: all triples searched"}))
        return [*near, *rest][: self.k]

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        ctx.use_context(await self.gather(question, ctx))
        return Answer(await ctx.ask(ctx.prompt(question)))
