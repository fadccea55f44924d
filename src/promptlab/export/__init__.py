"""What leaves promptlab: the comparison in the terminal; tables, a report, texts and plots in files."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from promptlab.export.downloads import Download, all_downloads, download_bytes
    from promptlab.export.exporting import Look, export_run
    from promptlab.export.pictures import write_picture
    from promptlab.export.plain_text import plain
    from promptlab.export.plot_rows import figure_rows
    from promptlab.export.plots import figure, figures
    from promptlab.export.rows import breakdown_pair_rows, breakdown_rows, cell_rows, pair_rows
    from promptlab.export.tables import write_table
    from promptlab.export.terminal import comparison_lines, print_comparison
    from promptlab.export.trend_plot import trend_figure

__all__ = [
    "Download",
    "Look",
    "all_downloads",
    "breakdown_pair_rows",
    "breakdown_rows",
    "cell_rows",
    "comparison_lines",
    "download_bytes",
    "export_run",
    "figure",
    "figure_rows",
    "figures",
    "pair_rows",
    "plain",
    "print_comparison",
    "trend_figure",
    "write_picture",
    "write_table",
]

# `terminal` needs rich and numpy, which a table in a file does not.
_HOMES = {
    "Download": "downloads",
    "Look": "exporting",
    "breakdown_pair_rows": "rows",
    "breakdown_rows": "rows",
    "cell_rows": "rows",
    "comparison_lines": "terminal",
    "download_bytes": "downloads",
    "all_downloads": "downloads",
    "export_run": "exporting",
    "figure": "plots",
    "figure_rows": "plot_rows",
    "figures": "plots",
    "pair_rows": "rows",
    "plain": "plain_text",
    "print_comparison": "terminal",
    "trend_figure": "trend_plot",
    "write_picture": "pictures",
    "write_table": "tables",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"promptlab.export.{_HOMES[name]}"), name)
