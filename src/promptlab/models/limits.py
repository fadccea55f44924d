"""What an experiment may use: the settings under `limits:`, in the units their names say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Rate:
    """What one unit of a currency is worth in US dollars, on which day, and who says so."""

    usd: float
    date: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """None is no limit.

    `concurrency` is the ceiling of requests in flight per endpoint and key; `rpm` and `tpm` are the
    provider's requests and tokens per minute there. `timeout_s` bounds one attempt, `retry_429_s` how long
    one call puts up with being refused, `attempts` how often other transient faults may strike it (None: as
    `retry` says). Budgets hold for an experiment: its resumes and all its processes.
    """

    concurrency: int = 16
    rpm: float | None = None
    tpm: float | None = None
    timeout_s: float = 60.0
    retry_429_s: float = 900.0
    attempts: int | None = None
    budget_usd: float | None = None
    budget_tokens: int | None = None
    budget_calls: int | None = None
    rates: Mapping[str, Rate] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def has_budget(self) -> bool:
        return not (self.budget_usd is None and self.budget_tokens is None and self.budget_calls is None)
