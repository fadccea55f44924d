"""What a bundle is: the names of its members, and the bounds within which one is read.

bundle.json        format, version, the run's id, and size and SHA-256 of every other member
experiment.yaml    the experiment as written
manifest.json      the run's manifest: versions, hashes of the data, endpoints
meta.jsonl         what the store knows of the run: its scorers, the test samples' hashes
cells.jsonl        variant × model × data set, each with its resolved spec
samples.jsonl      the test samples; without the data only their ids and hashes
trials.jsonl       one line a trial: reply, answer, status, tokens, cost
calls.jsonl        every call: messages, sampling, reply
scorers.jsonl, scores.jsonl
cache.jsonl        the paid replies as the cache keeps them, with the requests they answer
comparison.json    the table that a replay must give
artifacts.jsonl    only of a run with optimized prompts: each artifact, by its key in the manifest
search_calls.jsonl every call of their searches, as far as the run kept them
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from promptlab.basics.errors import UsageError

FORMAT = "promptlab-bundle"
VERSION = 1
CONTENTS = "bundle.json"
EXPERIMENT, MANIFEST, COMPARISON, CACHE = "experiment.yaml", "manifest.json", "comparison.json", "cache.jsonl"
# In an order in which no row comes before one that it names.
TABLES = ("meta", "cells", "samples", "trials", "calls", "scorers", "scores")
MEMBERS = frozenset({EXPERIMENT, MANIFEST, COMPARISON, CACHE, *(f"{name}.jsonl" for name in TABLES)})
ARTIFACTS, SEARCH_CALLS = "artifacts.jsonl", "search_calls.jsonl"
OPTIONAL = frozenset({ARTIFACTS, SEARCH_CALLS})
# Columns that hold bytes, which JSON has not: hexadecimal in a bundle.
BLOBS = frozenset({("trials", "identity")})

MAX_BYTES = 4 * 2**30  # unpacked, all members together
MAX_CONTENTS_BYTES = 2**20
# Beyond so much, a bundle that unpacks to more than so many times its own size is no bundle of ours.
FREE_BYTES, MAX_RATIO = 256 * 2**20, 200

_RUN_ID = re.compile(r"[^\W_][\w.-]{0,120}", re.UNICODE)
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Member:
    """Size in bytes and SHA-256 (hex) of a member, unpacked."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What `bundle.json` says. `data` is False where the samples are left out."""

    run: str
    experiment: str
    promptlab: str
    data: bool
    members: Mapping[str, Member]

    def to_json(self) -> dict[str, object]:
        return {
            "format": FORMAT,
            "version": VERSION,
            "promptlab": self.promptlab,
            "run": self.run,
            "experiment": self.experiment,
            "data": "samples" if self.data else "hashes only",
            "members": {
                name: {"bytes": each.bytes, "sha256": each.sha256}
                for name, each in sorted(self.members.items())
            },
        }

    @classmethod
    def of_json(cls, found: object, label: str) -> Contents:
        """UsageError for what no bundle says; `label` names the file in it."""
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            raise UsageError(f"{label} is no promptlab bundle: its {CONTENTS} does not say so.")
        if found.get("version") != VERSION:
            raise UsageError(
                f"{label} has bundle version {found.get('version')!r}, this promptlab reads {VERSION}.",
                remedy="Upgrade promptlab, or ask for a bundle made with this version.",
            )
        try:
            members = {
                name: Member(int(each["bytes"]), str(each["sha256"]))
                for name, each in found["members"].items()
            }
            contents = cls(
                run=str(found["run"]),
                experiment=str(found["experiment"]),
                promptlab=str(found["promptlab"]),
                data=found["data"] == "samples",
                members=members,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UsageError(
                f"{label} is damaged: its {CONTENTS} cannot be read ({type(error).__name__}: {error})."
            ) from error
        if not _RUN_ID.fullmatch(contents.run):
            raise UsageError(f"{label}: {contents.run!r} is no run's id.")
        for name, member in members.items():
            if member.bytes < 0 or not _DIGEST.fullmatch(member.sha256):
                raise UsageError(f"{label} is damaged: {CONTENTS} says nonsense of {name!r}.")
        return contents
