"""One technique over a small data set, with a script for a model: exact calls, or the test fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from promptlab.basics.errors import NoAnswer
from promptlab.datasets import AnswerType, DatasetSpec, PromptMessage, Task, open_dataset
from promptlab.models import Model
from promptlab.models.transports.scripted import Expect, ScriptedTransport
from promptlab.techniques import Answer, CellContext, Technique, TrialContext, techniques

ROWS = [
    {"id": "a", "q": "2 + 2", "answer": "4", "split": "train"},
    {"id": "b", "q": "3 + 3", "answer": "6", "split": "train"},
    {"id": "c", "q": "5 + 5", "answer": "10", "split": "train"},
    {"id": "t", "q": "7 + 1", "answer": "8", "split": "test"},
    {"id": "twin", "q": "2 + 2", "answer": "4", "split": "test"},
]
NUMBER = Task(
    (PromptMessage("system", "You add."), PromptMessage("user", "What is {{ q }}?")),
    AnswerType.NUMBER,
    "Reply with the number only.",
)


class Bench:
    """One technique over one data set, with a script for a model."""

    def __init__(
        self,
        folder: Path,
        technique: Technique,
        task: Task = NUMBER,
        rows: Sequence[dict[str, Any]] = ROWS,
        data: dict[str, Any] | None = None,
        **model: Any,
    ) -> None:
        path = folder / "data.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        known = {"path": str(path), "target": "answer", "id": "id", "split": "split", **(data or {})}
        spec = DatasetSpec.model_validate(known)
        self.dataset = open_dataset(spec, folder=folder, home=folder / "home", need_train=True)
        self.cell = CellContext(
            task=task,
            model=Model("scripted/x", "x", "scripted", "scripted", sampling=model),
            technique=technique,
            dataset=self.dataset,
            seed=0,
        )

    def solve(
        self, script: Sequence[Expect | str], sample: str = "t", repeat: int = 0
    ) -> tuple[Answer, TrialContext, ScriptedTransport]:
        async def work() -> tuple[Answer, TrialContext, ScriptedTransport]:
            with ScriptedTransport(script) as door:
                found = self.dataset.find(sample, "test")
                assert found is not None
                self.cell.door = door
                self.cell.check()
                await self.cell.prepare()
                context = TrialContext.over(self.cell, door, found, repeat)
                answer = await context.solve()
                return answer, context, door

        return asyncio.run(work())

    def fails(
        self, script: Sequence[Expect | str], sample: str = "t"
    ) -> tuple[NoAnswer, TrialContext, ScriptedTransport]:
        """The same for a trial that must end without an answer, after exactly these calls."""

        async def work() -> tuple[NoAnswer, TrialContext, ScriptedTransport]:
            with ScriptedTransport(script) as door:
                found = self.dataset.find(sample, "test")
                assert found is not None
                await self.cell.prepare()
                context = TrialContext.over(self.cell, door, found, 0)
                try:
                    answer = await context.solve()
                except NoAnswer as error:
                    return error, context, door
                raise AssertionError(f"it answered: {answer}")

        return asyncio.run(work())


def build(name: str, folder: Path | None = None, **settings: Any) -> Technique:
    return techniques.get(name).model_validate(settings, context={"folder": folder or Path()})


def text_task(prompt: str = "{{ q }}", answer: AnswerType = AnswerType.TEXT, instruction: str = "") -> Task:
    return Task((PromptMessage("user", prompt),), answer, instruction)


def texts(door: ScriptedTransport, call: int = 0) -> list[tuple[str, str]]:
    return [(message.role, str(message.content)) for message in door.requests[call].messages]


def names(context: TrialContext) -> list[str]:
    return [call.name for call in context.trace.calls]
