"""What the tests of the playground share: candidates on the fake provider or a script, and an asker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from promptlab.playground import Candidate, ModelChoice, build_technique
from promptlab.playground.rows import RowSource


def scripted(folder: Path, rules: Any, name: str = "script") -> ModelChoice:
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps(rules))
    return ModelChoice(name, {"id": f"scripted/{path}"})


def on(provider: Any, label: str = "fake") -> ModelChoice:
    """A model of the fake provider; labels are models of their own."""
    return ModelChoice(label, {"id": f"openai_like/{label}", "api_base": provider.openai})


def candidate(choice: ModelChoice, technique: str = "zero_shot", **settings: Any) -> Candidate:
    return Candidate(choice.model(), build_technique(technique, settings), choice, settings)


def rows(folder: Path, count: int = 30) -> RowSource:
    data = [
        {
            "id": f"s{i}",
            "q": f"{i} + 1",
            "a": str(i + 1),
            "split": ("train", "dev", "test")[i % 3],
        }
        for i in range(count)
    ]
    (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in data))
    entry = {"path": "data.jsonl", "target": "a", "id": "id", "split": {"column": "split"}}
    return RowSource("data", entry, folder)
