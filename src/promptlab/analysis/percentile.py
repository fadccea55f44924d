"""One percentile of many values."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def percentile(values: NDArray[np.floating], share: float) -> float | None:
    """Between order statistics in a straight line, as `np.percentile` does; None of no values.

    `np.percentile` brings numpy's masked arrays along, whose import takes longer than a comparison.
    """
    if not values.size:
        return None
    place = (values.size - 1) * share
    below = math.floor(place)
    beyond = place - below
    ordered = np.partition(values, sorted({below, math.ceil(place)}))
    low, high = float(ordered[below]), float(ordered[math.ceil(place)])
    # From the nearer end, so that no rounding leads beyond it.
    return low + (high - low) * beyond if beyond < 0.5 else high - (high - low) * (1 - beyond)
