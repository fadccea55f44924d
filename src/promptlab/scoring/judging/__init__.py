"""Models grade other models' answers. Prompts, fences, verdicts, distances: nothing here sends anything."""

from promptlab.scoring.judging.fence import Fence
from promptlab.scoring.judging.judge import Exhibit, Judge
from promptlab.scoring.judging.similarity import EmbeddingSimilarity
from promptlab.scoring.judging.verdict import Weighed, read_verdict, weighed

# Scorers that ask a model.
Asks = Judge | EmbeddingSimilarity

__all__ = [
    "Asks",
    "EmbeddingSimilarity",
    "Exhibit",
    "Fence",
    "Judge",
    "Weighed",
    "read_verdict",
    "weighed",
]
