"""One data set's answers, a sample a row: filtered, sorted and paged in SQL, also while the run goes on."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import orjson

from promptlab.runs.annotations import Annotations
from promptlab.runs.database import unusable
from promptlab.runs.directory import RunDirectory
from promptlab.runs.reading import CACHE_KIB, RunReader

Keep = Literal["all", "wrong", "right", "errors", "no_answer", "unparsed", "different", "flipped", "rated"]
Order = Literal["file", "worst", "best", "disputed", "tokens", "slowest"]
KEEPS: tuple[Keep, ...] = get_args(Keep)
ORDERS: tuple[Order, ...] = get_args(Order)
PAGE_SAMPLES = 50
SHOWN_CHARS = 600  # of a reply or an input in a page; the whole of it stands with the trial

_CONDITIONS: dict[Keep, str] = {
    "all": "TRUE",
    "wrong": "wrong",
    "right": "passed",
    "errors": "error",
    "no_answer": "no_answer",
    "unparsed": "unparsed",
    "different": "said > 1",
    "flipped": "a != b",
    "rated": "sample IN (SELECT value FROM json_each(:rated))",
}
_ORDERS: dict[Order, str] = {
    "file": "position",
    "worst": "score IS NULL, score, position",
    "best": "score IS NULL, score DESC, position",
    "disputed": "coalesce(spread, 0) DESC, position",
    "tokens": "coalesce(tokens, 0) DESC, position",
    "slowest": "coalesce(latency, 0) DESC, position",
}
# A trial's text, answer, or anything of its sample: `?1` is the text as LIKE wants it, `?2` as JSON has it.
_FITS = r"""(trials.text LIKE ?1 ESCAPE '\' OR trials.answer LIKE ?2 ESCAPE '\'
    OR samples.sample LIKE ?1 ESCAPE '\' OR samples.body LIKE ?2 ESCAPE '\')"""
_SEEN = """CREATE TABLE seen AS SELECT samples.id AS sample, samples.position AS position,
        max(trials.status = 'error') AS error, max(trials.status = 'unparsed') AS unparsed,
        max(trials.status NOT IN ('ok', 'error')) AS no_answer,
        max(scores.value >= 1) AS passed, max(scores.value < 1) AS wrong,
        count(DISTINCT coalesce(trials.answer, trials.text)) AS said,
        avg(scores.value) AS score, avg(scores.value * scores.value) - avg(scores.value) * avg(scores.value)
            AS spread,
        avg(CASE WHEN trials.cell = {a} THEN scores.value END) AS a,
        avg(CASE WHEN trials.cell = {b} THEN scores.value END) AS b,
        sum(trials.prompt_tokens + trials.completion_tokens) AS tokens, max(trials.latency_s) AS latency,
        max({fits}) AS fits
    FROM trials JOIN samples ON samples.id = trials.sample
        LEFT JOIN scores ON scores.trial = trials.id AND scores.scorer = {scorer}
    WHERE trials.cell IN ({cells}) AND samples.position IS NOT NULL
    GROUP BY samples.id HAVING fits"""
_RATED = """SELECT DISTINCT trials.sample FROM temp.rated JOIN trials ON trials.identity = rated.trial
    WHERE trials.cell IN ({cells})"""
_ANSWERS = """SELECT trials.id AS trial, trials.cell, trials.sample AS sample_row, trials.repeat,
        trials.status, trials.answer, substr(trials.text, 1, {chars}) AS text,
        length(trials.text) AS chars, trials.error,
        trials.prompt_tokens, trials.completion_tokens, trials.latency_s, trials.calls, trials.cached_calls,
        trials.identity, scores.value AS score
    FROM trials LEFT JOIN scores ON scores.trial = trials.id AND scores.scorer = {scorer}
    WHERE trials.sample IN ({samples}) AND trials.cell IN ({cells}) ORDER BY trials.cell, trials.repeat"""


@dataclass(frozen=True)
class Selection:
    """What is looked at: rows of the cells table (all of one data set) and of the scorers table.

    `text` is searched in replies, answers and samples, without regard to case (ASCII). `a` and `b` are the
    two cells of the filter "flipped".
    """

    cells: tuple[int, ...]
    scorer: int | None
    text: str = ""
    a: int | None = None
    b: int | None = None


@dataclass(frozen=True, slots=True)
class AnsweredSample:
    """One sample with its trials by cell. `inputs` is cut to a line's worth; `target` as text or None."""

    row: int
    sample: str
    inputs: str
    target: str | None
    answers: dict[int, list[dict[str, Any]]] = field(default_factory=dict)


class Survey:
    """What the answers to each sample of a selection came to, as the store was when it was made.

    It is kept in memory (about 100 bytes a sample), holds nothing of the store open, and serves any thread:
    filters, orders and pages of one selection need not go through all trials again.
    """

    def __init__(self, run: RunDirectory, chosen: Selection) -> None:
        self.chosen = chosen
        self._lock = threading.Lock()
        self._table = sqlite3.connect(":memory:", uri=True, check_same_thread=False, isolation_level=None)
        query = _SEEN.format(
            fits=_FITS if chosen.text else "1",
            a=_number(chosen.a),
            b=_number(chosen.b),
            scorer=_number(chosen.scorer),
            cells=_numbers(chosen.cells),
        )
        try:
            self._table.execute("ATTACH ? AS run", (f"{run.store.absolute().as_uri()}?mode=ro",))
            self._table.execute(f"PRAGMA run.cache_size = -{CACHE_KIB}")
            self._table.execute("PRAGMA busy_timeout = 10000")
            self._table.execute(query, _patterns(chosen.text) if chosen.text else ())
            self._table.execute("DETACH run")
        except sqlite3.Error as error:
            raise unusable(run.store, error) from error

    def counts(self, rated: str) -> dict[Keep, int]:
        """How many samples each filter keeps. `rated`: rows of samples that somebody rated, a JSON list."""
        sums = ", ".join(f"sum({condition})" for condition in _CONDITIONS.values())
        (found,) = self._rows(f"SELECT {sums} FROM seen", rated=rated)
        return {name: int(value or 0) for name, value in zip(_CONDITIONS, found, strict=True)}

    def samples(self, keep: Keep, order: Order, rated: str, limit: int, offset: int) -> list[int]:
        """The rows of the samples it keeps, in that order."""
        query = f"""SELECT sample FROM seen WHERE {_CONDITIONS[keep]} ORDER BY {_ORDERS[order]}
            LIMIT :limit OFFSET :offset"""
        return [row[0] for row in self._rows(query, rated=rated, limit=limit, offset=offset)]

    def _rows(self, query: str, **values: object) -> list[Any]:
        with self._lock:
            return self._table.execute(query, values).fetchall()


class AnswerBrowser:
    """The samples of a survey, with their answers and what people said of them as the reader has them now.

    To be used in one thread.
    """

    def __init__(self, reader: RunReader, survey: Survey) -> None:
        self._reader = reader
        self._survey = survey
        self._labels: dict[bytes, tuple[str | None, str | None]] = {}
        annotations = Annotations.existing(reader.run)
        if annotations is not None:
            with annotations:
                self._labels = annotations.said()
        self._rated = orjson.dumps(self._rated_samples()).decode()

    def counts(self) -> dict[Keep, int]:
        """How many samples each filter keeps: those of which any answer in the chosen cells is so."""
        return self._survey.counts(self._rated)

    def page(
        self, keep: Keep = "all", order: Order = "file", limit: int = PAGE_SAMPLES, offset: int = 0
    ) -> list[AnsweredSample]:
        """The samples from `offset` on in that order, each with all its trials in the chosen cells."""
        rows = self._survey.samples(keep, order, self._rated, limit, offset)
        query = f"SELECT id, sample, body FROM samples WHERE id IN ({_numbers(rows)})"
        samples = {row[0]: _sample(*row) for row in self._reader.connection.execute(query)}
        for answer in self._answers(rows):
            samples[answer["sample_row"]].answers.setdefault(answer["cell"], []).append(answer)
        return [samples[row] for row in rows if row in samples]

    def _rated_samples(self) -> list[int]:
        if not self._labels:
            return []
        connection = self._reader.connection
        connection.execute("DROP TABLE IF EXISTS temp.rated")
        connection.execute("CREATE TEMP TABLE rated (trial BLOB PRIMARY KEY) WITHOUT ROWID")
        connection.executemany("INSERT INTO rated VALUES (?)", ((each,) for each in self._labels))
        query = _RATED.format(cells=_numbers(self._survey.chosen.cells))
        return [row[0] for row in connection.execute(query)]

    def _answers(self, samples: list[int]) -> Iterator[dict[str, Any]]:
        chosen = self._survey.chosen
        query = _ANSWERS.format(
            chars=SHOWN_CHARS,
            scorer=_number(chosen.scorer),
            samples=_numbers(samples),
            cells=_numbers(chosen.cells),
        )
        for row in self._reader.connection.execute(query).fetchall():
            yield self._told(row)

    def _told(self, row: sqlite3.Row) -> dict[str, Any]:
        values = dict(row)
        label, comment = self._labels.get(values.pop("identity"), (None, None))
        answer = values["answer"]
        return {
            **values,
            "answer": None if answer is None else _joined(orjson.loads(answer)),
            "label": label,
            "comment": comment,
        }


def _sample(row: int, name: str, body: str) -> AnsweredSample:
    values = orjson.loads(body)
    inputs = values["inputs"]
    shown = (
        str(next(iter(inputs.values())))
        if len(inputs) == 1
        else "\n".join(f"{key}: {value}" for key, value in inputs.items())
    )
    target = _joined(values["target"])
    return AnsweredSample(row, name, shown[:SHOWN_CHARS], None if target is None else target[:SHOWN_CHARS])


def _joined(value: Any) -> str | None:
    if value is None:
        return None
    return " | ".join(map(str, value)) if isinstance(value, list) else str(value)


def _patterns(text: str) -> tuple[str, str]:
    """What LIKE looks for: in plain columns, and in columns that hold JSON."""
    in_json = orjson.dumps(text).decode()[1:-1]
    return _like(text), _like(in_json)


def _like(text: str) -> str:
    for sign in "\\%_":
        text = text.replace(sign, f"\\{sign}")
    return f"%{text}%"


def _number(row: int | None) -> str:
    return "NULL" if row is None else str(int(row))


def _numbers(rows: Any) -> str:
    return ", ".join(str(int(row)) for row in rows) or "NULL"
