"""How long a provider asks to be left alone."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

_MAX_RETRY_AFTER_S = 7 * 86_400.0


def retry_after_s(headers: Mapping[str, str], delay: str = "") -> float | None:
    """The provider's waiting time: `retry-after-ms`, Retry-After in seconds or as a date, Gemini's delay.

    Nonsense is None.
    """
    milliseconds = headers.get("retry-after-ms")
    if milliseconds is not None and (value := _seconds(milliseconds, 1e-3)) is not None:
        return value
    text = headers.get("retry-after") or delay.removesuffix("s")
    if not text:
        return None
    if (value := _seconds(text)) is not None:
        return value
    when = _moment(text)
    if when is None:
        return None
    # By the provider's own clock, where it says what time it is: ours may be off.
    now = _moment(headers.get("date") or "") or time.time()
    return min(max(0.0, when - now), _MAX_RETRY_AFTER_S)


def _moment(date: str) -> float | None:
    """Unix time of an HTTP date."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None


def _seconds(text: str, unit_s: float = 1.0) -> float | None:
    try:
        value = float(text) * unit_s
    except ValueError:
        return None
    return min(value, _MAX_RETRY_AFTER_S) if math.isfinite(value) and value >= 0 else None
