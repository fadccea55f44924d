"""What the table's numbers rest on: intervals, tests, corrections, and the bill."""

from __future__ import annotations

from promptlab.analysis import words
from promptlab.analysis.comparison import Comparison
from promptlab.analysis.intervals import Interval
from promptlab.basics.errors import NO_ANSWER_KINDS
from promptlab.export.columns import ROUGH, Glyphs, marked

INTERVALS = {
    "wilson": "Wilson",
    "t": "Student's t over samples",
    "cluster_t": "Student's t over groups",
    "bootstrap": "bootstrap",
}
TESTS = {
    "mcnemar_midp": "mid-p McNemar with Tango's interval",
    "sign_flip_exact": "sign flips over samples (all)",
    "sign_flip": "sign flips over samples (drawn)",
    "sign_flip_groups_exact": "sign flips over groups (all)",
    "sign_flip_groups": "sign flips over groups (drawn)",
    "bootstrap": "paired bootstrap",
}
_DRAWN = ("sign_flip", "sign_flip_groups", "bootstrap")


def footing(comparison: Comparison, glyphs: Glyphs) -> str:
    """One paragraph: n, intervals, tests, the family, and what the columns mean."""
    failed = any(getattr(cell.result, kind) for cell in comparison.cells for kind in NO_ANSWER_KINDS)
    parts = (
        intervals_said(comparison),
        repeats_said(comparison),
        "Failures score 0; answered: the mean without them." if failed else "",
        tests_said(comparison),
        *tried_said(comparison),
        _signs(comparison, glyphs),
        "calls and tokens: per trial; USD: the whole cell, as first paid; time: median of a trial.",
    )
    return " ".join(part for part in parts if part)


def intervals_said(comparison: Comparison) -> str:
    by_scorer: dict[str, list[Interval]] = {}
    for cell in comparison.cells:
        for name, score in cell.scores.items():
            if score.interval:
                by_scorer.setdefault(name, []).append(score.interval)
    found = by_scorer.pop(comparison.primary, [])
    if not found:
        return ""
    methods = list(dict.fromkeys(INTERVALS[each.method] for each in found))
    others: dict[str, list[str]] = {}
    for name, intervals in by_scorer.items():
        for each in dict.fromkeys(INTERVALS[each.method] for each in intervals):
            if each not in methods:
                others.setdefault(each, []).append(name)
    named = "; ".join(
        [words.listed(methods), *(f"{words.listed(of)}: {each}" for each, of in others.items())]
    )
    sizes = sorted({each.n for each in found})
    n = words.count(sizes[0]) if len(sizes) == 1 else f"{words.count(sizes[0])} to {words.count(sizes[-1])}"
    groups = sorted({each.groups for each in found if each.groups is not None})
    of_groups = f" in {words.count(groups[0])} groups" if groups else ""
    text = f"n = {n} samples{of_groups}. [ ]: 95 % interval ({named})"
    cautions = list(dict.fromkeys(caution for each in found for caution in each.cautions))
    return f"{text}, {ROUGH} rough: {words.listed(cautions)}." if cautions else f"{text}."


def repeats_said(comparison: Comparison) -> str:
    """How many repeats there are, and what each of them drew anew."""
    count = max(
        (len(score.repeats) for cell in comparison.cells for score in cell.scores.values()), default=0
    )
    if not count:
        return ""
    anew = words.redrawn(comparison.vary)
    return (
        f"{words.count(count)} repeats, each with {anew} of its own, averaged per sample first; "
        "repeats: the lowest and the highest mean of one."
    )


def tests_said(comparison: Comparison) -> str:
    tested = [pair for pair in comparison.pairs if pair.in_family and pair.scorer == comparison.primary]
    if not tested:
        return ""
    tests = list(dict.fromkeys(TESTS[pair.found.test] for pair in tested if pair.found))
    size = comparison.family_sizes[comparison.primary]
    dropped = max(pair.dropped for pair in tested)
    text = f"Differences paired by sample: {words.listed(tests) if tests else 'none yet'}"
    if dropped:
        text += f"; up to {words.count(dropped)} samples dropped that only one side has"
    against = f" against {comparison.family.baseline}" if comparison.family.baseline else ""
    per = "" if comparison.family.primary else " per scorer"
    family = (
        f"Holm over {size} comparisons{against}{per}" if size > 1 else "one comparison, nothing to correct"
    )
    drawn = any(pair.found.test in _DRAWN for pair in tested if pair.found)
    return f"{text}; {family}{f'; seed {comparison.seed}' if drawn else ''}."


def tried_said(comparison: Comparison) -> list[str]:
    """How many variants the test samples have seen: the more, the likelier one looks good by chance."""
    return [f"{each[0].upper()}{each[1:]}" for each in comparison.exposure]


def _signs(comparison: Comparison, glyphs: Glyphs) -> str:
    if not marked(comparison, glyphs):
        return ""
    baseline = comparison.family.baseline
    if baseline is not None:
        return f"{glyphs.up} beats {baseline}, {glyphs.down} is beaten by it."
    return f"{glyphs.best} beats every other variant."


def totals(comparison: Comparison) -> str:
    """The bill: calls, tokens, cost, and what this run paid. What is unknown is said, never counted as 0."""
    cells = [cell.result for cell in comparison.cells if cell.result.n]  # the others have cost nothing yet
    calls, cached = sum(cell.calls for cell in cells), sum(cell.cached_calls for cell in cells)
    sent = words.count(comparison.sent_calls)
    parts = [f"{words.count(calls)} calls ({words.count(cached)} from the cache, {sent} sent just now)"]
    used = [
        cell.prompt_tokens + cell.completion_tokens
        for cell in cells
        if cell.prompt_tokens is not None and cell.completion_tokens is not None
    ]
    missing = len(cells) - len(used)
    parts.append(f"{'at least ' if missing else ''}{words.count(sum(used))} tokens")
    parts.append(_sum_usd([cell.cost_usd for cell in cells]))
    parts.append(f"this run paid {_sum_usd([cell.paid_usd for cell in cells])}")
    return f"In all: {', '.join(parts)}."


def _sum_usd(costs: list[float | None]) -> str:
    known = [cost for cost in costs if cost is not None]
    unknown = len(costs) - len(known)
    if not unknown:
        return words.usd(sum(known))
    cells = f"{unknown} cell{'s' if unknown > 1 else ''} unknown"
    return f"at least {words.usd(sum(known))}, {cells}" if sum(known) else f"cost unknown ({cells})"
