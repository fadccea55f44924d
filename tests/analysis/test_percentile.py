"""Percentiles are numpy's, to the last bit."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from promptlab.analysis.percentile import percentile

SECONDS = st.floats(0, 1e6, allow_nan=False)


@given(st.lists(SECONDS, min_size=1, max_size=60), st.sampled_from([0.0, 0.05, 0.5, 0.95, 1.0]))
def test_a_percentile_is_numpys(values: list[float], share: float) -> None:
    assert percentile(np.array(values), share) == float(np.percentile(np.array(values), 100 * share))


def test_of_nothing_there_is_none() -> None:
    assert percentile(np.array([]), 0.5) is None
