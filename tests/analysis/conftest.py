"""Cells made from lists of scores."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest

from promptlab.analysis.cells import CellResult


@pytest.fixture
def cell() -> Callable[..., CellResult]:
    def make(
        variant: str,
        scores: Mapping[str, Sequence[float]],
        *,
        model: str = "m",
        dataset: str = "d",
        repeats: int = 1,
        groups: Sequence[int] | None = None,
        samples: Sequence[int] | None = None,
        errors: int = 0,
        pending: int = 0,
        unparsed: int = 0,
        oracle: bool = False,
        drawn_once: str | None = None,
        tokens: int | None = 100,
        cost_usd: float | None = 0.01,
    ) -> CellResult:
        n = max((len(values) for values in scores.values()), default=0)
        positions = np.arange(n) // repeats if samples is None else np.array(samples)
        answered = np.ones(n, dtype=bool)
        answered[:unparsed] = False
        return CellResult(
            variant=variant,
            model=model,
            dataset=dataset,
            planned=n + errors + pending,
            n=n,
            errors=errors,
            unparsed=unparsed,
            refused=0,
            truncated=0,
            sandbox=0,
            calls=n,
            cached_calls=0,
            prompt_tokens=None if tokens is None else tokens * n,
            completion_tokens=None if tokens is None else 0,
            cost_usd=cost_usd,
            unknown_cost_calls=0 if cost_usd is not None else n,
            paid_usd=cost_usd,
            latency_p50_s=0.5 if n else None,
            latency_p95_s=0.9 if n else None,
            samples=positions.astype(np.int64),
            repeats=(np.arange(n) % repeats).astype(np.int64),
            groups=None if groups is None else np.array(groups, dtype=np.int64),
            answered=answered,
            scores={name: np.array(values, dtype=np.float64) for name, values in scores.items()},
            oracle=oracle,
            drawn_once=drawn_once,
        )

    return make
