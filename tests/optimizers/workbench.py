"""One optimizer over a small data set in three splits, with a script or a function for a model."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from promptlab.datasets import AnswerType, DatasetSpec, PromptMessage, Task, open_dataset
from promptlab.models import Completion, Model, Request
from promptlab.models.transports.scripted import Expect, ScriptedTransport, conversation
from promptlab.optimizers import Artifact
from promptlab.scoring import scorers
from promptlab.scoring.metric import Metric
from promptlab.techniques import CellContext, TrialContext, techniques
from promptlab.techniques.compiling import Compiling

OPRO = "{technique: opro, budget_calls: 60, steps: 3, proposals: 3, dev_rows: 8}"
TASK = Task((PromptMessage("user", "Plural of {{ word }}?"),), AnswerType.TEXT, "Reply with one word.")
METRIC = Metric("exact_match", scorers.get("exact_match")())


def rows(train: int = 6, dev: int = 4, test: int = 5) -> list[dict[str, str]]:
    """Words that occur nowhere else, so that a leak can be seen."""
    return [
        {"id": f"{split}{n}", "word": f"{split}word{n}x", "answer": f"{split}word{n}xs", "split": split}
        for split, count in (("train", train), ("dev", dev), ("test", test))
        for n in range(count)
    ]


@dataclass
class Told:
    """What one compilation left behind."""

    artifact: Artifact
    requests: list[Request]
    messages: list[str]
    folder: Path

    @property
    def texts(self) -> list[str]:
        return [conversation(request.messages) for request in self.requests]

    def named(self, name: str) -> list[str]:
        """The conversations of the calls of that name."""
        return [conversation(each.messages) for each in self.requests if each.name == name]


@dataclass
class FunctionModel:
    """A door that answers by a function of the request."""

    reply: Callable[[Request], str | Exception]
    requests: list[Request] = field(default_factory=list)

    async def complete(self, request: Request) -> Completion:
        self.requests.append(request)
        found = self.reply(request)
        if isinstance(found, Exception):
            raise found
        return Completion(found, model="x", cost=0.001)


class Workbench:
    def __init__(
        self,
        folder: Path,
        name: str,
        data: Sequence[dict[str, Any]] | None = None,
        task: Task = TASK,
        metric: Metric = METRIC,
        columns: dict[str, str] | None = None,
        **settings: Any,
    ) -> None:
        self.folder = folder
        path = folder / "data.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in (rows() if data is None else data)))
        known = {"path": str(path), "target": "answer", "id": "id", "split": "split", **(columns or {})}
        self.dataset = open_dataset(
            DatasetSpec.model_validate(known), folder=folder, home=folder / "home", need_train=True
        )
        self.technique = techniques.get(name).model_validate(settings, context={"folder": folder})
        self.messages: list[str] = []
        self.cell = CellContext(
            task=task,
            model=Model("scripted/x", "x", "scripted", "scripted"),
            technique=self.technique,
            dataset=self.dataset,
            seed=0,
            cell="cell",
            metrics={metric.name: metric},
            headline=metric.name,
        )

    def compile(
        self, model: Sequence[Expect | str] | Callable[[Request], str | Exception], *, home: str = "artifacts"
    ) -> Told:
        """One compilation with that script (each call once, in order) or that function."""
        return asyncio.run(self._compile(model, self.folder / home))

    async def _compile(self, model: Any, folder: Path) -> Told:
        scripted = not callable(model)
        door = ScriptedTransport(model) if scripted else FunctionModel(model)
        self.cell.door = door
        self.cell.compiling = Compiling(folder, "cell", self.messages.append, bool, {})
        self.cell.check()
        await self.cell.prepare()
        if isinstance(door, ScriptedTransport):
            door.check_end()
        return Told(self.cell.kept.get("artifact"), door.requests, self.messages, folder)

    def solve(self, model: Callable[[Request], str], sample: str = "test0") -> tuple[str, str]:
        """A test trial with the program that was found: the conversation sent, and the reply."""

        async def work() -> tuple[str, str]:
            door = FunctionModel(model)
            found = self.dataset.find(sample, "test")
            assert found is not None
            answer = await TrialContext(self.cell, door, found.question(), 0).solve()
            return conversation(door.requests[-1].messages), answer.reply.text

        return asyncio.run(work())


def plural_model(request: Request) -> str:
    """Knows the plural only where the prompt says ADD S; writes that instruction in the third proposal."""
    text = conversation(request.messages)
    if request.name != "answer":
        return f"<START>ADD S, variant {request.draw.scope[-12:]} {request.draw.ordinal}<END>"
    word = text.rpartition("Plural of ")[2].partition("?")[0]
    return f"{word}s" if "ADD S" in text else word
