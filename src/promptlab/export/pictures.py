"""A plot to a file: a page of its own, or a picture drawn by a browser that nobody sees."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from promptlab.basics.errors import UsageError
from promptlab.basics.registry import did_you_mean
from promptlab.export.replacing import replacing

PICTURES = (".pdf", ".png", ".svg")
ENDINGS = (".html", *PICTURES)
_SIZE = {"width": 900, "height": 540}
_SCALE = 2  # png: dots per pixel of the page, for print
_EXTRAS = {"plotly": "ui", "kaleido": "plots"}


def write_picture(figure: dict[str, Any], path: Path) -> None:
    """Writes a plot (`plots.figure`) as html, which holds plotly.js itself, or as png, svg or pdf.

    Pictures need kaleido and a browser. UsageError: what is missing, an unknown ending, no place to write.
    """
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise UsageError(
            f"cannot plot to {path.name!r}: unknown ending {path.suffix!r}.",
            remedy=did_you_mean(ending, ENDINGS),
        )
    _check_installed("plotly")
    if ending == ".html":
        from plotly.io import to_html

        content = to_html(figure, include_plotlyjs=True, full_html=True).encode()
    else:
        _check_installed("kaleido")
        content = _drawn(figure, ending.removeprefix("."), path)
    with replacing(path) as part:
        part.write_bytes(content)


def _drawn(figure: dict[str, Any], kind: str, path: Path) -> bytes:
    from kaleido.errors import ChromeNotFoundError
    from plotly.io import to_image

    try:
        content: bytes = to_image(figure, format=kind, scale=_SCALE if kind == "png" else 1, **_SIZE)
    except (ChromeNotFoundError, RuntimeError, OSError) as error:
        raise UsageError(
            f"cannot draw {path.name!r}: no Chrome or Chromium that works ({_first_line(error)}).",
            remedy=f"Install Chromium, or plot to {path.stem}.html, which needs none.",
        ) from error
    return content


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].strip().rstrip(".") if lines else type(error).__name__


def _check_installed(name: str) -> None:
    if importlib.util.find_spec(name) is None:
        raise UsageError(
            f"{'plots need' if name == 'plotly' else 'pictures need'} {name}.",
            remedy=f"Install it: pip install 'promptlab-workbench[{_EXTRAS[name]}]'",
        )
