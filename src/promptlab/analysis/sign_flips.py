"""Sign-flip permutation tests of a mean of zero, many at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from promptlab.analysis.samples import Floats, Integers

EXACT_UNITS = 16  # 2^16 sign patterns are enumerated; beyond that they are drawn
DRAWS = 9_999
_TIE = 1e-9  # sums that differ by less, relatively, are equal: rounding must not decide
_SPAN = 256  # units whose signs are made at a time ...
_BLOCK = 8_192  # ... for so many draws: 16 MB
_MOST_CELLS = 8_000_000  # numbers in one matrix of differences: 64 MB
_BINOMIAL_COST = 8  # one binomial number costs what the signs of so many units do


def sign_flips(columns: Sequence[Floats], seed: int, draws: int = DRAWS) -> list[tuple[float, bool]]:
    """Two-sided tests, one for each column of independent units (samples, or sums of groups).

    Returns p and whether all patterns were enumerated; drawn, p = (c + 1) / (draws + 1). All columns are
    tested with the same draws, and each one's p depends on its own values and the seed alone.
    """
    found: list[tuple[float, bool] | None] = []
    long: list[Floats] = []
    for column in columns:
        moved = column[column != 0]
        if len(moved) <= EXACT_UNITS:
            found.append((_enumerated(moved), True))
            continue
        sizes, counts = _sizes(moved)
        if len(sizes) * _BINOMIAL_COST <= len(moved):
            drawn = _by_size(sizes, counts, seed, draws)
            found.append((_p(drawn, moved), False))
        else:
            found.append(None)
            long.append(moved)
    ps = iter(_drawn(long, seed, draws))
    return [each if each is not None else (next(ps), False) for each in found]


def _enumerated(moved: Floats) -> float:
    patterns = np.zeros(1)
    for value in moved:
        patterns = np.concatenate((patterns + value, patterns - value))
    return float(np.mean(np.abs(patterns) >= _observed(moved)))


def _observed(moved: Floats) -> float:
    return abs(float(moved.sum())) * (1 - _TIE)


def _p(drawn: Floats, moved: Floats) -> float:
    return (int(np.sum(np.abs(drawn) >= _observed(moved))) + 1) / (len(drawn) + 1)


def _sizes(moved: Floats) -> tuple[Floats, Integers]:
    """The distinct absolute values, up to rounding, and how many units have each."""
    absolute = np.abs(moved)
    largest = float(absolute.max())
    sizes, counts = np.unique(np.round(absolute / largest, 12), return_counts=True)
    return sizes * largest, counts.astype(np.int64)


def _by_size(sizes: Floats, counts: Integers, seed: int, draws: int) -> Floats:
    """Among equal units only the number of those that keep their sign matters, and that is binomial."""
    generator = np.random.default_rng(seed)
    sums = np.zeros(draws)
    for size, count in zip(sizes, counts, strict=True):
        sums += size * (2.0 * generator.binomial(count, 0.5, draws) - count)
    return sums


def _drawn(columns: Sequence[Floats], seed: int, draws: int) -> list[float]:
    """As many columns at a time as fit into memory; the same signs come again for the next ones."""
    if not columns:
        return []
    longest = max(map(len, columns))
    width = max(1, min(_MOST_CELLS // longest, _MOST_CELLS // draws))
    ps: list[float] = []
    for start in range(0, len(columns), width):
        members = columns[start : start + width]
        matrix = np.zeros((longest, len(members)))
        for place, column in enumerate(members):
            matrix[: len(column), place] = column
        sums = _signed_sums(matrix, seed, draws)
        ps += [_p(sums[:, place], column) for place, column in enumerate(members)]
    return ps


def _signed_sums(matrix: Floats, seed: int, draws: int) -> Floats:
    """Sums under random signs of the rows, [draws, columns]: all minus twice what is flipped."""
    flipped = np.zeros((draws, matrix.shape[1]))
    for number, start in enumerate(range(0, len(matrix), _SPAN)):
        generator = np.random.default_rng([seed, number])  # a row's signs do not depend on how many follow
        rows = matrix[start : start + _SPAN]
        for done in range(0, draws, _BLOCK):
            size = min(_BLOCK, draws - done)
            drawn = generator.integers(0, 256, size=(size, _SPAN // 8), dtype=np.uint8)
            bits = np.unpackbits(drawn, axis=1)[:, : len(rows)]
            flipped[done : done + size] += bits.astype(np.float64) @ rows
    return np.asarray(matrix.sum(axis=0) - 2 * flipped, dtype=np.float64)
