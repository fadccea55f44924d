"""Embedding similarity through the real command: cached, priced and budgeted like every call."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from real_command import RealCommand, model

SAMPLES = 4


@pytest.fixture
def command(tmp_path: Path, fake_provider: Any) -> RealCommand:
    answers = {0: "1", 1: "about 3", 2: "nothing like it", 3: "7"}
    fake_provider.control(answers=[{"regex": rf"is {i} \+", "reply": reply} for i, reply in answers.items()])
    command = RealCommand(tmp_path, LOOP_KEY="sk-loop")
    command.write(SAMPLES, model("fake-1", fake_provider.openai))
    text = (tmp_path / "exp.yaml").read_text().replace("answer: number", "answer: text")
    entry = {"id": "openai/embed-1", "api_base": fake_provider.openai, "api_key_env": "LOOP_KEY",
             "price": {"input": 1, "output": 0}}  # fmt: skip
    scorer = json.dumps({"scorer": "embedding_similarity", "model": entry, "as": "near"})
    (tmp_path / "exp.yaml").write_text(f"{text}scorers: [exact_match, {scorer}]\n")
    return command


def embedded(provider: Any) -> int:
    return sum(entry["path"].endswith("/embeddings") for entry in provider.log)


def test_near_answers_score_more_and_nothing_is_embedded_twice(
    command: RealCommand, fake_provider: Any
) -> None:
    shown = command.compare()
    near = shown["cells"][0]["scores"]["near"]
    # 1 and 7 are their targets; "about 3" shares one of two words, "nothing like it" none.
    assert near["mean"] == pytest.approx((1 + 1 + 2**-0.5) / 4, abs=0.02)
    assert embedded(fake_provider) == SAMPLES
    (judge,) = shown["judges"]
    assert (judge["ok"], judge["errors"]) == (SAMPLES, 0)
    assert judge["cost_usd"] > 0
    assert command.compare()["sent_calls"] == 0
    command.compare("--fresh")
    assert embedded(fake_provider) == SAMPLES


def test_the_budget_holds_for_embeddings_too(command: RealCommand, fake_provider: Any) -> None:
    text = (command.folder / "exp.yaml").read_text().replace("concurrency: 8", "budget_calls: 6")
    (command.folder / "exp.yaml").write_text(text)
    shown = command.compare(code=5)
    assert shown["status"] == "stopped: budget"
    assert embedded(fake_provider) == 2


def test_the_estimate_counts_embeddings(command: RealCommand) -> None:
    found = json.loads(command.run("estimate", "exp.yaml", "--json")[0])
    assert found["judges"][0]["calls"]["expected"] == SAMPLES
