"""What one client did so far: for progress displays and for the totals of a run."""

from __future__ import annotations

from dataclasses import dataclass

from promptlab.models.request import Completion, Usage


@dataclass(slots=True)
class Stats:
    """`sent_calls` counts attempts that reached a transport; hits include answers that another process paid.

    `paid_usd` adds up what is known; `unpriced` counts the paid replies that are missing in it.
    `oldest_hit` is the Unix time of the oldest answer served from the cache.
    """

    sent_calls: int = 0
    hits: int = 0
    joins: int = 0
    failed: int = 0
    in_flight: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    paid_usd: float = 0.0
    unpriced: int = 0
    oldest_hit: float | None = None

    def served(self, hit: Completion) -> Completion:
        self.hits += 1
        self.oldest_hit = hit.created if self.oldest_hit is None else min(self.oldest_hit, hit.created)
        return hit

    def paid(self, usage: Usage, cost_usd: float | None) -> None:
        self.prompt_tokens += usage.prompt_tokens or 0
        self.completion_tokens += usage.completion_tokens or 0
        if cost_usd is None:
            self.unpriced += 1
        else:
            self.paid_usd += cost_usd
