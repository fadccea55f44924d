"""What optimizers send to the writing model, and what they read from its replies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from promptlab.datasets import AnswerType, Sample, Task
from promptlab.optimizers.evaluation import OptimizerContext

START, END = "<START>", "<END>"
# Answers that an instruction may well name: they are the same for all rows.
_CLOSED = frozenset({AnswerType.LABEL, AnswerType.YES_NO, AnswerType.CHOICE})
_LEAD = re.compile(
    r"^(?:the |new |improved |better )*(?:instruction|prompt)s?(?: was| is)?\s*:\s*", re.IGNORECASE
)
_QUOTES = (('"', '"'), ("'", "'"), ("“", "”"), ("`", "`"))


def cleaned(text: str) -> str:
    """An instruction as it was meant: without markers, a leading "Instruction:", and quotation marks."""
    found = between(text)
    text = _LEAD.sub("", (found[0] if found else text).strip()).strip()
    for left, right in _QUOTES:
        if len(text) > 1 and text[0] == left and text[-1] == right:
            text = text[1:-1].strip()
    return text


def between(text: str) -> list[str]:
    """The texts between the markers, in order; none where there are no markers."""
    return [each.strip() for each in re.findall(f"{START}(.*?)(?:{END}|$)", text, re.DOTALL) if each.strip()]


def solved(samples: Iterable[Sample], ctx: OptimizerContext) -> str:
    """Train rows with their answers, for the writing model."""
    return "\n\n".join(f"Input: {ctx.question(each)}\nOutput: {ctx.target(each)}" for each in samples)


def holds_answers(text: str, samples: Sequence[Sample], task: Task) -> bool:
    """Whether an instruction gives away a row's answer; labels and choices do not count."""
    if task.answer in _CLOSED:
        return False
    return any(stands_in(target, text) for sample in samples for target in sample.targets)


def stands_in(target: str, text: str) -> bool:
    """Whether a target stands in a text as words of its own."""
    wanted = re.escape(target.strip())
    return bool(wanted) and re.search(rf"(?<!\w){wanted}(?!\w)", text, re.IGNORECASE) is not None
