"""A run with 100,000 trials in real Chromium: how long a person waits, by the wall clock."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from hostile_runs import make_run, multiply

from promptlab.runs import RunReader

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(900)]
TIMES = 7
# Other work on the machine is not the page's: the quickest of several has the least of it.
AT_MOST_S = 2.0


def test_a_run_of_100_000_trials_is_seen_within_two_seconds(
    workbench: Any, tab: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = make_run(tmp_path)
    large = make_run(tmp_path, fresh=True)
    multiply(large, 834)
    with RunReader(large) as reader:
        assert sum(reader.counts().values()) == 100_080
    took: dict[str, list[float]] = {}
    with workbench(tmp_path) as (address, _):
        opened = tab(address)
        page = opened.page
        rows = opened.at("results-answers").locator("tbody tr")
        fourth = rows.nth(3).locator("th button")  # n3 is wrong
        cell = opened.at("results-cells").locator("tbody tr").first
        of_small, of_large = (f"{address}/results?run={run.id}" for run in (small, large))

        def timed(what: str, act: Callable[[], object], seen: Any) -> None:
            opened.settled()
            before = time.perf_counter()
            act()
            seen.wait_for()
            took.setdefault(what, []).append(time.perf_counter() - before)

        opened.open(f"/results?run={small.id}&view=answers")  # what the server and the browser load once
        rows.first.wait_for()
        for _ in range(TIMES):
            # A touched store is another state of the run: nothing that was worked out before serves.
            small.store.touch()
            timed("60 samples", lambda: page.goto(f"{of_small}&view=answers"), rows.nth(49))
            large.store.touch()
            timed("comparison", lambda: page.goto(of_large), cell)
            answers = opened.at("results-view").get_by_text("Answers")
            timed("answers", answers.click, rows.nth(49))
            large.store.touch()
            timed("answers by a link", lambda: page.goto(f"{of_large}&view=answers"), rows.nth(49))
            right = opened.at("results-filter").get_by_text("Right")
            timed("filter", right.click, fourth.get_by_text("n4", exact=True))
            turn = opened.at("results-pages").get_by_text("2", exact=True)
            timed("paging", turn.click, fourth.filter(has_not_text=re.compile("^n4$")))
    told = {what: (min(each), median(each)) for what, each in took.items()}
    with capsys.disabled():  # the first is what the browser and the machine take for any run
        for what, (least, middle) in told.items():
            print(f"\n{what}: {least:.2f} s at least, {middle:.2f} s in the middle of {TIMES}", end="")
    assert all(least < AT_MOST_S for least, _ in told.values()), told
