"""A bundle's table, worked out again: no key, no network, nothing of the user's is read or written."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import orjson

from promptlab.analysis import Comparison, compare_run
from promptlab.basics.errors import PromptlabError
from promptlab.basics.hashing import canonical
from promptlab.export.bundle.check import Checked, check_run
from promptlab.export.bundle.form import COMPARISON
from promptlab.export.bundle.opening import Bundle, open_bundle
from promptlab.export.bundle.searches import check_searches
from promptlab.export.bundle.unpacking import unpack
from promptlab.models.stored_replies import check_entry
from promptlab.runs import RunDirectory, RunReader
from promptlab.runs.artifacts import kept_prompts


@dataclass(frozen=True, slots=True)
class Replayed:
    """The run as it was unpacked, its table, and what was checked. `replies` stand in it for the cache."""

    run: RunDirectory
    comparison: Comparison
    checked: Checked
    digest: str
    data: bool
    replies: int


def replay(path: Path, parent: Path) -> Replayed:
    """Unpacks a bundle below `parent` and computes its table from its calls.

    UsageError, and nothing stays behind, where the bundle is damaged or tampered with, or where its table
    differs in any digit from the one it was packed with.
    """
    with open_bundle(path) as bundle:
        run = unpack(bundle, parent)
        try:
            return _replayed(bundle, run)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, sqlite3.Error) as error:
            _remove(run)
            raise bundle.wrong(f"it is no whole run ({type(error).__name__}: {error})") from error
        except PromptlabError as error:
            _remove(run)
            raise bundle.wrong(str(error).rstrip(".")) from error


def _replayed(bundle: Bundle, run: RunDirectory) -> Replayed:
    replies = _check_replies(bundle, run)
    check_searches(run)
    checked = check_run(run, data=bundle.contents.data)
    comparison = compare_run(run)
    stated = orjson.loads(bundle.read(COMPARISON))
    found = orjson.loads(canonical(comparison.to_json()))
    if found != stated:
        raise bundle.wrong(f"its table is not the one that its trials give: {_first(found, stated)}")
    return Replayed(run, comparison, checked, bundle.digest, bundle.contents.data, replies)


def _check_replies(bundle: Bundle, run: RunDirectory) -> int:
    """Every reply for the cache is one that a call of the run got."""
    count = 0
    with RunReader(run) as reader:
        pairs = {tuple(row) for row in reader.connection.execute("SELECT key, reply FROM calls")}
    for each in kept_prompts(run):
        pairs |= {(call["key"], call["reply"]) for call in each.calls() if "reply" in call}
    for key, entry in bundle.replies():
        count += 1
        if (key, check_entry(key, entry).text) not in pairs:
            raise bundle.wrong(f"the reply {key[:12]}… is that of no call of the run")
    return count


def _first(found: object, stated: object, where: str = "") -> str:
    """The first place where two JSON values differ."""
    if isinstance(found, dict) and isinstance(stated, dict):
        for key in sorted({*found, *stated}):
            if found.get(key) != stated.get(key) or (key in found) != (key in stated):
                return _first(found.get(key), stated.get(key), f"{where}.{key}" if where else key)
    if isinstance(found, list) and isinstance(stated, list) and len(found) == len(stated):
        for index, (one, other) in enumerate(zip(found, stated, strict=True)):
            if one != other:
                return _first(one, other, f"{where}[{index}]")
    return f"{where} is {str(found)[:60]}, the bundle says {str(stated)[:60]}"


def _remove(run: RunDirectory) -> None:
    shutil.rmtree(run.path, ignore_errors=True)
