"""How well the intervals cover and the tests hold their level: exact where possible, else simulated.

    python benchmarks/validity.py [--trials 20000] [--out docs/validity.md]

Everything is seeded: the same numbers on every machine. Ends with 1 where a promise is broken.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # its two neighbours, also where a test loads this file

from rates import (
    LEAST_COVERAGE,
    Exact,
    Paired,
    bootstrapped,
    corpus_rates,
    flat_width,
    mcnemar_false_positives,
    mcnemar_tango_disagreement,
    mean_coverage,
    paired_rates,
    t_coverage,
    wilson_coverage,
)
from worlds import World

from promptlab.analysis.intervals import SMALL_COUNT, mean_interval

WILSON_SIZES = range(20, 1001)
WILSON_MEAN, WILSON_LEAST, MOST_FALSE = (0.945, 0.955), 0.89, 0.055

PAIRED_WORLDS = (
    World(60, repeats=3),
    World(100, repeats=3, level=0.9),
    World(200, repeats=5, level=0.3),
    World(100, repeats=3, steady=True),
    World(100, repeats=3, level=0.9, steady=True),
    World(120, groups=30),
    World(150, groups=30, uneven=True),
    World(100, groups=10),
    World(150, groups=30, repeats=3, level=0.8),
    World(60, continuous=True),
    World(100, continuous=True, level=0.9),
)
CORPUS_WORLDS = (
    World(100),
    World(200, level=0.8),
    World(150, groups=30),
    World(150, groups=30, uneven=True, level=0.7),
)
MEAN_WORLDS = (
    World(100, repeats=3),
    World(100, repeats=3, level=0.97),
    World(200, repeats=3, level=0.9),
    World(400, repeats=5, level=0.97),
    World(150, groups=30),
    World(150, groups=30, uneven=True, level=0.8),
    World(300, groups=60, level=0.85),
    World(100, groups=10),
    World(400, groups=40, level=0.9),
    World(100, continuous=True),
    World(300, continuous=True, level=0.95),
    World(60, continuous=True),
)


class Report:
    """The tables, and the promises that do not hold."""

    def __init__(self, trials: int) -> None:
        self.trials = trials
        self.broken: list[str] = []

    def lines(self) -> Iterator[str]:
        yield "# How far the statistics can be trusted\n"
        yield (
            f"Written by `make validity`: exact enumeration, or {self.trials:,} simulated experiments a row "
            "whose truth is known (a fifth as many for bootstrap intervals, half for the paired bootstrap). "
            "The command fails where a promise does not hold."
        )
        for table in (self.wilson, self.t, self.flat, self.means, self.mcnemar, self.flips, self.corpus):
            yield ""
            yield from table()

    def _said(self, kept: bool, what: str) -> str:
        if not kept:
            self.broken.append(what)
        return "yes" if kept else "**no**"

    def wilson(self) -> Iterator[str]:
        yield "## Wilson's interval of 0/1 scores (exact)\n"
        yield "Promise: covers 94.5 to 95.5 % on average over true shares from 0.02 to 0.98, and at least"
        yield "89 % everywhere. The lowest is taken at the bounds themselves, where coverage jumps.\n"
        yield "| n | mean | lowest | kept |\n| ---: | ---: | ---: | :---: |"
        exact = {n: wilson_coverage(n) for n in WILSON_SIZES}
        rows = [(str(n), exact[n]) for n in (20, 30, 50, 100, 200, 500, 1000)]
        for select, name in ((min, "lowest"), (max, "highest")):
            worst = Exact(
                select(each.mean for each in exact.values()), min(each.least for each in exact.values())
            )
            rows.append((f"all from {WILSON_SIZES[0]} to {WILSON_SIZES[-1]}, {name} mean", worst))
        for n, each in rows:
            kept = WILSON_MEAN[0] <= each.mean <= WILSON_MEAN[1] and each.least >= WILSON_LEAST
            yield f"| {n} | {each.mean:.2%} | {each.least:.2%} | {self._said(kept, f'Wilson, n = {n}')} |"

    def t(self) -> Iterator[str]:
        yield "## Student's t at its worst: 0/1 scores whose repeats always agree (exact)\n"
        yield f"Promise: at least 90 % from 100 samples and {SMALL_COUNT} expected successes and failures.\n"
        yield "| n | mean | lowest | kept |\n| ---: | ---: | ---: | :---: |"
        for n in (100, 200, 300, 1000):
            each = t_coverage(n)
            kept = self._said(each.least >= LEAST_COVERAGE, f"t, n = {n}")
            yield f"| {n} | {each.mean:.2%} | {each.least:.2%} | {kept} |"

    def flat(self) -> Iterator[str]:
        yield "## Scores that do not vary\n"
        yield "Promise: an interval with a width (Wilson's, over samples or groups), as t and as bootstrap.\n"
        yield "| data | narrowest interval over scores of 0, 0.5 and 1 | kept |\n| --- | ---: | :---: |"
        for n, groups in ((20, 0), (100, 0), (1000, 0), (100, 30), (1000, 30)):
            width = min(flat_width(n, value, groups) for value in (0.0, 0.5, 1.0))
            name = f"{n} samples" + (f" in {groups} groups" if groups else "")
            yield f"| {name} | {width:.4f} | {self._said(width > 0, name)} |"

    def means(self) -> Iterator[str]:
        yield "## Intervals of a mean: t over samples, t over groups, bootstrap\n"
        yield f"Promise: at least 90 % from 100 samples, 30 groups and {SMALL_COUNT} expected successes and"
        yield "failures; below that the interval is marked as rough, 9 times in 10 at least. Expected: the"
        yield "fewer of successes and failures, in the effective number of samples.\n"
        yield "| data | expected | interval | coverage | marked | kept |"
        yield "| --- | ---: | --- | ---: | ---: | :---: |"
        for world in MEAN_WORLDS:
            for name, find in (("t", mean_interval), ("bootstrap", bootstrapped)):
                each = mean_coverage(world, self.trials if name == "t" else max(200, self.trials // 5), find)
                kept = self._said(each.kept(world), f"{name}, {world.name}")
                yield (
                    f"| {world.name} | {each.expected:.0f} | {name} | {each.covered:.2%} | {each.marked:.1%} "
                    f"| {kept} |"
                )

    def mcnemar(self) -> Iterator[str]:
        yield "## Mid-p McNemar with Tango's interval (exact)\n"
        yield "Promise: at most 5.5 % false positives. Disagree: p < 0.05 and the interval say different"
        yield "things of zero, without a difference and with one of half the discordant share.\n"
        yield "| n | discordant | false positives | disagree, no difference | disagree, a difference | kept |"
        yield "| ---: | ---: | ---: | ---: | ---: | :---: |"
        for n in (30, 60, 100, 200):
            for discordance in (0.1, 0.3, 0.6):
                false = mcnemar_false_positives(n, discordance)
                null = mcnemar_tango_disagreement(n, discordance, 0.0)
                half = mcnemar_tango_disagreement(n, discordance, discordance / 2)
                kept = self._said(false <= MOST_FALSE, f"McNemar, n = {n}")
                yield f"| {n} | {discordance} | {false:.2%} | {null:.2%} | {half:.2%} | {kept} |"

    def flips(self) -> Iterator[str]:
        yield "## Sign flips over samples and over groups, with the t interval\n"
        yield "Promise: at most 5.5 % false positives.\n"
        yield from self._paired(PAIRED_WORLDS, self.trials, paired_rates)

    def corpus(self) -> Iterator[str]:
        yield "## The paired bootstrap of macro F1, over samples and over groups\n"
        yield "Promise: at most 5.5 % false positives.\n"
        yield from self._paired(CORPUS_WORLDS, max(200, self.trials // 2), corpus_rates)

    def _paired(
        self, worlds: tuple[World, ...], trials: int, rates: Callable[[World, int], Paired]
    ) -> Iterator[str]:
        yield "| data | false positives | p and interval disagree | kept |\n| --- | ---: | ---: | :---: |"
        for world in worlds:
            found = rates(world, trials)
            kept = self._said(found.false_positives <= MOST_FALSE, f"{rates.__name__}, {world.name}")
            yield f"| {world.name} | {found.false_positives:.2%} | {found.disagreement:.2%} | {kept} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=20_000)
    parser.add_argument("--out", type=Path, default=Path("docs/validity.md"))
    given = parser.parse_args()
    report = Report(given.trials)
    given.out.write_text("\n".join(report.lines()) + "\n", encoding="utf-8")
    print(f"wrote {given.out}")
    if report.broken:
        sys.exit("promises that do not hold: " + "; ".join(report.broken))


if __name__ == "__main__":
    main()
