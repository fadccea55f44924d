r"""Tables for a paper: booktabs, every text escaped, the best in bold only where it was shown to be.

A file needs `\usepackage{booktabs}`; what is beyond ASCII (Chinese names) needs XeLaTeX or LuaLaTeX.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

from promptlab.analysis import words
from promptlab.basics.errors import NO_ANSWER_KINDS
from promptlab.basics.json_text import json_text
from promptlab.export.columns import ROUGH
from promptlab.export.plain_text import plain

if TYPE_CHECKING:
    from promptlab.analysis.comparison import CellSummary, Comparison
    from promptlab.analysis.verdict import Speaker

IntervalStyle = Literal["range", "pm"]

_SIGNS = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\symbol{34}",
    "`": r"\textasciigrave{}",
    # After the \\ of the row before, [ would be its length and * its star.
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
    "±": r"$\pm$",
    "−": "$-$",
    "×": r"$\times$",
    **{sign: f"\\{sign}" for sign in "{}$&#%_"},
}
_TABLE = str.maketrans(_SIGNS)
_LIGATURE = re.compile(r"(?<=-)(?=-)|(?<=')(?=')|(?<=,)(?=,)")


def escaped(text: str) -> str:
    """`text` on one line, as LaTeX shows it and never runs it."""
    return _LIGATURE.sub("{}", plain(" ".join(text.splitlines())).translate(_TABLE))


def cells_table(
    comparison: Comparison, *, interval: IntervalStyle = "range", caption: str = "", label: str = ""
) -> str:
    """The comparison as a table float: one row a cell, one column a score with its interval.

    Bold is a mean whose variant beats every other one of its model and data set, after the correction; a
    dagger beats the baseline. `interval`: "range" prints [low, high], "pm" half its width after ±.
    """
    from promptlab.analysis.verdict import Speaker
    from promptlab.export.winners import ahead_of_baseline, winners

    speaker = Speaker(comparison)
    cells = comparison.cells
    scorers = [name for name in comparison.family.scorers if comparison.primary]
    groups = [list(group) for _, group in groupby(_by_setting(cells), key=_setting)]
    models, datasets = ({getattr(cell.result, side) for cell in cells} for side in ("model", "dataset"))
    failed = any(getattr(cell.result, kind) for cell in cells for kind in NO_ANSWER_KINDS)
    names = ["Variant", *(["Model"] * (len(models) > 1)), *(["Data set"] * (len(datasets) > 1))]
    best = {name: winners(comparison, name) for name in scorers}
    ahead = {name: ahead_of_baseline(comparison, name) for name in scorers}
    blocks = [
        [
            [
                escaped(speaker.variant(cell.result.variant)),
                *([escaped(cell.result.model)] if len(models) > 1 else []),
                *([escaped(cell.result.dataset)] if len(datasets) > 1 else []),
                *(
                    _score(cell, name, interval, speaker, cell.name in best[name], cell.name in ahead[name])
                    for name in scorers
                ),
                _thousands(cell.result.n),
                *(
                    [_thousands(sum(getattr(cell.result, kind) for kind in NO_ANSWER_KINDS))]
                    if failed
                    else []
                ),
            ]
            for cell in group
        ]
        for group in groups
    ]
    head = [*names, *map(escaped, scorers), "Trials", *(["Failures"] if failed else [])]
    columns = "l" * (len(names) + len(scorers)) + "r" * (1 + failed)
    said = caption and escaped(caption)
    return _float(
        head, columns, blocks, said or _caption(comparison, speaker, interval), label or "tab:cells"
    )


def pairs_table(comparison: Comparison, *, caption: str = "", label: str = "") -> str:
    """The paired differences of the family: difference, 95 % interval, n, p after the correction, verdict."""
    from promptlab.analysis.verdict import Speaker
    from promptlab.export.footing import tests_said
    from promptlab.export.winners import printed_p

    speaker = Speaker(comparison)
    pairs = [pair for pair in comparison.pairs if pair.in_family]
    scorers = list(dict.fromkeys(pair.scorer for pair in pairs))
    several = len(scorers) > 1
    blocks = [
        [
            [
                *([escaped(pair.scorer)] if several else []),
                escaped(" − ".join(speaker.sides(pair)) + speaker.where(pair)),
                _minus(speaker.signed(pair)),
                _minus(speaker.bounds(pair)),
                _thousands(pair.found.n if pair.found else 0),
                escaped(printed_p(pair)),
                escaped(pair.verdict.value),
            ]
            for pair in group
        ]
        for _, group in groupby(pairs, key=lambda pair: pair.scorer)
    ]
    of = f" in {words.listed(scorers)}" if scorers else ""
    said = f"{comparison.experiment}: paired differences a − b{of}. {tests_said(comparison)}"
    text = escaped(caption or said.strip())
    head = ["a $-$ b", "Difference", r"95\,\% interval", "$n$", "$p$ (Holm)", "Verdict"]
    if several:
        head = ["Score", *head]
    return _float(head, "l" * several + "lrlrrl", blocks, text, label or "tab:pairs")


def plain_table(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Any rows as one tabular, line by line: numbers to the right, four digits, the rest as text."""
    table = [dict(row) for row in rows]
    names = list(table[0]) if table else []
    right = [all(isinstance(row.get(name), (int, float, type(None))) for row in table) for name in names]
    yield "% Needs \\usepackage{booktabs}.\n"
    if not table:
        return
    yield f"\\begin{{tabular}}{{{''.join('r' if numeric else 'l' for numeric in right)}}}\n\\toprule\n"
    yield _line(map(escaped, names)) + "\\midrule\n"
    for row in table:
        yield _line(_value(row.get(name)) for name in names)
    yield "\\bottomrule\n\\end{tabular}\n"


def _float(
    head: Sequence[str], columns: str, blocks: Sequence[Sequence[Sequence[str]]], caption: str, label: str
) -> str:
    body = "\\midrule\n".join("".join(_line(row) for row in block) for block in blocks)
    text = (
        "\\begin{table}\n\\centering\n"
        f"\\caption{{{caption}}}\n\\label{{{re.sub(r'[^A-Za-z0-9:._-]', '-', label)}}}\n"
        f"\\begin{{tabular}}{{{columns}}}\n\\toprule\n{_line(head)}\\midrule\n{body}\\bottomrule\n"
        "\\end{tabular}\n\\end{table}\n"
    )
    beyond = "" if text.isascii() else "% Compile with XeLaTeX or LuaLaTeX: it holds signs beyond ASCII.\n"
    return f"% Needs \\usepackage{{booktabs}}.\n{beyond}{text}"


def _line(cells: Iterable[str]) -> str:
    return f"{' & '.join(cells)} \\\\\n"


def _score(
    cell: CellSummary, scorer: str, style: IntervalStyle, speaker: Speaker, best: bool, ahead: bool
) -> str:
    found = cell.scores[scorer].interval
    if found is None:
        return "-"
    mean = _minus(words.number(found.mean, speaker.digits))
    mean = f"\\textbf{{{mean}}}" if best else mean
    mean += "$^{\\dagger}$" if ahead else ""
    if found.low is None or found.high is None:
        return mean
    if style == "pm":
        between = f"$\\pm$ {words.number((found.high - found.low) / 2, speaker.digits)}"
    else:
        between = _minus(words.bounds(found.low, found.high, speaker.digits))
    return f"{mean} {between}{escaped(ROUGH) if found.cautions else ''}"


def _caption(comparison: Comparison, speaker: Speaker, interval: IntervalStyle) -> str:
    """What the numbers rest on, from the comparison itself."""
    from promptlab.export.footing import intervals_said, tests_said
    from promptlab.export.judges import judges_said
    from promptlab.export.winners import ahead_of_baseline, winners

    models, datasets = (
        list(dict.fromkeys(getattr(cell.result, side) for cell in comparison.cells))
        for side in ("model", "dataset")
    )
    text = f"{comparison.experiment}: {_kind(comparison)}"
    text += f" of {models[0]}" if len(models) == 1 else ""
    text += f" on {datasets[0]}" if len(datasets) == 1 else ""
    said = intervals_said(comparison)
    if interval == "pm":
        said = said.replace("[ ]: 95 % interval", "±: half the width of the 95 % interval")
    parts = [f"{text}.", said, tests_said(comparison), *judges_said(comparison.judges)]
    if any(winners(comparison, name) for name in comparison.family.scorers):
        parts.append("Bold: beats every other variant of its model and data set after the correction.")
    notes = [escaped(part) for part in parts if part]
    if any(ahead_of_baseline(comparison, name) for name in comparison.family.scorers):
        notes.append(f"$\\dagger$: beats {escaped(comparison.family.baseline or '')} after the correction.")
    if pending := sum(cell.result.pending for cell in comparison.cells):
        notes.append(f"Preliminary: {_thousands(pending)} trials are pending.")
    return " ".join(notes)


def _kind(comparison: Comparison) -> str:
    """Some scores belong to the whole cell and are no means."""
    return "scores" if any(cell.result.corpus for cell in comparison.cells) else "mean scores"


def _by_setting(cells: Iterable[CellSummary]) -> list[CellSummary]:
    """The cells of one model and data set together, in the file's order."""
    groups: dict[tuple[str, str], list[CellSummary]] = {}
    for cell in cells:
        groups.setdefault(_setting(cell), []).append(cell)
    return [cell for group in groups.values() for cell in group]


def _setting(cell: CellSummary) -> tuple[str, str]:
    return cell.result.model, cell.result.dataset


def _minus(text: str) -> str:
    """Numbers of ours: a hyphen before a digit is a minus; brackets must not follow a line's end."""
    return re.sub(r"-(?=\d)", "$-$", text).replace("[", "{[}").replace("]", "{]}")


def _thousands(count: int) -> str:
    return f"{count:,}".replace(",", "{,}")


def _value(value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return _minus(f"{value:.4g}" if isinstance(value, float) else str(value))
    return escaped(value if isinstance(value, str) else json_text(value))
