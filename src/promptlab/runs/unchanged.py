"""Whether an experiment file asks for anything that its latest run does not hold, without planning it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from promptlab.basics.errors import StorageError
from promptlab.basics.version import VERSION
from promptlab.runs.database import connect
from promptlab.runs.directory import EXPERIMENT, RunDirectory, all_runs
from promptlab.runs.schema import MIGRATIONS, version_of

# What says, wherever it stands in the file, that more than file and data may have changed: variables,
# prompts, labels and code in files of their own; variants added by what others took; gates are judged every
# time; a judge may have been asked about a part of the answers.
_REACHES_FURTHER = (
    b"${", b"_file", b"human_labels", b".py", b"gates", b"judge", b"match_tokens", b"embedding_similarity",
    b"optimized",
)  # fmt: skip
_COUNTS = """SELECT (SELECT sum(planned) FROM cells WHERE position IS NOT NULL),
    (SELECT count(*) FROM trials JOIN cells ON cells.id = trials.cell
        JOIN samples ON samples.id = trials.sample
        WHERE cells.position IS NOT NULL AND samples.position IS NOT NULL AND trials.status != 'error')"""


def unchanged(home: Path, experiment: Path) -> RunDirectory | None:
    """The file's latest run, if that is complete and neither the file nor its data have changed since.

    None where it cannot be said so simply: other files, environment variables, gates, code that is not
    promptlab's own, another version of promptlab. Then the file has to be planned.
    """
    try:
        text = experiment.read_bytes()
    except OSError:
        return None
    if any(mark in text for mark in _REACHES_FURTHER):
        return None
    for run in all_runs(home):
        try:
            written = (run.path / EXPERIMENT).read_bytes()
        except OSError:
            continue
        if written != text:
            continue
        manifest = run.manifest()
        name = manifest["experiment"]
        latest = next(each for each in all_runs(home) if each.manifest().get("experiment") == name)
        settled = (
            latest.path == run.path
            and manifest.get("status") == "complete"
            and manifest.get("promptlab") == VERSION
            and manifest.get("own_code") is True
            and manifest.get("folder") == str(experiment.resolve().parent)
            and all(_same(*state) for state in manifest.get("sources", [[""]]))
            and _nothing_missing(run)
        )
        return run if settled else None
    return None


def _nothing_missing(run: RunDirectory) -> bool:
    """Whether every planned trial is there: a filter of the last command may have left some out."""
    try:
        with closing(connect(run.store, read_only=True)) as connection:
            if version_of(connection, run.store) != len(MIGRATIONS):
                return False
            planned, finished = connection.execute(_COUNTS).fetchone()
    except (sqlite3.Error, StorageError):
        return False  # whoever plans the file opens the store too, and says what is wrong with it
    return bool(planned == finished)


def _same(path: str, size: int = -1, mtime_ns: int = -1) -> bool:
    try:
        found = Path(path).stat()
    except OSError:
        return False
    return (found.st_size, found.st_mtime_ns) == (size, mtime_ns)
