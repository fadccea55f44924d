"""Search in texts, and the selection of demos."""

from promptlab.retrieval.demo_sets import SETS_VERSION, default_set, demo_set, own_text, set_names
from promptlab.retrieval.demo_spec import DemoSpec
from promptlab.retrieval.demos import DemoSelector
from promptlab.retrieval.lexical import Bm25Index, Hit, Index, LexicalIndex, TfidfIndex
from promptlab.retrieval.vectors import VectorIndex

__all__ = [
    "SETS_VERSION",
    "Bm25Index",
    "DemoSelector",
    "DemoSpec",
    "Hit",
    "Index",
    "LexicalIndex",
    "TfidfIndex",
    "VectorIndex",
    "default_set",
    "demo_set",
    "own_text",
    "set_names",
]
