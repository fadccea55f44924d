"""Whether a run follows from its calls: identities, replies, answers and scores, worked out anew."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from dataclasses import dataclass
from typing import Any

import orjson

from promptlab.basics.errors import NO_ANSWER_KINDS, UsageError
from promptlab.basics.hashing import canonical, digest
from promptlab.datasets import AnswerType, Task
from promptlab.runs import RunDirectory, RunReader
from promptlab.runs.answers import scripts_of
from promptlab.runs.rows import decoded, score_row, stored_sample
from promptlab.scoring import Grader, Scorer, rebuilt

_TRIALS = """SELECT trials.id, trials.identity, trials.cell, trials.repeat, trials.status, trials.text,
        trials.answer, trials.rule, samples.id, samples.sample, samples.content, samples.body,
        (SELECT count(*) FROM calls WHERE trial = trials.id),
        (SELECT reply FROM calls WHERE trial = trials.id ORDER BY ordinal DESC LIMIT 1),
        (SELECT finish FROM calls WHERE trial = trials.id ORDER BY ordinal DESC LIMIT 1),
        trials.latency_s, trials.cost_usd, trials.unknown_costs
    FROM trials JOIN samples ON samples.id = trials.sample ORDER BY trials.id"""


@dataclass(frozen=True, slots=True)
class Checked:
    """`graded` of `trials` were graded anew; `not_graded` names scorers that cannot be computed here."""

    trials: int
    graded: int
    not_graded: tuple[str, ...]


def check_run(run: RunDirectory, *, data: bool) -> Checked:
    """Works out from specs, samples and replies what the run says. UsageError names the first difference.

    Without `data` the samples' texts are not there: then hashes and replies are checked, and no score.
    Scorers of an own file are never run from a bundle, nor programs that models wrote; scorers of another
    version give other scores.
    """
    with RunReader(run) as reader:
        return _Check(reader, data).whole()


class _Check:
    def __init__(self, reader: RunReader, data: bool) -> None:
        self._reader = reader
        self._rows = reader.connection
        self._data = data
        self._scorers, self._not_graded = _built(reader)
        self._numbers = reader.scorers()
        self._cells = {row["id"]: str(row["hash"]) for row in reader.cells()}
        self._graders: dict[int, Grader] = {}

    def whole(self) -> Checked:
        self._check_cells()
        self._check_samples()
        trials = graded = 0
        for row in self._rows.execute(_TRIALS):
            trials += 1
            self._check_trial(row)
            if self._data and row["status"] != "error":
                self._grade(row)
                graded += 1
        return Checked(trials, graded, self._not_graded)

    def _check_cells(self) -> None:
        scripts = scripts_of(self._rows)
        for row in self._reader.cells():
            if hashlib.sha256(row["spec"].encode()).hexdigest() != row["hash"]:
                raise _differs(f"the hash of cell {row['variant']!r} is not that of its spec")
            spec = orjson.loads(row["spec"])
            task = Task((), AnswerType(spec["variant"]["answer"]), "", tuple(spec["variant"]["labels"]))
            self._graders[row["id"]] = Grader(task, self._scorers, script=scripts[row["id"]])

    def _check_samples(self) -> None:
        """Each sample against its hash; the test split's hash, where all of its samples are there."""
        sizes = {
            name: facts["sizes"]["test"] for name, facts in self._reader.run.manifest()["datasets"].items()
        }
        running: dict[str, Any] = {}
        counts: dict[str, int] = {}
        for row in self._rows.execute("SELECT * FROM samples ORDER BY dataset, position"):
            name = row["dataset"]
            running.setdefault(name, hashlib.sha256()).update(canonical([row["sample"], row["content"]]))
            counts[name] = counts.get(name, 0) + 1
            if self._data and _content(row) != row["content"]:
                raise _differs(f"sample {row['sample']!r} of {name} is not the one that was hashed")
        for name, found in running.items():
            if counts[name] == sizes.get(name) and self._reader.meta(f"dataset:{name}") != found.hexdigest():
                raise _differs(f"the test samples of {name} are not those that were hashed")

    def _check_trial(self, row: sqlite3.Row) -> None:
        told = f"{self._cells.get(row['cell'])}\n{row['content']}\n{row['repeat']}\n{row['sample']}"
        if hashlib.sha256(told.encode("utf-8", "surrogatepass")).digest()[:16] != row["identity"]:
            raise _differs(f"trial {row['id']} is not that of its cell and sample")
        if row[12] == 1 and row["status"] != "error" and row["text"] is not None and row["text"] != row[13]:
            raise _differs(f"the reply of trial {row['id']} is not the one that its call got")

    def _grade(self, row: sqlite3.Row) -> None:
        grader = self._graders[row["cell"]]
        sample = stored_sample(row["sample"], row["body"])
        text, finish, status = row["text"] or "", row[14] or "stop", row["status"]
        value = decoded(row["answer"])
        fresh = grader.grade(text, sample, finish_reason=finish)
        if status == "ok" and fresh.rule == row["rule"] and fresh.value != value:
            raise _differs(f"trial {row['id']}: its reply says {fresh.value!r}, the bundle {value!r}")
        result = grader.grade(
            text,
            sample,
            finish_reason=finish,
            failure=status if status in NO_ANSWER_KINDS else None,
            given=(value, row["rule"] or ""),
            latency_s=row["latency_s"],
            cost_usd=None if row["unknown_costs"] else row["cost_usd"],
        )
        query = "SELECT scorer, value, statistics FROM scores WHERE trial = ?"
        kept = {each[0]: tuple(each[1:]) for each in self._rows.execute(query, (row["id"],))}
        for name, score in result.scores.items():
            number = self._numbers[name]
            _, _, *found = score_row(row["id"], number, score, result.statistics.get(name))
            if number in kept and kept[number] != tuple(found):
                told = " ".join(str(each) for each in kept[number] if each is not None)
                raise _differs(f"trial {row['id']}: {name} is {score}, the bundle says {told}")


def _built(reader: RunReader) -> tuple[dict[str, Scorer], tuple[str, ...]]:
    """The run's scorers as they are here, and the names of those that are not the same here."""
    specs = dict(reader.connection.execute("SELECT id, spec FROM scorers").fetchall())
    built: dict[str, Scorer] = {}
    missing: list[str] = []
    for name, number in reader.scorers().items():
        scorer = rebuilt(orjson.loads(specs[number]))
        if scorer is None or scorer.runs_code:
            missing.append(name)
        else:
            built[name] = scorer
    return built, tuple(missing)


def _content(row: sqlite3.Row) -> str:
    """The hash of what a sample says, as the data set makes it."""
    body = json.loads(row["body"])  # orjson reads an integer beyond 64 bit as a float
    parts = [
        body["inputs"],
        body["target"],
        body.get("rationale"),
        body.get("choices", []),
        row["cluster"],
        body.get("metadata", {}),
    ]
    return digest(parts)[: len(row["content"])]


def _differs(what: str) -> UsageError:
    return UsageError(f"{what}.")
