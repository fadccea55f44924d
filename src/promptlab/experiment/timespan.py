"""``7d`` and the like."""

from __future__ import annotations

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def seconds(text: str) -> float:
    """``90s``, ``15m``, ``12h``, ``7d``, ``2w`` in seconds. The spec has checked the form."""
    return float(int(text[:-1]) * _SECONDS[text[-1]])
