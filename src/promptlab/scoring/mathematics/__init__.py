"""Mathematical answers: read from LaTeX or plain text, and compared by what they are worth."""

from promptlab.scoring.mathematics.equivalence import equivalent, is_mathematics
from promptlab.scoring.mathematics.spelling import boxed, tidied

__all__ = ["boxed", "equivalent", "is_mathematics", "tidied"]
