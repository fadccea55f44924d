"""How often intervals hold the truth, and how often tests call a difference that is not there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats
from worlds import World, f1_parts, macro_f1, mean_of, mean_parts

from promptlab.analysis.intervals import SMALL_COUNT, Interval, effective_units, mean_interval, wilson
from promptlab.analysis.paired import difference, mcnemar_midp, tango
from promptlab.analysis.resampling import resampled_difference, resampled_interval, resampled_sums
from promptlab.analysis.samples import SampleScores

SHARES = np.linspace(0.02, 0.98, 961)
LEAST_COVERAGE = 0.90
MARKED = 0.9  # of the intervals that promise nothing


@dataclass(frozen=True)
class Exact:
    """The exact coverage of an interval of a share: on average, and at its worst."""

    mean: float
    least: float


def _coverage(low: np.ndarray, high: np.ndarray, n: int, shares: np.ndarray) -> np.ndarray:
    """P(the interval of k out of n holds the share); the bounds rise with k."""
    first, last = np.searchsorted(high, shares, "left"), np.searchsorted(low, shares, "right") - 1
    found = stats.binom.cdf(last, n, shares) - stats.binom.cdf(first - 1, n, shares)
    return np.asarray(found)


def _at_bounds(low: np.ndarray, high: np.ndarray, least: float) -> np.ndarray:
    """Where coverage jumps, on both sides: between two jumps it is never lower than at one of them."""
    ends = np.concatenate((low, high))
    ends = np.concatenate((ends - 1e-12, ends + 1e-12))
    return ends[(ends >= least) & (ends <= 1 - least)]


def wilson_coverage(n: int) -> Exact:
    """Wilson's interval over true shares from 0.02 to 0.98."""
    low, high = np.array([wilson(k, n) for k in range(n + 1)]).T
    worst = _coverage(low, high, n, _at_bounds(low, high, 0.02))
    return Exact(float(_coverage(low, high, n, SHARES).mean()), float(worst.min()))


def t_coverage(n: int) -> Exact:
    """Student's t on 0/1 scores (repeats that agree), where `SMALL_COUNT` of each kind are expected."""
    found = [mean_interval(_shares(k, n)) for k in range(n + 1)]
    bounds = np.array([(each.low, each.high) for each in found if each])
    low, high = np.maximum.accumulate(bounds[:, 0]), np.maximum.accumulate(bounds[:, 1])
    least = SMALL_COUNT / n
    worst = _coverage(low, high, n, _at_bounds(low, high, least))
    grid = np.linspace(least, 1 - least, 961)
    return Exact(float(_coverage(low, high, n, grid).mean()), float(worst.min()))


def _shares(k: int, n: int) -> SampleScores:
    values = (np.arange(n) < k).astype(np.float64)
    return SampleScores(np.arange(n), values, None, binary=False, bounded=True)


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
class Paired:
    """Over many draws without a true difference: how often the test rejects, and the interval disagrees."""

    false_positives: float
    disagreement: float


def paired_rates(world: World, trials: int, draws: int = 999) -> Paired:
    """Sign flips over samples, or over groups."""

    def one(generator: np.random.Generator, trial: int) -> tuple[float, float, float]:
        a, b = world.draw(generator, 2)
        found = difference(world.pair(a, b), seed=trial, draws=draws)
        assert found is not None and found.low is not None and found.high is not None  # noqa: PT018
        return found.p, found.low, found.high

    return _rates(world, trials, one)


def corpus_rates(world: World, trials: int, draws: int = 999) -> Paired:
    """The paired bootstrap of macro F1."""
    groups = world.clusters()
    units, effective = effective_units(world.samples, groups)

    def one(generator: np.random.Generator, trial: int) -> tuple[float, float, float]:
        gold, (a, b) = world.answers(generator, 2)
        parts = np.hstack((f1_parts(gold, a), f1_parts(gold, b)))
        drawn = resampled_sums(parts, trial, groups=groups, draws=draws)
        half = parts.shape[1] // 2
        whole = parts.sum(axis=0, keepdims=True)
        diff = float((macro_f1(whole[:, :half]) - macro_f1(whole[:, half:]))[0])
        low, high, p = resampled_difference(
            macro_f1(drawn[:, :half]) - macro_f1(drawn[:, half:]), diff, units, effective=effective
        )
        return p, low, high

    return _rates(world, trials, one)


def _rates(
    world: World, trials: int, one: Callable[[np.random.Generator, int], tuple[float, float, float]]
) -> Paired:
    generator = np.random.default_rng(world.samples * 1000 + world.repeats)
    rejected = disagreed = 0
    for trial in range(trials):
        p, low, high = one(generator, trial)
        rejected += p < 0.05
        disagreed += (p < 0.05) != (low > 0 or high < 0)
    return Paired(rejected / trials, disagreed / trials)


@dataclass(frozen=True)
class Coverage:
    """How often the interval holds the truth, and how often it is marked as rough.

    `expected` successes or failures, the fewer, in the samples' effective number: groups that agree count
    once.
    """

    expected: float
    covered: float
    marked: float

    def kept(self, world: World) -> bool:
        """Holds 9 times in 10 from 100 samples, 30 groups and 10 expected of each kind; else marked."""
        enough = world.samples >= 100 and not 0 < world.groups < 30 and self.expected >= SMALL_COUNT
        return self.covered >= LEAST_COVERAGE if enough else self.marked >= MARKED


def mean_coverage(
    world: World, trials: int, find: Callable[[SampleScores], Interval | None] = mean_interval
) -> Coverage:
    generator = np.random.default_rng(world.samples + 7)
    means = world.means()
    truth = float(means.mean())
    effective = min(world.samples, truth * (1 - truth) / float(means.var()))
    covered = marked = 0
    for _ in range(trials):
        found = find(world.scores(world.draw(generator, 1)[0]))
        assert found is not None and found.low is not None and found.high is not None  # noqa: PT018
        covered += found.low <= truth <= found.high
        marked += bool(found.cautions)
    return Coverage(min(truth, 1 - truth) * effective, covered / trials, marked / trials)


def bootstrapped(scores: SampleScores) -> Interval:
    """The bootstrap interval of the mean, with the cautions of the t interval for the same scores."""
    plain = mean_interval(scores)
    assert plain is not None
    units, effective = effective_units(len(scores), scores.groups)
    drawn = mean_of(resampled_sums(mean_parts(scores.values), 1, groups=scores.groups, draws=999))
    low, high = resampled_interval(drawn, plain.mean, units, effective=effective)
    return Interval(plain.mean, low, high, "bootstrap", len(scores), plain.groups, plain.cautions)


def flat_width(n: int, value: float, groups: int = 0) -> float:
    """The width of the interval where all `n` scores are `value`, as t and as bootstrap: the smaller."""
    clusters = np.arange(n) * groups // n if groups else None
    scores = SampleScores(np.arange(n), np.full(n, value), clusters, binary=False, bounded=True)
    found = [mean_interval(scores), bootstrapped(scores)]
    return min(
        each.high - each.low for each in found if each and each.high is not None and each.low is not None
    )
