"""Active-Prompt against a script: whom it asks how often, and which rows become demos."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from workbench import Workbench, rows

from promptlab.basics.errors import ExperimentError
from promptlab.models import Request
from promptlab.models.transports.scripted import conversation


def explained(**count: int) -> list[dict[str, Any]]:
    return [{**row, "why": f"An s after {row['word']}."} for row in rows(**count)]


def doubtful(request: Request) -> str:
    """Sure of all train rows but one, for which every draw is another answer."""
    text = conversation(request.messages)
    return f"maybe{request.draw.ordinal}" if "trainword2x" in text else "surely"


def bench(folder: Path, **settings: Any) -> Workbench:
    columns = {"rationale": "why"}
    return Workbench(folder, "active_prompt", explained(train=4, dev=2), columns=columns, **settings)


def test_the_rows_it_disagrees_with_itself_about_become_demos_with_their_rationales(tmp_path: Path) -> None:
    found = bench(tmp_path, pool=4, draws=3, shots=2)
    told = found.compile(doubtful)
    draws = [request for request in told.requests if request.name == "draw"]
    assert len(draws) == 4 * 3
    assert {request.sampling["temperature"] for request in draws} == {0.7}
    assert len({(request.draw.scope, request.draw.ordinal) for request in draws}) == 12
    assert all("testword" not in text for text in told.texts)
    assert all("Let's think step by step." in text and "xs" not in text for text in told.named("draw"))
    assert len(told.requests) == 12 + 2 * 2  # and both prompts on dev, for the record
    assert found.technique.compile_calls(found.cell)[0][1].high == 16
    first = told.artifact.program.demos[0]
    assert (first.sample, first.prompt) == ("train2", "Plural of trainword2x?")
    assert first.reply == "An s after trainword2x. The answer is trainword2xs."
    assert len(told.artifact.program.demos) == 2
    assert told.artifact.history[0]["why"] == "uncertainty 1.000: maybe0 ×1, maybe1 ×1, maybe2 ×1"
    sent, _ = found.solve(lambda request: "x")
    assert "An s after trainword2x. The answer is trainword2xs." in sent


def test_entropy_ranks_by_how_the_answers_are_spread(tmp_path: Path) -> None:
    def reply(request: Request) -> str:
        text, ordinal = conversation(request.messages), request.draw.ordinal
        if "trainword1x" in text:
            return "a" if ordinal < 2 else "b"
        return "a" if ordinal < 3 or "trainword0x" not in text else "b"

    artifact = bench(tmp_path, pool=4, draws=4, shots=1, uncertainty="entropy").compile(reply).artifact
    assert artifact.program.demos[0].sample == "train1"
    assert [row["why"][:17] for row in artifact.history[:3]] == [
        "uncertainty 1.000",
        "uncertainty 0.811",
        "uncertainty 0.000",
    ]


@pytest.mark.parametrize("reply", ["", "x" * 100_000, "抱歉，我不知道。"])
def test_odd_replies_are_uncertain_like_others(tmp_path: Path, reply: str) -> None:
    artifact = bench(tmp_path, pool=2, draws=2, shots=1).compile(lambda request: reply).artifact
    assert len(artifact.program.demos) == 1


def test_what_it_needs_is_asked_for_before_the_first_call(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match="0 rows with a rationale"):
        Workbench(tmp_path, "active_prompt", rows(), shots=1).cell.check()
    with pytest.raises(ExperimentError, match="4 rows with a rationale"):
        bench(tmp_path, shots=5).cell.check()
    with pytest.raises(ExperimentError, match="20 × 5 calls"):
        bench(tmp_path, shots=4, budget_calls=50).cell.check()
