"""Retrieval: passages of a local corpus before the question."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from promptlab.basics.errors import ExperimentError
from promptlab.basics.named_file import NamedFile
from promptlab.basics.registry import did_you_mean
from promptlab.datasets.sample import Question
from promptlab.techniques.base import Answer, Fidelity, Technique, technique
from promptlab.techniques.cell import CellContext
from promptlab.techniques.context import TrialContext
from promptlab.techniques.corpus import Passage, passages_in, passages_of
from promptlab.techniques.search import By, searchable


@technique("retrieval")
class Retrieval(Technique):
    """RAG prompting (Lewis et al. 2020, arXiv 2005.11401). The nearest passages, then the question. One call.

    `corpus_file` is JSON lines with `text` (and `id`), or a text with paragraphs; `passages` names instead a
    column that holds the sample's own passages. They are cut into pieces of `words` words; the `k` nearest to
    the task's prompt stand before it, with a rule what to say where they do not answer (`refusal`; "" for
    none). `by: auto` is embeddings where the experiment has `embedding:`, else TF-IDF over character n-grams.
    As `context:` of another technique it makes no call. Records ids, scores, and how was searched; `relevant`
    names a column with the ids of the right passages: recall@k is then recorded apart from accuracy.
    Limit: passages, not pages; nothing is fetched.
    """

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="top-k passages before the question",
        chat="prompting only: no trained retriever or reader; BM25, TF-IDF or embeddings",
        rebuilt="the refusal rule",
    )
    example: ClassVar[str] = "{technique: retrieval, corpus_file: passages.jsonl, k: 3}"

    gathers: ClassVar[bool] = True

    corpus_file: NamedFile | None = None
    passages: str | None = None
    k: int = Field(default=3, ge=1, le=50)
    by: By = "auto"
    words: int = Field(default=120, ge=20, le=2000)
    refusal: str = 'If the passages do not answer the question, reply "unknown".'
    relevant: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.corpus_file is None) == (self.passages is None):
            raise ValueError("retrieval needs one of `corpus_file: FILE` and `passages: COLUMN`")
        return self

    def reads_embeddings(self) -> bool:
        return self.by in ("auto", "embedding") or super().reads_embeddings()

    def check(self, ctx: CellContext) -> None:
        known = {*ctx.dataset.columns, *ctx.dataset.first().metadata}
        for setting, column in (("passages", self.passages), ("relevant", self.relevant)):
            if column is not None and column not in known:
                raise ExperimentError(
                    "no such column", field=setting, value=column, remedy=did_you_mean(column, known)
                )
        if self.by == "embedding" and ctx.embedding is None:
            raise ExperimentError(
                "the experiment has no embedding model",
                field="by",
                value=self.by,
                remedy="Add `embedding: {id: …}` to the file, or use bm25, tfidf or auto.",
            )
        if self.corpus_file is not None:
            passages_in(self.corpus_file, self.words)

    async def prepare(self, ctx: CellContext) -> None:
        if self.corpus_file is not None:
            found = passages_in(self.corpus_file, self.words)
            ctx.kept["passages"] = found
            ctx.kept["search"] = await searchable([each.text for each in found], self.by, ctx)

    async def gather(self, question: Question, ctx: TrialContext) -> str:
        if self.passages is not None:
            found = passages_of(_column(question, self.passages), self.words)
            search = await searchable([each.text for each in found], self.by, ctx.cell)
        else:
            found, search = ctx.cell.kept["passages"], ctx.cell.kept["search"]
        hits = await search.top(ctx.task.render_prompt(question), self.k, ctx)
        shown: list[Passage] = [found[hit.position] for hit in hits]
        ctx.note(
            retrieved=[
                {"id": each.id, "score": round(hit.score, 4)} for each, hit in zip(shown, hits, strict=True)
            ],
            searched_by=search.by,
        )
        if self.relevant is not None:
            self._note_recall(question, shown, ctx)
        listed = [f"[{number}] {each.text}" for number, each in enumerate(shown, 1)]
        return "\n\n".join(["Passages:", *(listed or ["(none was found)"]), *filter(None, [self.refusal])])

    def _note_recall(self, question: Question, shown: list[Passage], ctx: TrialContext) -> None:
        """The share of the right documents among those shown."""
        value = _column(question, self.relevant or "")
        wanted = {str(each) for each in (value if isinstance(value, list | tuple) else [value])}
        found = {each.id for each in shown} | {each.id.partition("#")[0] for each in shown}
        ctx.note(**{f"recall_at_{self.k}": round(len(wanted & found) / len(wanted), 4) if wanted else None})

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        ctx.use_context(await self.gather(question, ctx))
        return Answer(await ctx.ask(ctx.prompt(question)))


def _column(question: Question, name: str) -> Any:
    return question.inputs.get(name, question.metadata.get(name, ""))
