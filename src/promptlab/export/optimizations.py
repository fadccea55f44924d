"""Optimized prompts in words and rows: before and after as a diff, what was tried and why, what it took."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from promptlab.analysis import Comparison
from promptlab.analysis.optimizations import break_even
from promptlab.export.plain_text import plain
from promptlab.runs.artifacts import KeptPrompt

_SHOWN_CHARS = 60


def artifact_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """An artifact's JSON in the terminal: its end, its cost, the diff, the history."""
    yield from map(plain, ending_lines(found))
    yield ""
    yield from map(plain, prompt_diff(found))
    yield ""
    yield "step  calls  score  n    "
    for row in found["history"]:
        mark = "accepted" if row["accepted"] else "rejected"
        text = " ".join(row["instruction"].split())
        shown = text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"
        demos = f" + {len(row['demos'])} demos" if row["demos"] else ""
        told = f"{row['step']:>4}  {row['calls_so_far']:>5}  {_number(row['score']):>5}  {row['n']:<3}  "
        yield f"{told}{mark}: {plain(row['why'])} | {plain(shown) or '(no instruction)'}{demos}"


def ending_lines(found: Mapping[str, Any]) -> list[str]:
    """How the search ended, what it came to, what it cost."""
    provenance, dev, ended = found["provenance"], found["dev"], found["ended"]
    calls = sum(provenance.get("calls", {}).values())
    cost = provenance.get("cost_usd")
    why = f" ({ended['message']})" if ended["message"] else ""
    return [
        f"ended: {ended['why']}{why}",
        f"dev score: {_number(dev['before'])} to {_number(dev['score'])} ({dev['label']}); "
        f"{calls:,} calls, {'cost unknown' if cost is None else f'{cost:.4f} USD'}",
    ]


def prompt_diff(found: Mapping[str, Any]) -> list[str]:
    """The prompt before and after, as the lines of a unified diff without its hunks' heads."""
    before, after = prompt_text(found["before"]), prompt_text(found["program"])
    if before == after:
        return ["the prompt stays as it was:", *after]
    lines = list(difflib.unified_diff(before, after, lineterm="", n=10_000))[2:]
    return ["--- before", "+++ after", *(line for line in lines if not line.startswith("@@"))]


def prompt_text(program: Mapping[str, Any]) -> list[str]:
    """A program as people read it: demos, instruction, the task."""
    lines: list[str] = []
    for demo in program["demos"]:
        lines += ["[user]", *demo["prompt"].splitlines(), "[assistant]", *demo["reply"].splitlines()]
    lines.append("[user]")
    if program["instruction"]:
        lines += [*program["instruction"].splitlines(), ""]
    return [*lines, "(the task's own prompt)"]


def optimization_rows(comparison: Comparison, kept: Sequence[KeptPrompt]) -> Iterator[dict[str, Any]]:
    """One row per search: what it cost, when that is earned back, the prompt before and after."""
    for found, each in zip(comparison.optimizations, kept, strict=True):
        row = found.to_json(None)
        del row["break_even"]
        even = break_even(found, comparison)
        artifact = each.artifact
        yield {
            **row,
            "break_even.variant": even.variant if even else None,
            "break_even.samples": even.samples if even else None,
            "before": "\n".join(prompt_text(artifact["before"])) if artifact else None,
            "after": "\n".join(prompt_text(artifact["program"])) if artifact else None,
        }


def history_rows(kept: Sequence[KeptPrompt]) -> Iterator[dict[str, Any]]:
    """One row per candidate of each search: its score on dev, whether it was accepted, and why."""
    for each in kept:
        names = {name: each.entry[name] for name in ("variant", "model", "dataset")}
        for row in each.artifact["history"] if each.artifact else ():
            yield {**names, **row}


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
