"""The report's file: template, style, script and data put together, the samples one at a time."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TextIO

from promptlab.analysis import compare_run
from promptlab.basics.json_text import json_text
from promptlab.export.replacing import replacing
from promptlab.export.report.content import facts, samples
from promptlab.runs import RunDirectory, RunReader

# Beyond this a browser takes long to open the page: the report then holds the first samples, and says so.
MOST_SAMPLE_CHARS = 80_000_000
NO_PLOTS = "The plots need plotly: pip install 'promptlab-workbench[ui]'"
_SAMPLES = "<!-- samples -->"


def write_report(run: RunDirectory, path: Path) -> str:
    """Writes the report of `run` to `path` and says what is in it. UsageError: it cannot be written."""
    comparison = compare_run(run)
    folder = files("promptlab.export.report")
    script = (folder / "page.js").read_text(encoding="utf-8")
    plotly = _plotly_js()
    with RunReader(run) as reader, replacing(path) as part:
        whole = Template((folder / "page.html").read_text(encoding="utf-8")).substitute(
            policy=_policy(script, plotly),
            style=(folder / "page.css").read_text(encoding="utf-8"),
            facts=_embedded(facts(run, comparison, reader)),
            plotly=plotly,
            script=script,
        )
        # The placeholder comes first: what follows it is plotly and our script.
        before, _, after = whole.partition(_SAMPLES)
        with part.open("w", encoding="utf-8", newline="\n") as stream:
            stream.write(before)
            written, left = _write_samples(stream, reader)
            stream.write(after.replace('"left_out"', str(left), 1))
    told = f"a report of {len(comparison.cells):,} cells and {written:,} samples"
    if left:
        told += f"; {left:,} more samples would make it too large for a browser: they are in xlsx or parquet"
    return told if plotly else f"{told}. {NO_PLOTS}"


def _write_samples(stream: TextIO, reader: RunReader) -> tuple[int, int]:
    """How many samples were written, and how many not."""
    written = left = chars = 0
    for sample in samples(reader):
        text = _embedded(sample)
        chars += len(text)
        if left or chars > MOST_SAMPLE_CHARS:
            left += 1
            continue
        stream.write(f"{',' if written else ''}\n{text}")
        written += 1
    return written, left


def _embedded(value: object) -> str:
    """JSON that no HTML parser sees a tag or a comment in."""
    return json_text(value).replace("<", "\\u003c")


def _plotly_js() -> str:
    """plotly.js, 4.8 MB; empty where plotly is not installed."""
    if importlib.util.find_spec("plotly") is None:
        return ""
    from plotly.offline import get_plotlyjs

    source: str = get_plotlyjs()
    return source


def _policy(*scripts: str) -> str:
    """Nothing from elsewhere, and no script but these."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; "
        "img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'"
    )
