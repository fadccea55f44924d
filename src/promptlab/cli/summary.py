"""Several experiments of one `compare`: a line each, for a terminal or as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from promptlab.cli.rows import print_rows

if TYPE_CHECKING:
    from promptlab.analysis import Comparison
    from promptlab.cli.several import Outcome


def summary(shown: Comparison | None) -> dict[str, Any]:
    """One experiment of several: what the line of the summary says, as plain values."""
    from promptlab.analysis import best

    if shown is None:
        return {"experiment": None}
    found = best(shown)
    costs = [cell.result.cost_usd for cell in shown.cells if cell.result.n]
    known = [cost for cost in costs if cost is not None]
    return {
        "experiment": shown.experiment,
        "cells": len(shown.cells),
        "scorer": shown.primary,
        "best": found.name.to_json() if found else None,
        "best_mean": found.mean if found else None,
        "verdict": found.verdict if found else None,
        "sent_calls": shown.sent_calls,
        "calls": sum(cell.result.calls for cell in shown.cells),
        "cost_usd": sum(known) if len(known) == len(costs) else None,
    }


def print_summary(outcomes: Sequence[Outcome[Comparison]]) -> None:
    from promptlab.analysis import best, words

    rows = []
    for each in outcomes:
        row = summary(each.value)
        found = best(each.value) if each.value else None
        cost = row.get("cost_usd")
        rows.append(
            {
                "experiment": row["experiment"] or each.target,
                "cells": row.get("cells", ""),
                "best": f"{found.label} {words.number(found.mean)}" if found else "",
                "verdict": found.verdict if found else "",
                "calls": words.count(row["calls"]) if each.value else "",
                "USD": "" if not each.value else "unknown" if cost is None else words.usd(cost)[:-4],
                "state": each.state,
            }
        )
    print_rows(rows)
