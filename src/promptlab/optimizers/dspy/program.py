"""DSPy programs: the task as a signature, what can be asked, and answers as texts."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from promptlab.basics.errors import ExperimentError
from promptlab.basics.registry import Registry
from promptlab.basics.templates import template
from promptlab.datasets import AnswerType, Sample, Task
from promptlab.datasets.sample import Question
from promptlab.optimizers.dspy.engine import load_dspy
from promptlab.scoring import Grader
from promptlab.scoring.metric import Metric
from promptlab.techniques.tools import ToolError, calculate

PROGRAMS = ("predict", "chain_of_thought", "program_of_thought", "react")
_WORDS = {
    AnswerType.NUMBER: "a number",
    AnswerType.CHOICE: "the letter of the right choice",
    AnswerType.CODE: "the code, nothing else",
}


def signature(task: Task) -> Any:
    """`question -> answer`, typed as the task's answers are; what the task always says is its instruction."""
    dspy = load_dspy()
    kinds: dict[AnswerType, Any] = {
        AnswerType.NUMBER: float,
        AnswerType.LIST: list[str],
        AnswerType.YES_NO: Literal["yes", "no"],
    }
    kind = kinds.get(task.answer, str)
    if task.answer is AnswerType.LABEL and task.labels:
        kind = Literal[task.labels]
    said = [part.source for part in task.messages if part.role == "system"]
    always = [text for text in (*said, task.answer_instruction) if text and not template(text).variables]
    fields = {
        "question": (str, dspy.InputField()),
        "answer": (kind, dspy.OutputField(desc=_WORDS.get(task.answer, "the answer, nothing else"))),
    }
    return dspy.Signature(fields, "\n".join(always) or "Answer the question.")


def asked(question: Question, task: Task) -> str:
    """A question as the program's input: the task's messages but for what its instruction says already."""
    texts = [
        text
        for part, (_, text) in zip(task.messages, task.render(question), strict=True)
        if part.role != "system" or template(part.source).variables
    ]
    if template(task.answer_instruction).variables:
        texts.append(task.render_instruction(question))
    return "\n\n".join(texts)


def example(sample: Sample, task: Task) -> Any:
    """A train or dev row as DSPy has it."""
    answer: Any = list(sample.targets) if task.answer is AnswerType.LIST else sample.targets[0]
    if task.answer is AnswerType.NUMBER:
        with contextlib.suppress(ValueError):  # a number written out is shown as it is
            answer = float(answer.replace(",", ""))
    return load_dspy().Example(question=asked(sample.question(), task), answer=answer).with_inputs("question")


def answer_text(prediction: Any) -> str | None:
    """What a program answered, as a text; None where it gave no answer."""
    found = getattr(prediction, "answer", None)
    if isinstance(found, list):
        return ", ".join(map(str, found))
    if isinstance(found, float) and found.is_integer():
        return str(int(found))
    return None if found is None else str(found)


def right(metric: Metric | None, task: Task, rows: Sequence[Mapping[str, Any]]) -> Any:
    """DSPy's metric for kept train rows: whether the answer is fully right. None: nobody can say."""
    if metric is None or metric.model is not None or metric.scorer.runs_code:
        return None
    grader = Grader(task, {metric.name: metric.scorer})
    samples = {
        row["question"]: Sample("", {}, tuple(row["targets"]), "", choices=tuple(row["choices"]))
        for row in rows
    }

    def is_right(gold: Any, prediction: Any, trace: Any = None) -> bool:
        text = answer_text(prediction)
        graded = grader.grade(text or "", samples[gold.question], given=(text, "dspy"))
        return (graded.scores.get(metric.name) or 0.0) >= 1.0

    return is_right


def check_program(name: str, folder: Path) -> None:
    """ExperimentError for a program that is not there, or cannot run here."""
    if ".py:" in name:
        _own(name, folder)
    elif name not in PROGRAMS:
        raise ExperimentError(
            "there is no such DSPy program",
            field="program",
            value=name,
            remedy=f"Known: {', '.join(PROGRAMS)}, or my_file.py:MyModule.",
        )


def build_program(name: str, task: Task, folder: Path) -> Any:
    """A new program for that task: a `dspy.Module` with `question` in and `answer` out."""
    dspy = load_dspy()
    if ".py:" in name:
        return _own(name, folder)()
    made = {
        "predict": dspy.Predict,
        "chain_of_thought": dspy.ChainOfThought,
        "program_of_thought": dspy.ProgramOfThought,
    }
    if name == "react":
        return dspy.ReAct(signature(task), tools=[calculator])
    return made[name](signature(task))


def calculator(expression: str) -> str:
    """Works out an arithmetic expression, like (3 + 4) * 2."""
    try:
        return calculate(expression)
    except ToolError as error:
        return str(error)


def _own(name: str, folder: Path) -> Any:
    registry: Registry[Any] = Registry("DSPy program", load_dspy().Module, {}, "promptlab.dspy_programs")
    return registry.get(name, folder=folder)


def load_state(program: Any, state: Mapping[str, Any]) -> Any:
    program.load_state(dict(state))
    return program
