"""Everything that a run can be written to, one entry a file: what the workbench offers by button."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from promptlab.export.exporting import Look, export_run
from promptlab.export.pictures import PICTURES
from promptlab.export.plots import figures
from promptlab.runs import RunDirectory

if TYPE_CHECKING:
    from promptlab.analysis import Comparison

Kind = Literal["table", "report", "text", "plot", "bundle", "baseline"]
TABLES = (".csv", ".tsv", ".jsonl", ".parquet", ".xlsx", ".md")


@dataclass(frozen=True, slots=True)
class Download:
    """One file: `what` is a table's or text's name (None: all that the format holds) or a plot's.

    `command` is what writes the same bytes in a terminal.
    """

    kind: Kind
    what: str | None
    ending: str
    bom: bool = False

    def name(self, run: RunDirectory) -> str:
        """The file's name: `RUN-trials.csv`, `RUN.zip`."""
        return f"{run.id}{f'-{self.what}' if self.what else ''}{self.ending}"

    def command(self, run: RunDirectory) -> str:
        file = self.name(run)
        if self.kind == "bundle":
            return f"promptlab bundle {run.id} --out {file}"
        if self.kind == "plot":
            return f"promptlab plot {run.id} --what {self.what} --to {file}"
        what = f" --what {self.what}" if self.what else ""
        return f"promptlab export {run.id}{what} --to {file}{' --bom' if self.bom else ''}"


def all_downloads(comparison: Comparison) -> Iterator[Download]:
    """What this run has something for, in the order tables, texts, plots, whole run."""
    tables = ["cells", "pairs", "trials", "calls"]
    tables += ["breakdown", "breakdown_pairs"] if comparison.breakdowns else []
    tables += ["confusion"] if any(cell.result.classes is not None for cell in comparison.cells) else []
    tables += ["judges"] if comparison.judges else []
    for what in tables:
        for ending in TABLES:
            yield Download("table", what, ending)
            if ending == ".csv":
                yield Download("table", what, ending, bom=True)
        if what in ("cells", "pairs"):
            yield Download("table", what, ".tex")
    yield Download("table", None, ".xlsx")
    for what, endings in (
        ("prompts", (".md", ".tex")),
        ("methods", (".md", ".tex", ".txt")),
        ("bibtex", (".bib",)),
    ):
        yield from (Download("text", what, ending) for ending in endings)
    drawable = (".html", *PICTURES) if importlib.util.find_spec("kaleido") else (".html",)
    for what in figures(comparison):
        yield from (Download("plot", what, ending) for ending in drawable)
    yield Download("report", None, ".html")
    yield Download("bundle", None, ".zip")
    yield Download("baseline", None, ".json")


def write_download(run: RunDirectory, wanted: Download, path: Path, home: Path) -> None:
    """Writes it, as its command does. UsageError as the command says it: no browser to draw with, say."""
    if wanted.kind == "bundle":
        from promptlab.export.bundle import pack
        from promptlab.models.client import CACHE_FOLDER

        pack(run, path, cache=home / CACHE_FOLDER, folder=Path.cwd())
    elif wanted.kind == "plot":
        from promptlab.analysis import compare_run
        from promptlab.export.pictures import write_picture
        from promptlab.export.plots import figure

        write_picture(figure(wanted.what or "", compare_run(run)), path)
    else:
        what: Any = wanted.what
        export_run(run, path, what, Look(bom=wanted.bom))


def download_bytes(run: RunDirectory, wanted: Download, home: Path) -> bytes:
    """The file's content."""
    with tempfile.TemporaryDirectory(prefix="promptlab-") as folder:
        path = Path(folder) / wanted.name(run)
        write_download(run, wanted, path, home)
        return path.read_bytes()
