"""Statistics over the cells of a run: means with intervals, paired differences, verdicts in words."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from promptlab.analysis.across import AcrossRuns, LabelledRun, compare_runs
    from promptlab.analysis.best_cell import Best, best
    from promptlab.analysis.bootstrap import bootstrap_interval, paired_bootstrap
    from promptlab.analysis.cells import CellResult, ClassTrials, CorpusTrials, Family
    from promptlab.analysis.comparing import compare
    from promptlab.analysis.comparison import (
        Breakdown,
        CellSummary,
        Comparison,
        Pair,
        ScoreSummary,
        Status,
        Verdict,
    )
    from promptlab.analysis.families import CellName
    from promptlab.analysis.intervals import Interval
    from promptlab.analysis.paired import Difference
    from promptlab.analysis.power import ASSUMED_DISCORDANCE, min_detectable, samples_needed
    from promptlab.analysis.stored import compare_run

__all__ = [
    "ASSUMED_DISCORDANCE",
    "AcrossRuns",
    "Best",
    "Breakdown",
    "CellName",
    "CellResult",
    "CellSummary",
    "ClassTrials",
    "Comparison",
    "CorpusTrials",
    "Difference",
    "Family",
    "Interval",
    "LabelledRun",
    "Pair",
    "ScoreSummary",
    "Status",
    "Verdict",
    "best",
    "bootstrap_interval",
    "compare",
    "compare_run",
    "compare_runs",
    "min_detectable",
    "paired_bootstrap",
    "samples_needed",
]

# `estimate` wants the power formulas without paying for numpy: names are fetched where they are used.
_HOMES = {
    "across": ("AcrossRuns", "LabelledRun", "compare_runs"),
    "best_cell": ("Best", "best"),
    "bootstrap": ("bootstrap_interval", "paired_bootstrap"),
    "cells": ("CellResult", "ClassTrials", "CorpusTrials", "Family"),
    "comparing": ("compare",),
    "comparison": ("Breakdown", "CellSummary", "Comparison", "Pair", "ScoreSummary", "Status", "Verdict"),
    "families": ("CellName",),
    "intervals": ("Interval",),
    "paired": ("Difference",),
    "power": ("ASSUMED_DISCORDANCE", "min_detectable", "samples_needed"),
    "stored": ("compare_run",),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"promptlab.analysis.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
