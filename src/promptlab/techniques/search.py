"""Texts that a technique searches in while it runs: by words, n-grams, or the experiment's embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from promptlab.retrieval import Bm25Index, Hit, Index, TfidfIndex, VectorIndex
from promptlab.techniques.cell import CellContext
from promptlab.techniques.context import TrialContext

By = Literal["auto", "bm25", "tfidf", "embedding"]


@dataclass(frozen=True, slots=True)
class Searchable:
    """An index over texts. `by` says how near is near, for the record."""

    index: Index
    by: str

    async def top(self, query: str, count: int, ctx: TrialContext) -> list[Hit]:
        """The nearest texts; those that share nothing with the query are left out."""
        if isinstance(self.index, VectorIndex):
            vector = await ctx.embed(query)
            self.index.ask(vector)  # nothing is awaited between this and the search
            return self.index.top(query, count)
        return [hit for hit in self.index.top(query, count) if hit.score > 0]


async def searchable(texts: Sequence[str], by: By, ctx: CellContext) -> Searchable:
    """`auto` is embeddings where the experiment has an embedding model, else TF-IDF."""
    if by == "bm25":
        return Searchable(Bm25Index(texts), "BM25 over words")
    # Without the door (an estimate) nothing is embedded, and the nearest by n-grams stand for the nearest.
    if by != "tfidf" and ctx.embedding is not None and ctx.door is not None and texts:
        return Searchable(VectorIndex(texts, await ctx.embed(texts)), f"embeddings of {ctx.embedding.name}")
    without = "" if by == "tfidf" else " (no embedding model)"
    return Searchable(TfidfIndex(texts), f"TF-IDF over character n-grams{without}")
