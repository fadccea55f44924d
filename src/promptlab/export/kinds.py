"""What of a run can be exported: the names after `--what`."""

from __future__ import annotations

from typing import Literal

What = Literal[
    "cells",
    "pairs",
    "breakdown",
    "breakdown_pairs",
    "confusion",
    "judges",
    "ratings",
    "optimizations",
    "tried",
    "trials",
    "calls",
    "prompts",
    "methods",
    "bibtex",
]
