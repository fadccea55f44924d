"""Answers are extracted, then scored; failures are data, never a score."""

from __future__ import annotations

from promptlab.scoring.base import Answered, AnswerForm, Extraction, Gold, Scorer, rebuilt, scorer, scorers
from promptlab.scoring.defaults import default_scorers, extracted_scorer, strict_scorer
from promptlab.scoring.extraction import extract, rule_names, spell
from promptlab.scoring.grading import Graded, Grader

__all__ = [
    "AnswerForm",
    "Answered",
    "Extraction",
    "Gold",
    "Graded",
    "Grader",
    "Scorer",
    "default_scorers",
    "extract",
    "extracted_scorer",
    "rebuilt",
    "rule_names",
    "scorer",
    "scorers",
    "spell",
    "strict_scorer",
]
