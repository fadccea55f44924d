"""How well the intervals cover and the tests hold their level: exact where possible, else simulated.

    python benchmarks/validity.py [--trials 20000] [--out docs/validity.md]

Everything is seeded: the same numbers on every machine.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from promptlab.analysis.bootstrap import CorpusScores, corpus_difference, corpus_interval
from promptlab.analysis.intervals import Interval, mean_interval, wilson
from promptlab.analysis.paired import difference, mcnemar_midp, tango
from promptlab.analysis.samples import PairedScores, SampleScores
from promptlab.scoring.corpus import Classes, Floats

SHARES = np.arange(0.02, 0.981, 0.005)


def wilson_coverage(n: int, shares: np.ndarray = SHARES) -> np.ndarray:
    """The exact probability that Wilson's interval holds the true share, for each of `shares`."""
    successes = np.arange(n + 1)
    bounds = np.array([wilson(k, n) for k in successes])
    mass = stats.binom.pmf(successes[None, :], n, shares[:, None])
    covered = (bounds[:, 0] <= shares[:, None]) & (shares[:, None] <= bounds[:, 1])
    return (mass * covered).sum(axis=1)


def mcnemar_false_positives(n: int, discordance: float, _known: dict[int, float] = {}) -> float:  # noqa: B006
    """The exact rate at which mid-p McNemar calls a difference where there is none."""
    pairs = np.arange(n + 1)
    for m in range(n + 1):
        if m not in _known:
            rejected = [k for k in range(m + 1) if mcnemar_midp(k, m - k) < 0.05]
            _known[m] = float(stats.binom.pmf(rejected, m, 0.5).sum()) if rejected else 0.0
    return float(stats.binom.pmf(pairs, n, discordance) @ np.array([_known[m] for m in pairs]))


def mcnemar_tango_disagreement(n: int, discordance: float, effect: float) -> float:
    """The exact probability that p < 0.05 and Tango's interval say different things."""
    win, loss = (discordance + effect) / 2, (discordance - effect) / 2
    wins, losses = np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij")
    mass = stats.multinomial.pmf(
        np.stack([wins, losses, np.maximum(n - wins - losses, 0)], axis=-1), n, [win, loss, 1 - win - loss]
    )
    total = 0.0
    for won, lost in np.argwhere((mass > 1e-7) & (wins + losses <= n)):
        low, high = tango(int(won), int(lost), n)
        if (mcnemar_midp(int(won), int(lost)) < 0.05) != (low > 0 or high < 0):
            total += float(mass[won, lost])
    return total


@dataclass(frozen=True)
class World:
    """How scores come about: samples and groups differ in difficulty, and a group favours one variant."""

    samples: int
    repeats: int = 1
    group_size: int = 0
    level: float = 0.5
    """Mean score, roughly."""
    group_spread: float = 1.0
    continuous: bool = False

    def name(self) -> str:
        kind = "scores in [0, 1]" if self.continuous else "0/1"
        repeats = f", {self.repeats} repeats" if self.repeats > 1 else ""
        groups = f", {self.samples // self.group_size} groups of {self.group_size}" if self.group_size else ""
        return f"{self.samples} samples{repeats}{groups}, {kind}, level {self.level:g}"

    def groups(self) -> np.ndarray | None:
        return np.arange(self.samples) // self.group_size if self.group_size else None

    def draw(self, generator: np.random.Generator, variants: int) -> np.ndarray:
        """Scores, variants × samples, averaged over repeats. No variant is better than another on average."""
        ease = np.log(self.level / (1 - self.level)) + generator.normal(0, 1.5, self.samples)
        logits = np.repeat(ease[None, :], variants, axis=0)
        groups = self.groups()
        if groups is not None:
            count = int(groups.max()) + 1
            shared = generator.normal(0, self.group_spread, count)
            own = generator.normal(0, self.group_spread, (variants, count))
            logits += shared[groups] + own[:, groups]
        chances = 1 / (1 + np.exp(-logits))
        if self.continuous:
            return generator.beta(4 * chances + 0.05, 4 * (1 - chances) + 0.05)
        return generator.binomial(self.repeats, chances) / self.repeats

    def truth(self) -> float:
        """The mean over all samples that could have been drawn."""
        generator = np.random.default_rng(12345)
        return float(np.mean([self.draw(generator, 1).mean() for _ in range(2000)]))

    def scores(self, values: np.ndarray) -> SampleScores:
        return SampleScores(
            samples=np.arange(self.samples),
            values=values,
            groups=self.groups(),
            binary=self.repeats == 1 and not self.continuous,
            bounded=True,
        )


PAIRED_WORLDS = (
    World(60, repeats=3),
    World(100, repeats=3, level=0.9),
    World(200, repeats=5, level=0.3),
    World(120, group_size=4),
    World(100, group_size=10),
    World(150, group_size=5, repeats=3, level=0.8),
    World(60, continuous=True),
    World(100, continuous=True, level=0.9),
)
MEAN_WORLDS = (
    World(100, repeats=3),
    World(100, repeats=3, level=0.97),
    World(200, repeats=3, level=0.9),
    World(400, repeats=5, level=0.95),
    World(150, group_size=5),
    World(300, group_size=5, level=0.85),
    World(400, group_size=10, level=0.9),
    World(100, continuous=True),
    World(300, continuous=True, level=0.95),
)


@dataclass(frozen=True)
class Paired:
    """Over many draws without a true difference: how often the test rejects, and the interval disagrees."""

    false_positives: float
    disagreement: float


def paired_rates(world: World, trials: int, draws: int = 999) -> Paired:
    generator = np.random.default_rng(world.samples * 1000 + world.repeats)
    rejected = disagreed = 0
    for trial in range(trials):
        a, b = world.draw(generator, 2)
        pair = PairedScores(a, b, world.groups(), world.repeats == 1 and not world.continuous, True, 0)
        found = difference(pair, seed=trial, draws=draws)
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        rejects = found.p < 0.05
        rejected += rejects
        disagreed += rejects != (found.low > 0 or found.high < 0)
    return Paired(rejected / trials, disagreed / trials)


@dataclass(frozen=True)
class Coverage:
    """How often the interval holds the truth, and how often it is marked as rough."""

    covered: float
    marked: float


def mean_coverage(
    world: World, trials: int, find: Callable[[SampleScores], Interval | None] = mean_interval
) -> Coverage:
    generator = np.random.default_rng(world.samples + 7)
    truth = world.truth()
    covered = marked = 0
    for _ in range(trials):
        found = find(world.scores(world.draw(generator, 1)[0]))
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= truth <= found.high
        marked += bool(found.cautions)
    return Coverage(covered / trials, marked / trials)


def bootstrapped(scores: SampleScores) -> Interval:
    """The bootstrap interval of the mean, with the cautions of the t interval for the same scores."""
    counts = np.stack((scores.values, np.ones(len(scores))), axis=1)
    every = np.arange(len(scores), dtype=np.int64)
    found = corpus_interval(CorpusScores(every, every, counts, scores.groups, _Mean(), "d"), 1, draws=400)
    plain = mean_interval(scores)
    assert plain is not None
    assert found is not None
    return Interval(plain.mean, found.low, found.high, "bootstrap", len(scores), plain.groups, plain.cautions)


class _Mean:
    """The mean as a score of the whole: sums and counts."""

    def expanded(self, rows: Floats) -> Floats:
        return rows

    def values(self, totals: Floats) -> Floats:
        return totals[:, 0] / totals[:, 1]


@dataclass(frozen=True)
class ClassWorld:
    """Two models that label as well as each other, right with `accuracy`, alike where they are both lucky."""

    n: int
    metric: str = "f1"
    classes: int = 3
    accuracy: float = 0.75
    group_size: int = 1

    def name(self) -> str:
        groups = f", groups of {self.group_size}" if self.group_size > 1 else ""
        return f"{self.metric}, {self.classes} labels, n = {self.n}, right {self.accuracy:.0%}{groups}"


CLASS_WORLDS = (
    ClassWorld(50),
    ClassWorld(100),
    ClassWorld(100, "mcc"),
    ClassWorld(100, accuracy=0.95),
    ClassWorld(200, classes=8),
    ClassWorld(300, group_size=5),
)


def class_rates(world: ClassWorld, trials: int, draws: int = 500) -> tuple[float, float]:
    """How often the paired bootstrap calls a difference that is not there, and how often the interval of one
    model's score holds the true one."""
    corpus = Classes(world.metric)  # type: ignore[arg-type]
    generator = np.random.default_rng(5)
    truth_score = _class_score(world, corpus, 200_000, generator)[0].value
    called = covered = 0
    for trial in range(trials):
        a, b = _class_score(world, corpus, world.n, generator)
        found, _ = corpus_difference([a], [b], trial, draws)
        interval = corpus_interval(a, trial, draws)
        assert found is not None
        assert interval is not None
        called += found.p < 0.05
        covered += interval.low <= truth_score <= interval.high
    return called / trials, covered / trials


def _class_score(
    world: ClassWorld, corpus: Classes, n: int, generator: np.random.Generator
) -> tuple[CorpusScores, CorpusScores]:
    units = n // world.group_size
    of_unit = np.repeat(np.arange(units), world.group_size)
    # Hard units are hard for both models, and labels are not equally frequent.
    ease = generator.beta(4, 1.2, units)
    ease = np.clip(ease * world.accuracy / (4 / 5.2), 0, 1)[of_unit]
    shares = np.arange(world.classes, 0, -1) / np.arange(world.classes, 0, -1).sum()
    truth = generator.choice(world.classes, len(of_unit), p=shares)
    every = np.arange(len(of_unit))
    groups = of_unit if world.group_size > 1 else None
    sides = []
    for _ in range(2):
        wrong = (truth + generator.integers(1, world.classes, len(of_unit))) % world.classes
        guess = np.where(generator.random(len(of_unit)) < ease, truth, wrong)
        rows = np.stack((truth, guess), axis=1).astype(np.float64)
        stored, kind = np.unique(rows, axis=0, return_inverse=True)
        kinds = kind.reshape(-1).astype(np.int64)
        sides.append(CorpusScores(every, kinds, corpus.expanded(stored), groups, corpus, "d"))
    return sides[0], sides[1]


def report(trials: int) -> Iterator[str]:
    yield "# How far the statistics can be trusted\n"
    yield f"Written by `benchmarks/validity.py`: {trials:,} simulated data sets a row, or exact.\n"
    yield "## Wilson's interval for 0/1 scores (exact)\n"
    yield "Coverage of the 95 % interval over true shares from 0.02 to 0.98.\n"
    yield "| n | mean | lowest |\n| ---: | ---: | ---: |"
    for n in (20, 30, 50, 75, 100, 150, 200, 300, 500, 1000):
        exact = wilson_coverage(n)
        yield f"| {n} | {exact.mean():.2%} | {exact.min():.2%} |"
    yield "\n## Mid-p McNemar (exact)\n"
    yield "False positives at 5 %, and how often p < 0.05 and Tango's interval disagree on zero.\n"
    yield "| n | discordant | false positives | disagree, no difference | disagree, difference of half |"
    yield "| ---: | ---: | ---: | ---: | ---: |"
    for n in (30, 60, 100, 200):
        for discordance in (0.1, 0.3, 0.6):
            false = mcnemar_false_positives(n, discordance)
            null = mcnemar_tango_disagreement(n, discordance, 0.0)
            half = mcnemar_tango_disagreement(n, discordance, discordance / 2)
            yield f"| {n} | {discordance} | {false:.2%} | {null:.2%} | {half:.2%} |"
    yield "\n## Sign flips over samples and groups\n"
    yield "| data | false positives | p and interval disagree |\n| --- | ---: | ---: |"
    for world in PAIRED_WORLDS:
        found = paired_rates(world, trials)
        yield f"| {world.name()} | {found.false_positives:.2%} | {found.disagreement:.2%} |"
    yield "\n## Intervals of a mean: t over samples, t over groups, bootstrap\n"
    yield "Coverage of the 95 % interval, and how often it is marked as rough (few samples or failures).\n"
    yield "| data | interval | coverage | marked |\n| --- | --- | ---: | ---: |"
    for world in MEAN_WORLDS:
        for name, find in (("t", mean_interval), ("bootstrap", bootstrapped)):
            coverage = mean_coverage(world, trials if name == "t" else max(200, trials // 10), find)
            yield f"| {world.name()} | {name} | {coverage.covered:.2%} | {coverage.marked:.1%} |"
    yield "\n## Scores of whole cells: the bootstrap\n"
    yield "False positives of the paired bootstrap at 5 %, and coverage of one score's 95 % interval.\n"
    yield "| data | false positives | coverage |\n| --- | ---: | ---: |"
    for each in CLASS_WORLDS:
        called, held = class_rates(each, max(200, trials // 10))
        yield f"| {each.name()} | {called:.2%} | {held:.2%} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=20_000)
    parser.add_argument("--out", type=Path, default=Path("docs/validity.md"))
    given = parser.parse_args()
    given.out.write_text("\n".join(report(given.trials)) + "\n", encoding="utf-8")
    print(f"wrote {given.out}")


if __name__ == "__main__":
    main()
