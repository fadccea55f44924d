"""From a run's store to the comparison of its cells."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from promptlab.analysis.cells import CellResult, ClassTrials, CorpusTrials, Family
from promptlab.analysis.comparing import compare
from promptlab.analysis.comparison import Comparison, Status
from promptlab.analysis.counted import counts_of
from promptlab.analysis.exposure import extensions, tried_on_test
from promptlab.analysis.judged import judge_reports
from promptlab.analysis.optimizations import optimizations_of
from promptlab.analysis.percentile import percentile
from promptlab.analysis.recall import recalls
from promptlab.analysis.wording import ranges
from promptlab.datasets import AnswerType
from promptlab.runs import RunDirectory, RunReader
from promptlab.runs.answers import scripts_of
from promptlab.scoring import AnswerForm, Scorer, rebuilt
from promptlab.scoring.classes import class_names, of_classes
from promptlab.scoring.translation import Sacrebleu

_CURRENT = """FROM trials JOIN samples ON samples.id = trials.sample
    WHERE trials.cell = ? AND samples.position < ? AND trials.repeat < ?"""
_FINISHED = f"{_CURRENT} AND trials.status != 'error'"
# Stands for a missing number until it is NaN, which SQLite does not have.
_NOTHING = -1e300
_DONE = "FILTER (WHERE trials.status != 'error')"
_FAILED = ("error", "unparsed", "refused", "truncated", "sandbox")
_SUMS = f"""SELECT coalesce(sum(calls) {_DONE}, 0), coalesce(sum(cached_calls) {_DONE}, 0),
        sum(prompt_tokens) {_DONE}, count(prompt_tokens) {_DONE},
        sum(completion_tokens) {_DONE}, count(completion_tokens) {_DONE},
        sum(cost_usd) {_DONE}, sum(unknown_costs) {_DONE}, sum(paid_usd) {_DONE}, count(*) {_DONE},
        {", ".join(f"count(*) FILTER (WHERE trials.status = '{status}')" for status in _FAILED)}
    {_CURRENT}"""
_ORDER = "ORDER BY samples.position, trials.repeat"


def compare_run(
    run: RunDirectory, *, limit: int | None = None, status: Status | None = None, sent_calls: int = 0
) -> Comparison:
    """The comparison of a stored run: what its experiment file said at its last start. Calls nothing.

    `limit` takes the first n test samples of every data set only.
    """
    manifest = run.manifest()
    breakdown = manifest["scoring"].get("breakdown", [])
    with RunReader(run) as reader:
        scorers = reader.scorers()
        pass_at = _pass_at(reader, scorers)
        cells = [
            replace(_cell(reader.connection, row, scorers, manifest, limit), pass_at=pass_at)
            for row in reader.cells()
        ]
        if breakdown:
            cells = _with_fields(reader, cells, breakdown)
        judges = judge_reports(reader)
        hashes = [str(row["hash"]) for row in reader.cells()]
        specs = [orjson.loads(row["spec"]) for row in reader.cells()]
        retrieved = list(recalls(reader))
    notes = [f"{name}: {note}" for name, facts in manifest["datasets"].items() for note in facts["notes"]]
    notes += extensions(manifest)
    sandbox = manifest.get("sandbox")
    if sandbox is not None and not sandbox["confined"]:
        notes.append(f"programs ran unconfined (`allow_unsafe_code`): {sandbox['gap']}")
    if limit is not None:
        sizes = {name: facts["sizes"]["test"] for name, facts in manifest["datasets"].items()}
        notes += [
            f"{name}: only the first {limit} of {size} test samples"
            for name, size in sizes.items()
            if size > limit
        ]
    compared = compare(
        cells,
        family_of(manifest, scorers),
        seed=manifest["seed"],
        status=status or manifest["status"],
        run=run.id,
        experiment=manifest["experiment"],
        sent_calls=sent_calls,
        notes=notes,
        breakdown=breakdown,
    )
    told = ranges(compared.cells, specs, compared.primary)
    vary = tuple(manifest.get("vary", compared.vary))
    return replace(
        compared,
        judges=judges,
        optimizations=optimizations_of(manifest, hashes),
        notes=(*compared.notes, *told, *retrieved),
        vary=vary,
        tried=tried_on_test(run),
    )


def family_of(manifest: Mapping[str, Any], scorers: Iterable[str]) -> Family:
    """Which comparisons a run's experiment asked for, over the scorers it has now."""
    scoring = manifest["scoring"]
    return Family(
        primary=scoring["primary"],
        baseline=scoring["baseline"],
        scorers=tuple(scorers),
        strict=scoring["strict"],
        extracted=scoring["extracted"],
        min_effect=scoring["min_effect"],
    )


def _pass_at(reader: RunReader, scorers: dict[str, int]) -> dict[str, int]:
    """The k of the scorers whose sample is passed where one of k draws passes."""
    specs = dict(reader.connection.execute("SELECT id, spec FROM scorers").fetchall())
    found = {name: orjson.loads(specs[number]) for name, number in scorers.items()}
    return {
        name: spec["k"] for name, spec in found.items() if spec["scorer"] == "code_tests" and spec["k"] > 1
    }


def _with_fields(reader: RunReader, cells: list[CellResult], names: list[str]) -> list[CellResult]:
    """The cells with what the samples of their trials say in those fields.

    Samples are read after trials: a run that goes on meanwhile enters a sample before its first trial.
    """
    by_dataset = {name: _fields(reader, name, names) for name in {cell.dataset for cell in cells}}
    return [
        replace(
            cell, fields={name: values[cell.samples] for name, values in by_dataset[cell.dataset].items()}
        )
        for cell in cells
    ]


def _fields(reader: RunReader, dataset: str, names: list[str]) -> dict[str, NDArray[np.object_]]:
    """Field → what the sample at each position says there; not the fields that no sample has."""
    said = reader.sample_fields(dataset, names)
    found = {}
    for number, name in enumerate(names):
        values = np.full(max(said, default=-1) + 1, None, dtype=np.object_)
        for position, texts in said.items():
            values[position] = texts[number]
        if any(value is not None for value in values):
            found[name] = values
    return found


def _cell(
    connection: sqlite3.Connection,
    row: sqlite3.Row,
    scorers: dict[str, int],
    manifest: dict[str, Any],
    limit: int | None,
) -> CellResult:
    repeats = int(manifest["repeats"])
    size = int(row["planned"]) // repeats
    samples = size if limit is None else min(size, limit)
    chosen = (row["id"], samples, repeats)
    sums = connection.execute(_SUMS, chosen).fetchone()
    failed = dict(zip(_FAILED, sums[10:], strict=True))
    total = int(sums[9])
    unknown = int(sums[7] or 0)
    trials = _trials(connection, chosen, total, scorers)
    latencies = trials["latency"][trials["latency"] != _NOTHING]
    return CellResult(
        variant=row["variant"],
        model=row["model"],
        dataset=row["dataset"],
        planned=samples * repeats,
        n=total,
        errors=failed["error"],
        unparsed=failed["unparsed"],
        refused=failed["refused"],
        truncated=failed["truncated"],
        sandbox=failed["sandbox"],
        calls=int(sums[0]),
        cached_calls=int(sums[1]),
        prompt_tokens=sums[2] if sums[3] == total and total else None,
        completion_tokens=sums[4] if sums[5] == total and total else None,
        cost_usd=None if unknown or not total else float(sums[6]),
        unknown_cost_calls=unknown,
        paid_usd=_paid(float(sums[8] or 0.0), unknown, sent=int(sums[0]) - int(sums[1])) if total else None,
        latency_p50_s=percentile(latencies, 0.50),
        latency_p95_s=percentile(latencies, 0.95),
        latency_sum_s=float(latencies.sum()) if latencies.size == total and total else None,
        samples=trials["position"].copy(),
        repeats=trials["repeat"].copy(),
        groups=_groups(connection, chosen),
        answered=trials["answered"].copy(),
        scores={
            name: np.where(trials[f"score {scorer}"] == _NOTHING, np.nan, trials[f"score {scorer}"])
            for name, scorer in scorers.items()
        },
        **_whole_cell(connection, row, chosen, total, scorers),
        oracle=bool(row["oracle"]),
        drawn_once=row["drawn_once"],
        counts=counts_of(orjson.loads(row["spec"])["variant"]),
    )


def _whole_cell(
    connection: sqlite3.Connection,
    row: sqlite3.Row,
    chosen: tuple[int, int, int],
    total: int,
    scorers: dict[str, int],
) -> dict[str, Any]:
    """What the trials add to scores of the whole cell, and which classes they are of."""
    corpus: dict[str, CorpusTrials] = {}
    classes = None
    for name, number in scorers.items():
        scorer = _scorer(connection, number)
        kind = scorer.corpus() if scorer is not None else None
        if scorer is None or (kind is None and (classes is not None or not of_classes(scorer))):
            continue
        rows = _statistics(connection, chosen, total, number)
        if rows is None:
            continue  # scored by a version that kept none
        if kind is not None:
            corpus[name] = CorpusTrials(rows, kind, _recipe(connection, row["dataset"], scorer))
        if of_classes(scorer):
            variant = orjson.loads(row["spec"])["variant"]
            form = AnswerForm(AnswerType(variant["answer"]), tuple(variant["labels"]))
            classes = ClassTrials(rows, class_names(form))
    return {"corpus": corpus, "classes": classes}


def _scorer(connection: sqlite3.Connection, number: int) -> Scorer | None:
    (spec,) = connection.execute("SELECT spec FROM scorers WHERE id = ?", (number,)).fetchone()
    return rebuilt(orjson.loads(spec))


def _statistics(
    connection: sqlite3.Connection, chosen: tuple[int, int, int], total: int, scorer: int
) -> NDArray[np.float64] | None:
    """[trials, m], in order, NaN where a trial has none; None where none has any."""
    query = f"""SELECT ifnull((SELECT statistics FROM scores WHERE scores.trial = trials.id
        AND scores.scorer = {scorer}), 'null') {_FINISHED} {_ORDER}"""
    found = orjson.loads(f"[{','.join(text for (text,) in connection.execute(query, chosen))}]")
    width = max((len(each) for each in found if each), default=0)
    if not width:
        return None
    nothing = [float("nan")] * width
    return np.array([nothing if each is None else each for each in found], dtype=np.float64)


def _recipe(connection: sqlite3.Connection, dataset: str, scorer: Scorer) -> str:
    if not isinstance(scorer, Sacrebleu):
        return ""
    query = """SELECT DISTINCT CASE json_type(body, '$.target')
            WHEN 'array' THEN json_array_length(body, '$.target') ELSE 1 END
        FROM samples WHERE dataset = ? AND position IS NOT NULL AND json_type(body, '$.target') != 'null'"""
    counts = [count for (count,) in connection.execute(query, (dataset,))]
    (cell,) = connection.execute(
        "SELECT id FROM cells WHERE dataset = ? AND position IS NOT NULL LIMIT 1", (dataset,)
    ).fetchone()
    return scorer.signature(scripts_of(connection)[cell], counts[0] if len(counts) == 1 else None)


def _paid(known_usd: float, unknown: int, *, sent: int) -> float | None:
    """None where an unknown cost may be among what was sent; what came from the cache was paid before."""
    return known_usd if not unknown or not sent else None


def _trials(
    connection: sqlite3.Connection, chosen: tuple[int, int, int], total: int, scorers: dict[str, int]
) -> NDArray[np.void]:
    """The cell's finished trials in order, one record each, without a Python object for any of them."""
    columns = [("position", np.int64), ("repeat", np.int64), ("answered", np.bool_), ("latency", np.float64)]
    columns += [(f"score {scorer}", np.float64) for scorer in scorers.values()]
    values = "".join(
        f", ifnull((SELECT value FROM scores WHERE scores.trial = trials.id AND scores.scorer = {scorer}),"
        f" {_NOTHING!r})"
        for scorer in scorers.values()
    )
    latency = f"ifnull(trials.latency_s, {_NOTHING!r})"
    query = f"""SELECT samples.position, trials.repeat, trials.status = 'ok', {latency}{values}
        {_FINISHED} {_ORDER}"""
    cursor = connection.cursor()
    cursor.row_factory = None  # plain tuples, which numpy takes for records
    return np.fromiter(cursor.execute(query, chosen), np.dtype(columns), total)


def _groups(connection: sqlite3.Connection, chosen: tuple[int, int, int]) -> NDArray[np.int64] | None:
    """The clusters of the trials' samples as numbers; None where no sample has one."""
    if connection.execute("SELECT 1 FROM samples WHERE cluster NOT NULL LIMIT 1").fetchone() is None:
        return None  # soon known, without a look at any trial
    grouped = f"SELECT 1 {_FINISHED} AND samples.cluster NOT NULL LIMIT 1"
    if connection.execute(grouped, chosen).fetchone() is None:
        return None
    found = connection.execute(f"SELECT samples.cluster {_FINISHED} {_ORDER}", chosen)
    return _numbered(cluster for (cluster,) in found)


def _numbered(clusters: Iterable[str | None]) -> NDArray[np.int64]:
    """Cluster names as numbers; a sample without a group is a cluster of its own."""
    numbers: dict[str, int] = {}
    result = []
    for index, cluster in enumerate(clusters):
        result.append(-1 - index if cluster is None else numbers.setdefault(cluster, len(numbers)))
    return np.array(result, dtype=np.int64)
