"""Which failures are tried again, how often, and after how long."""

from __future__ import annotations

import random

import pytest
from door_parts import refusal

from promptlab.basics.errors import TRANSIENT, CallError, CallErrorKind
from promptlab.models.retry import BACKOFF_BASE_S, BACKOFF_CAP_S, MAX_ATTEMPTS, Retries


class Longest(random.Random):
    """Always the upper bound."""

    def uniform(self, a: float, b: float) -> float:
        return b


def retries(seed: int = 1, retry_429_s: float = 900.0) -> Retries:
    return Retries(random.Random(seed), retry_429_s)


@pytest.mark.parametrize("kind", sorted(set(CallErrorKind) - TRANSIENT))
def test_what_will_not_change_is_not_tried_again(kind: CallErrorKind) -> None:
    assert retries().delay_s(CallError(kind, "no", retry_after_s=1.0), 0.0) is None


@pytest.mark.parametrize("kind", sorted(TRANSIENT - {CallErrorKind.RATE_LIMITED}))
def test_a_transient_fault_gets_eight_attempts(kind: CallErrorKind) -> None:
    decisions = retries()
    delays = [decisions.delay_s(CallError(kind, "oops"), 0.0) for _ in range(MAX_ATTEMPTS)]
    assert None not in delays[:-1]
    assert delays[-1] is None


def test_backoff_doubles_up_to_its_cap() -> None:
    decisions = Retries(Longest(), 1e9)
    delays = [decisions.delay_s(refusal(), 0.0) for _ in range(10)]
    assert delays[:3] == [BACKOFF_BASE_S, 2 * BACKOFF_BASE_S, 4 * BACKOFF_BASE_S]
    assert delays[-1] == BACKOFF_CAP_S


def test_jitter_is_full_and_comes_from_the_given_generator() -> None:
    def delays(seed: int) -> list[float | None]:
        return [retries(seed).delay_s(refusal(), 0.0)]

    assert delays(1) == delays(1) != delays(2)
    drawn = [delay for seed in range(300) for delay in delays(seed) if delay is not None]
    assert min(drawn) < 0.05 * BACKOFF_BASE_S
    assert max(drawn) > 0.95 * BACKOFF_BASE_S


def test_refusals_are_bounded_by_time_and_not_by_number() -> None:
    decisions = retries(retry_429_s=900.0)
    assert all(decisions.delay_s(refusal(), 100.0 + second) is not None for second in range(0, 800, 2))
    assert decisions.delay_s(refusal(), 100.0 + 901) is None


def test_refusals_do_not_use_up_the_attempts_for_faults() -> None:
    decisions = retries()
    for _ in range(50):
        decisions.delay_s(refusal(), 0.0)
    assert decisions.delay_s(CallError(CallErrorKind.SERVER, "oops"), 0.0) is not None


@pytest.mark.parametrize("kind", [CallErrorKind.RATE_LIMITED, CallErrorKind.SERVER])
def test_retry_after_is_waited_for(kind: CallErrorKind) -> None:
    delay_s = retries().delay_s(CallError(kind, "later", retry_after_s=42.0), 0.0)
    assert delay_s is not None
    assert delay_s >= 42.0


@pytest.mark.parametrize("kind", [CallErrorKind.RATE_LIMITED, CallErrorKind.SERVER])
def test_a_retry_after_beyond_the_bound_ends_the_call_at_once(kind: CallErrorKind) -> None:
    assert retries(retry_429_s=60.0).delay_s(CallError(kind, "tomorrow", retry_after_s=86400.0), 0.0) is None
