"""Bradley and Terry's strengths from pairs in which somebody preferred one of two, or neither."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from promptlab.analysis.agreement import Floats, Integers
from promptlab.analysis.holm import holm
from promptlab.analysis.intervals import SMALL_SAMPLES

CONFIDENCE = 0.95
# What a fit may have to say.
FEW = f"fewer than {SMALL_SAMPLES} samples"
HALF_A_WIN = "somebody always won or always lost: half a win was added to both sides of every compared pair"
UNCONNECTED = "not all were compared with each other, not even through others: there are no strengths"
_STEPS = 100
_STILL = 1e-10  # a step of all strengths below this ends the search


@dataclass(frozen=True, slots=True)
class Strength:
    """One side's strength in log-odds, the mean of all being 0: σ(x − y) is the chance to be preferred.

    None: it does not exist. `wins`, `losses`, `ties` count its comparisons.
    """

    strength: float | None
    low: float | None
    high: float | None
    wins: int
    losses: int
    ties: int

    @property
    def n(self) -> int:
        return self.wins + self.losses + self.ties

    @property
    def share(self) -> float | None:
        """How often it was preferred, a tie counting half."""
        return (self.wins + self.ties / 2) / self.n if self.n else None


@dataclass(frozen=True, slots=True)
class Preference:
    """Strength of `a` − strength of `b` (by their numbers), with `p` adjusted by Holm over all pairs."""

    a: int
    b: int
    n: int
    diff: float
    low: float | None
    high: float | None
    p: float | None
    p_adjusted: float | None


@dataclass(frozen=True, slots=True)
class BradleyTerry:
    """The fit. `cautions` says what to mind; `clusters` are the independent units (samples)."""

    strengths: tuple[Strength, ...]
    pairs: tuple[Preference, ...]
    n: int
    clusters: int
    cautions: tuple[str, ...] = ()


def bradley_terry(
    first: Integers, second: Integers, outcome: Floats, clusters: Integers, size: int
) -> BradleyTerry:
    """Maximum likelihood of P(i over j) = σ(θi − θj) (Bradley & Terry 1952, Biometrika 39:324), Σθ = 0.

    One entry per comparison: the two sides by number below `size`, 1 where the first was preferred, 0 the
    second, 0.5 a tie, which counts as half a win each. `clusters`: comparisons of one sample belong together.

    Estimates are finite where no part of the sides won all its comparisons with the rest (Ford 1957). Else
    half a win is added to both sides of every compared pair, which is said. The standard error of a contrast
    is the larger of the model's and the cluster-robust one (with the factor G/(G−1)), the interval Student's
    t with G − 1 degrees of freedom. Without a second cluster, or where sides were never compared, not even
    through others, there is none.
    """
    counts = [_counted(number, first, second, outcome) for number in range(size)]
    units = int(np.unique(clusters).size)
    bare = tuple(Strength(None, None, None, *each) for each in counts)
    if not _connected(first, second, size):
        return BradleyTerry(bare, (), first.size, units, (UNCONNECTED,))
    cautions = [FEW] if units < SMALL_SAMPLES else []
    added = _added(first, second) if _separated(first, second, outcome, size) else None
    if added is not None:
        cautions.append(HALF_A_WIN)
    spread = _Spread(first, second, outcome, clusters, size, added)
    theta = spread.theta
    strengths = []
    for number, each in enumerate(counts):
        error = spread.error(np.eye(size)[number] - 1 / size)
        reach = None if error is None else spread.t * error
        strengths.append(Strength(float(theta[number]), *_around(float(theta[number]), reach), *each))
    return BradleyTerry(tuple(strengths), _pairs(spread, first, second), first.size, units, tuple(cautions))


class _Spread:
    """The fitted strengths and how far off they may be."""

    def __init__(
        self,
        first: Integers,
        second: Integers,
        outcome: Floats,
        clusters: Integers,
        size: int,
        added: tuple[Integers, Integers] | None,
    ) -> None:
        self.size = size
        extra = (np.empty(0, np.int64), np.empty(0, np.int64)) if added is None else added
        half = np.full(extra[0].size, 0.5)
        sides = np.concatenate([first, extra[0]]), np.concatenate([second, extra[1]])
        design = np.eye(size)[sides[0]] - np.eye(size)[sides[1]]
        said = np.concatenate([outcome, half])
        self.theta = _fitted(design, said, size)
        chance = _sigmoid(design @ self.theta)
        self._model = _inverse(design, chance)
        real = design[: first.size] * (outcome - chance[: first.size])[:, None]
        _, codes = np.unique(clusters, return_inverse=True)
        self.units = int(codes.max()) + 1
        sums = np.zeros((self.units, size))
        np.add.at(sums, codes, real)
        meat = sums.T @ sums * (self.units / max(1, self.units - 1))
        self._robust = self._model @ meat @ self._model

    @property
    def t(self) -> float:
        from scipy import stats

        return float(stats.t.ppf(0.5 + CONFIDENCE / 2, self.units - 1))

    def error(self, contrast: Floats) -> float | None:
        """The standard error of a contrast; None with one cluster."""
        if self.units < 2:
            return None
        return float(np.sqrt(max(contrast @ self._model @ contrast, contrast @ self._robust @ contrast)))


def _pairs(spread: _Spread, first: Integers, second: Integers) -> tuple[Preference, ...]:
    from scipy import stats

    found = []
    for a, b in combinations(range(spread.size), 2):
        diff = float(spread.theta[a] - spread.theta[b])
        error = spread.error(np.eye(spread.size)[a] - np.eye(spread.size)[b])
        p = None if not error else float(2 * stats.t.sf(abs(diff) / error, spread.units - 1))
        low, high = _around(diff, None if error is None else spread.t * error)
        n = int((((first == a) & (second == b)) | ((first == b) & (second == a))).sum())
        found.append(Preference(a, b, n, diff, low, high, p, None))
    adjusted = holm([each.p for each in found])
    return tuple(replace(each, p_adjusted=p) for each, p in zip(found, adjusted, strict=True))


def _fitted(design: Floats, outcome: Floats, size: int) -> Floats:
    """Newton's steps, halved where one would make the likelihood smaller."""
    theta: Floats = np.zeros(size)
    for _ in range(_STEPS):
        chance = _sigmoid(design @ theta)
        step = _inverse(design, chance) @ (design.T @ (outcome - chance))
        while _likelihood(design, outcome, theta + step) < _likelihood(design, outcome, theta) - 1e-12:
            step *= 0.5
        theta = np.asarray(theta + step, dtype=np.float64)
        if np.abs(step).max() < _STILL:
            break
    return np.asarray(theta - theta.mean(), dtype=np.float64)


def _likelihood(design: Floats, outcome: Floats, theta: Floats) -> float:
    logit = design @ theta
    return float((outcome * logit - np.logaddexp(0, logit)).sum())


def _inverse(design: Floats, chance: Floats) -> Floats:
    """Of the information; its null space is the constant."""
    information = design.T @ (design * (chance * (1 - chance))[:, None])
    return np.asarray(np.linalg.pinv(information, hermitian=True), dtype=np.float64)


def _sigmoid(logit: Floats) -> Floats:
    value: Floats = 1 / (1 + np.exp(-logit))
    return value


def _counted(number: int, first: Integers, second: Integers, outcome: Floats) -> tuple[int, int, int]:
    """Wins, losses, ties of one side."""
    as_first, as_second = outcome[first == number], 1 - outcome[second == number]
    own = np.concatenate([as_first, as_second])
    return int((own == 1).sum()), int((own == 0).sum()), int((own == 0.5).sum())


def _connected(first: Integers, second: Integers, size: int) -> bool:
    return _components(first, second, size, directed=False) == 1


def _separated(first: Integers, second: Integers, outcome: Floats, size: int) -> bool:
    """Whether some of the sides never lost to the rest: an arrow leads from each winner to its loser."""
    won, lost = outcome > 0, outcome < 1
    arrows = np.concatenate([first[won], second[lost]]), np.concatenate([second[won], first[lost]])
    return _components(*arrows, size, directed=True) > 1


def _components(start: Integers, end: Integers, size: int, *, directed: bool) -> int:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(start.size), (start, end)), shape=(size, size))
    number, _ = connected_components(graph, directed=directed, connection="strong")
    return int(number)


def _added(first: Integers, second: Integers) -> tuple[Integers, Integers]:
    """Every compared pair once."""
    pairs = np.unique(np.sort(np.column_stack([first, second]), axis=1), axis=0)
    return pairs[:, 0], pairs[:, 1]


def _around(value: float, reach: float | None) -> tuple[float | None, float | None]:
    return (None, None) if reach is None else (value - reach, value + reach)
