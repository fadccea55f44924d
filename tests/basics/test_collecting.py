"""The collector is slowed down for a run, and for no longer."""

from __future__ import annotations

import gc

import pytest

from promptlab.basics.collecting import THRESHOLDS, seldom_collecting


def test_the_last_of_overlapping_runs_puts_the_collector_back() -> None:
    before = gc.get_threshold()
    first, second = seldom_collecting(), seldom_collecting()
    first.__enter__()
    second.__enter__()
    assert gc.get_threshold() == THRESHOLDS
    assert gc.get_freeze_count() > 0
    first.__exit__(None, None, None)
    assert gc.get_threshold() == THRESHOLDS
    second.__exit__(None, None, None)
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


def test_a_run_that_fails_puts_it_back_too() -> None:
    before = gc.get_threshold()
    with pytest.raises(RuntimeError), seldom_collecting():
        raise RuntimeError
    assert gc.get_threshold() == before
