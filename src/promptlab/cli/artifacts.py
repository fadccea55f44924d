"""An optimized prompt in the terminal: before and after as a diff, then what was tried and why."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from promptlab.export import plain

_SHOWN_CHARS = 60


def artifact_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The lines of an artifact's JSON: its end, its cost, the diff, the history."""
    provenance, dev = found["provenance"], found["dev"]
    calls = sum(provenance.get("calls", {}).values())
    cost = provenance.get("cost_usd")
    message = found["ended"]["message"]
    yield f"ended: {found['ended']['why']}{f' ({plain(message)})' if message else ''}"
    yield (
        f"dev score: {_number(dev['before'])} to {_number(dev['score'])} ({dev['label']}); "
        f"{calls:,} calls, {'cost unknown' if cost is None else f'{cost:.4f} USD'}"
    )
    before, after = prompt_text(found["before"]), prompt_text(found["program"])
    yield ""
    if before == after:
        yield "the prompt stays as it was:"
        yield from map(plain, after)
    else:
        yield "--- before"
        yield "+++ after"
        lines = list(difflib.unified_diff(before, after, lineterm="", n=10_000))[2:]
        yield from (plain(line) for line in lines if not line.startswith("@@"))
    yield ""
    yield "step  calls  score  n    "
    for row in found["history"]:
        mark = "accepted" if row["accepted"] else "rejected"
        text = " ".join(row["instruction"].split())
        shown = text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"
        demos = f" + {len(row['demos'])} demos" if row["demos"] else ""
        told = f"{row['step']:>4}  {row['calls_so_far']:>5}  {_number(row['score']):>5}  {row['n']:<3}  "
        yield f"{told}{mark}: {plain(row['why'])} | {plain(shown) or '(no instruction)'}{demos}"


def prompt_text(program: Mapping[str, Any]) -> list[str]:
    """A program as people read it: demos, instruction, the task."""
    lines: list[str] = []
    for demo in program["demos"]:
        lines += ["[user]", *demo["prompt"].splitlines(), "[assistant]", *demo["reply"].splitlines()]
    lines.append("[user]")
    if program["instruction"]:
        lines += [*program["instruction"].splitlines(), ""]
    return [*lines, "(the task's own prompt)"]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
