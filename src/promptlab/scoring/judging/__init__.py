"""Judges: models that grade other models' answers. Prompts, fences, verdicts; nothing here sends anything."""

from promptlab.scoring.judging.fence import Fence
from promptlab.scoring.judging.judge import Exhibit, Judge
from promptlab.scoring.judging.verdict import Weighed, read_verdict, weighed

__all__ = ["Exhibit", "Fence", "Judge", "Weighed", "read_verdict", "weighed"]
