"""What an optimization leaves: the prompt, how it was found, and what that cost. Readable JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import orjson

from promptlab.basics.errors import UsageError
from promptlab.basics.files import write_atomically
from promptlab.optimizers.program import Demo, Program

ARTIFACT_VERSION = 1
ARTIFACT_FILE = "artifact.json"
CALLS_FILE = "calls.jsonl"

Ending = Literal["finished", "budget", "no improvement", "nothing to improve", "provider failed", "library"]


@dataclass(frozen=True, slots=True)
class Tried:
    """One line of the history: a candidate, its score on `n` dev rows, and what became of it."""

    step: int
    candidate: int
    program: Program
    score: float | None
    n: int
    accepted: bool
    why: str
    calls: int

    def to_json(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "candidate": self.candidate,
            "score": self.score,
            "n": self.n,
            "accepted": self.accepted,
            "why": self.why,
            "calls_so_far": self.calls,
            "instruction": self.program.instruction,
            "demos": [demo.sample or demo.prompt for demo in self.program.demos],
        }


@dataclass(frozen=True)
class Artifact:
    """An optimized prompt with its provenance. `dspy` is the state of a DSPy program, where one made it.

    `score` is the mean on the dev rows that chose the prompt: selected, so optimistic.
    """

    program: Program
    before: Program = field(default_factory=Program)
    ending: Ending = "finished"
    message: str = ""
    score: float | None = None
    score_before: float | None = None
    history: tuple[Mapping[str, Any], ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    dspy: Mapping[str, Any] | None = None

    @property
    def calls(self) -> int:
        """Calls to all models together."""
        return sum(self.provenance.get("calls", {}).values())

    @property
    def cost_usd(self) -> float | None:
        found = self.provenance.get("cost_usd")
        return None if found is None else float(found)

    def to_json(self) -> dict[str, Any]:
        rows = self.history
        return {
            "artifact": ARTIFACT_VERSION,
            "program": self.program.to_json(),
            "before": self.before.to_json(),
            **({"dspy": self.dspy} if self.dspy is not None else {}),
            "ended": {"why": self.ending, "message": self.message},
            "dev": {
                "score": self.score,
                "before": self.score_before,
                "label": "selected, optimistic",
                "curve": [
                    {"calls": row["calls_so_far"], "score": row["score"]}
                    for row in rows
                    if row["accepted"] and row["score"] is not None
                ],
            },
            "provenance": dict(self.provenance),
            "history": list(rows),
        }

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, orjson.dumps(self.to_json(), option=orjson.OPT_INDENT_2) + b"\n")


def read_artifact(path: Path) -> Artifact:
    """An artifact of ours, or a program that DSPy saved as JSON. ValueError in one line for anything else."""
    try:
        found = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise ValueError(f"{path.name} is not JSON: {error}") from None
    try:
        if isinstance(found, dict) and "artifact" in found:
            return artifact_of(found)
        return _from_dspy(found)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{path.name} is no optimized prompt: {type(error).__name__}: {error}") from None


def artifact_of(found: dict[str, Any]) -> Artifact:
    """From its JSON. KeyError, TypeError or ValueError where it is none."""
    if found["artifact"] != ARTIFACT_VERSION:
        raise ValueError(f"version {found['artifact']}, this promptlab reads {ARTIFACT_VERSION}")
    return Artifact(
        Program.from_json(found["program"]),
        Program.from_json(found["before"]),
        found["ended"]["why"],
        found["ended"]["message"],
        found["dev"]["score"],
        found["dev"]["before"],
        tuple(found["history"]),
        found["provenance"],
        found.get("dspy"),
    )


def _from_dspy(found: dict[str, Any]) -> Artifact:
    """The first predictor's instruction and demos, as a prompt of ours."""
    states = predictors_of(found)
    if not states:
        raise ValueError("it holds no predictor")
    signature = states[0]["signature"]
    names = {each["prefix"].rstrip(":") for each in signature.get("fields", [])}
    return Artifact(
        Program(signature["instructions"], tuple(dspy_demo(each) for each in states[0].get("demos", []))),
        message=f"imported from DSPy ({', '.join(sorted(names))})" if names else "imported from DSPy",
    )


def dspy_state(artifact: Artifact) -> dict[str, Any]:
    """What `dspy.Module.load` reads: the program's own state, or the prompt as one predictor's.

    UsageError for a program that no such state can hold.
    """
    if artifact.dspy is not None and "neighbours" in artifact.dspy:
        raise UsageError(
            "DSPy's own file cannot hold what knn_few_shot found: its demos are chosen at every question.",
            remedy="Use `--to FILE` and `technique: optimized`.",
        )
    metadata: dict[str, Any] = {"metadata": {"dependency_versions": {}}}
    if artifact.dspy is not None:
        return {**artifact.dspy["state"], **metadata}
    fields = [
        {"prefix": "Question:", "description": "${question}"},
        {"prefix": "Answer:", "description": "${answer}"},
    ]
    return {
        "traces": [],
        "train": [],
        "demos": [{"question": demo.prompt, "answer": demo.reply} for demo in artifact.program.demos],
        "signature": {"instructions": artifact.program.instruction, "fields": fields},
        "lm": None,
        **metadata,
    }


def predictors_of(state: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The predictors of a DSPy program's state: it is one itself, or holds them by name."""
    if "signature" in state:
        return [state]
    return [each for each in state.values() if isinstance(each, dict) and "signature" in each]


def dspy_demo(found: Mapping[str, Any]) -> Demo:
    """A DSPy demo: the answer is `answer`, else its last field; a `reasoning` stands before it."""
    values = {str(key): str(each) for key, each in found.items() if key not in ("augmented", "reasoning")}
    answer = "answer" if "answer" in values else list(values)[-1]
    stated = values.pop(answer)
    asked = (
        next(iter(values.values())) if len(values) == 1 else "\n".join(f"{k}: {v}" for k, v in values.items())
    )
    reasoning = str(found.get("reasoning") or "")
    return Demo(asked, f"{reasoning} The answer is {stated}." if reasoning else stated)
