"""A run to a file: what it holds, and the format that the file's ending names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptlab.analysis import Comparison, compare_run
from promptlab.basics.errors import UsageError
from promptlab.basics.registry import did_you_mean
from promptlab.export.judges import judge_rows
from promptlab.export.kinds import What
from promptlab.export.latex import IntervalStyle, cells_table, pairs_table
from promptlab.export.optimizations import history_rows, optimization_rows
from promptlab.export.replacing import replacing
from promptlab.export.rows import (
    breakdown_pair_rows,
    breakdown_rows,
    cell_rows,
    confusion_matrix_rows,
    pair_rows,
)
from promptlab.export.tables import ENDINGS, write_table
from promptlab.runs import RunDirectory, RunReader
from promptlab.runs.artifacts import kept_prompts
from promptlab.runs.rating_files import rating_rows

Row = Mapping[str, Any]
TEXTS = {"prompts": (".md", ".tex"), "methods": (".md", ".tex", ".txt"), "bibtex": (".bib",)}


@dataclass(frozen=True)
class Look:
    """How a file is to look: a byte order mark (csv, tsv); interval, caption and label (tex)."""

    bom: bool = False
    interval: IntervalStyle = "range"
    caption: str = ""
    label: str = ""


def export_run(run: RunDirectory, path: Path, what: What | None = None, look: Look = Look()) -> str:
    """Writes `what` of a run to `path` and says in a few words what it wrote.

    None is the cells; in a workbook all tables, in html the report, in bib the sources. UsageError: an
    ending that cannot hold it, a folder that cannot be written to, a run without results.
    """
    ending = path.suffix.lower()
    known = (*ENDINGS, ".bib", ".html", ".json")
    if what not in TEXTS and ending not in known:
        raise UsageError(
            f"cannot export to {path.name!r}: unknown ending {path.suffix!r}.",
            remedy=did_you_mean(ending, known),
        )
    _check(look, what, ending)
    if what is None and ending == ".bib":
        what = "bibtex"
    if ending == ".json":
        return _write_baseline(run, path, what)
    if ending == ".html":
        if what is not None:
            raise UsageError(
                f"cannot export {what} alone to {path.name!r}.",
                remedy="html is the report of the whole run: leave --what out, or take another ending.",
            )
        from promptlab.export.report import write_report

        return write_report(run, path)
    if what in TEXTS:
        return _write_text(run, path, what, ending)
    if what is None and ending == ".xlsx":
        return _write_workbook(run, path)
    what = what or "cells"
    if what in ("cells", "pairs"):
        comparison = compare_run(run)
        if ending == ".tex":
            return _write_tex(comparison, path, what, look)
        rows = cell_rows if what == "cells" else pair_rows
        return f"{write_table(rows(comparison), path, what, bom=look.bom):,} {what}"
    if what in ("breakdown", "breakdown_pairs"):
        comparison = compare_run(run)
        if not comparison.breakdowns:
            raise UsageError(
                f"run {run.id} has no breakdown.",
                remedy="Add `breakdown: [FIELD]` to the file and compare it again: nothing is called.",
            )
        rows = breakdown_rows if what == "breakdown" else breakdown_pair_rows
        return _rows_of(write_table(rows(comparison), path, what, bom=look.bom), what)
    if what == "confusion":
        matrix = list(confusion_matrix_rows(compare_run(run)))
        if not matrix:
            raise UsageError(
                f"run {run.id} has no confusion matrix: its answers are no labels, options, or yes and no.",
                remedy="`promptlab score RUN --scorer label` keeps what older runs did not.",
            )
        return _rows_of(write_table(matrix, path, what, bom=look.bom), what)
    if what == "judges":
        comparison = compare_run(run)
        if not comparison.judges:
            raise UsageError(
                f"run {run.id} has no judge.", remedy="Add one with `promptlab score RUN --scorer …`."
            )
        return _rows_of(write_table(judge_rows(comparison.judges), path, what, bom=look.bom), what)
    if what == "ratings":
        rated = list(rating_rows(run))
        if not rated:
            raise UsageError(
                f"nobody has rated answers of run {run.id}.", remedy="Rate in the workbench: promptlab ui"
            )
        return f"{write_table(rated, path, what, bom=look.bom):,} {what}"
    if what in ("optimizations", "tried"):
        kept = kept_prompts(run)
        if not kept:
            raise UsageError(
                f"run {run.id} has no optimized prompts.",
                remedy="Variants like `random_search` or `opro` look for theirs.",
            )
        rows_of = optimization_rows(compare_run(run), kept) if what == "optimizations" else history_rows(kept)
        told = "optimizations" if what == "optimizations" else "candidates tried"
        return f"{write_table(rows_of, path, what, bom=look.bom):,} {told}"
    with RunReader(run) as reader:
        found = reader.trials() if what == "trials" else reader.calls()
        return f"{write_table(found, path, what, bom=look.bom):,} {what}"


def _rows_of(count: int, what: What) -> str:
    return f"{count:,} row{'' if count == 1 else 's'} of {what.replace('_', ' ')}"


def _write_baseline(run: RunDirectory, path: Path, what: What | None) -> str:
    from promptlab.analysis.baseline import write_baseline

    if what is not None:
        raise UsageError(
            f"cannot export {what} to {path.name!r}: json is a baseline for `gates:`.",
            remedy="Leave --what out, or give a file that ends with .jsonl.",
        )
    return f"{write_baseline(run, path):,} cells and scorers, a baseline for `gates:`"


def _check(look: Look, what: What | None, ending: str) -> None:
    """A wish that the file cannot meet is said, not passed over."""
    if look.bom and (ending not in (".csv", ".tsv") or what in TEXTS):
        raise UsageError(
            "--bom is for csv and tsv.", remedy="Leave it out: every other format says it is UTF-8."
        )
    table = ending == ".tex" and what in (None, "cells", "pairs")
    if not table and (look.interval != "range" or look.caption or look.label):
        raise UsageError(
            "--interval, --caption and --label are for cells and pairs in tex.",
            remedy="Leave them out, or give a file that ends with .tex.",
        )


def _write_tex(comparison: Comparison, path: Path, what: str, look: Look) -> str:
    if what == "cells":
        text = cells_table(comparison, interval=look.interval, caption=look.caption, label=look.label)
    else:
        text = pairs_table(comparison, caption=look.caption, label=look.label)
    _write(path, text)
    pairs = sum(pair.in_family for pair in comparison.pairs)
    return f"{len(comparison.cells) if what == 'cells' else pairs:,} {what}"


def _write_text(run: RunDirectory, path: Path, what: What, ending: str) -> str:
    if ending not in TEXTS[what]:
        raise UsageError(
            f"cannot export {what} to {path.name!r}: its ending is {ending!r}.",
            remedy=f"Endings for {what}: {', '.join(TEXTS[what])}.",
        )
    from promptlab.export import paper

    if what == "bibtex":
        text, told = paper.bibtex(run)
    elif what == "methods":
        text, told = paper.methods(run, ending)
    else:
        text, told = paper.prompts(run, tex=ending == ".tex")
    _write(path, text)
    return told


def _write_workbook(run: RunDirectory, path: Path) -> str:
    from promptlab.export.workbook import write_workbook

    comparison, kept = compare_run(run), kept_prompts(run)
    searched: dict[str, Iterable[Row]] = {
        "optimizations": optimization_rows(comparison, kept),
        "tried": history_rows(kept),
    }
    with RunReader(run) as reader, replacing(path) as part:
        sheets: dict[str, Iterable[Row]] = {
            "cells": cell_rows(comparison),
            "pairs": pair_rows(comparison),
            **({"judges": judge_rows(comparison.judges)} if comparison.judges else {}),
            **(searched if kept else {}),
            "trials": reader.trials(),
            "manifest": manifest_rows(run.manifest()),
        }
        write_workbook(sheets, part)
    return f"the sheets {', '.join(sheets)}"


def manifest_rows(manifest: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A manifest as rows `fact`, `value`: `datasets › plurals › sizes › test`, 60."""
    for name, value in manifest.items():
        if isinstance(value, dict) and value:
            for row in manifest_rows(value):
                yield {"fact": f"{name} › {row['fact']}", "value": row["value"]}
        else:
            yield {"fact": name, "value": value}


def _write(path: Path, text: str) -> None:
    with replacing(path) as part:
        part.write_bytes(text.encode("utf-8", "backslashreplace"))
