"""Lexical retrieval and demo selection."""

from promptlab.retrieval.demos import DemoSelector, DemoSpec
from promptlab.retrieval.lexical import Bm25Index, Hit, LexicalIndex, TfidfIndex

__all__ = ["Bm25Index", "DemoSelector", "DemoSpec", "Hit", "LexicalIndex", "TfidfIndex"]
