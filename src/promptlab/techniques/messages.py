"""The messages of a prompt: what is asked, and the demos before it, as turns or in one text."""

from __future__ import annotations

from collections.abc import Sequence

from promptlab.datasets.sample import Question, Sample
from promptlab.datasets.task import Task
from promptlab.models.request import Message
from promptlab.retrieval import own_text
from promptlab.techniques.base import Technique
from promptlab.techniques.formats import Part, rendered


def rendered_task(task: Task, question: Question) -> list[Message]:
    """The task's own messages for a question."""
    return [Message(role, text) for role, text in task.render(question)]  # type: ignore[arg-type]


def asked(
    technique: Technique,
    task: Task,
    before: Sequence[Message],
    parts: Sequence[Part],
    demos: Sequence[Sample],
    *,
    single: bool,
) -> list[Message]:
    """The task's messages: those `before` the last, which says `parts` in the technique's format.

    The demos stand after the system message, as turns; with `single` they and what is asked are one text.
    """
    last = Message("user", rendered(parts, technique.format))
    if not demos:
        return [*before, last]
    system = [message for message in before if message.role == "system"]
    others = [message for message in before if message.role != "system"]
    shown = [_turns(demo, technique, task) for demo in demos]
    if single:
        return [*system, Message("user", _in_one(shown, [*others, last], technique.marks))]
    return [*system, *(turn for turns in shown for turn in turns), *others, last]


def _turns(demo: Sample, technique: Technique, task: Task) -> list[Message]:
    """A demo as a conversation: what is asked, and the answer as the technique wants it."""
    reply = Message("assistant", technique.demo_reply(demo, task))
    own = own_text(demo.question())
    if own is not None:
        return [Message("user", rendered([("task", own)], technique.format)), reply]
    *before, last = [each for each in rendered_task(task, demo.question()) if each.role != "system"]
    return [*before, Message("user", rendered([("task", str(last.content))], technique.format)), reply]


def _in_one(shown: Sequence[Sequence[Message]], question: Sequence[Message], marks: tuple[str, str]) -> str:
    """Demos and question as one text, `marks` before each question and answer."""
    asks, answers = marks
    blocks = [_lines(turns[:-1], asks) + "\n" + answers + str(turns[-1].content) for turns in shown]
    last = _lines(question, asks)
    return "\n\n".join([*blocks, f"{last}\n{answers.rstrip()}" if answers else last])


def _lines(turns: Sequence[Message], mark: str) -> str:
    """One message a line, `mark` before the last."""
    return "\n".join([*(str(each.content) for each in turns[:-1]), mark + str(turns[-1].content)])
