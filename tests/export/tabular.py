"""A small strict reader of what the LaTeX export writes: it fails where LaTeX would."""

from __future__ import annotations

import re

_COMMANDS = {
    "textbackslash": "\\",
    "textasciicircum": "^",
    "textasciitilde": "~",
    "textless": "<",
    "textgreater": ">",
    "textbar": "|",
    "textasciigrave": "`",
    "textquotesingle": "'",
    "pm": "±",
    "times": "×",
    "dagger": "†",
    "mbox": "",
    "ttfamily": "",
    "small": "",
}
_TOKEN = re.compile(
    r"\\textbf\{|\\symbol\{34\}|\\\\|\\(?P<name>[a-zA-Z]+)(\{\})?|\\(?P<sign>[{}$&#%_ ,])|(?P<char>.)",
    re.DOTALL,
)


def text_of(source: str) -> str:
    """What LaTeX would print of that cell; AssertionError for a sign that LaTeX would interpret."""
    out, depth, math = "", 0, False
    for token in _TOKEN.finditer(source):
        if token[0] == "\\textbf{":
            depth += 1
        elif token[0] == "\\symbol{34}":
            out += '"'
        elif token["name"]:
            assert token["name"] in _COMMANDS, f"\\{token['name']} would run"
            out += _COMMANDS[token["name"]]
        elif token["sign"]:
            out += token["sign"]
        elif token["char"] == "$":
            math = not math
        elif token["char"] == "{":
            depth += 1
        elif token["char"] == "}":
            depth -= 1
            assert depth >= 0, f"a brace too many in {source!r}"
        else:
            assert token["char"] not in ("\\&#%_~" if math else "\\&#%_~^"), source
            out += token["char"]
    assert not depth, f"a brace is open in {source!r}"
    assert not math, f"math is open in {source!r}"
    return out


def read_tabular(source: str) -> list[list[str]]:
    """The rows of the one tabular in `source`, as printed; every row has as many cells as columns."""
    found = re.search(r"\\begin\{tabular\}\{([lrc]+)\}\n(.*?)\\end\{tabular\}", source, re.DOTALL)
    assert found, "no tabular"
    lines = found[2].splitlines()
    assert lines[0] == "\\toprule"
    assert lines[-1] == "\\bottomrule"
    rows = []
    for line in lines[1:-1]:
        if line == "\\midrule":
            continue
        assert line.endswith(r" \\"), line
        cells = re.split(r"(?<!\\) ?& ", line.removesuffix(r" \\"))
        assert len(cells) == len(found[1]), line
        assert not re.match(r"[\[*]", cells[0]), "it would belong to the line's end before"
        rows.append([text_of(cell).strip() for cell in cells])
    return rows
