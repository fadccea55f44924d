"""Progress on stderr: a live line at a terminal, plain lines elsewhere."""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click

from promptlab.runs import Progress

LIVE_S = 0.2
PLAIN_S = 10.0


@contextmanager
def shown(progress: Progress) -> Iterator[None]:
    """Shows the counters until the block ends."""
    live = sys.stderr.isatty()
    done = threading.Event()

    def show() -> None:
        while not done.wait(LIVE_S if live else PLAIN_S):
            _print(progress, live)

    thread = threading.Thread(target=show, name="promptlab-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        if live:
            click.echo("\r\033[K", nl=False, err=True)


def _print(progress: Progress, live: bool) -> None:
    text = line(progress)
    if live:
        text = text[: shutil.get_terminal_size().columns - 1]  # a line that wraps cannot be taken back
        click.echo(f"\r\033[K{text}", nl=False, err=True)
    else:
        click.echo(text, err=True)


def line(progress: Progress) -> str:
    """One line: how far, how fast, what it cost, what went wrong, how long it will take."""
    if progress.search is not None:
        label, found = progress.search
        best = "no dev score yet" if found.best is None else f"best dev {found.best:.3f}"
        stopping = [f"stopping ({progress.stopping})"] if progress.stopping else []
        return " · ".join([label, f"{found.unit} {found.number}", best, *found.spent, *stopping])
    done = progress.reused + progress.finished
    share = done / progress.planned if progress.planned else 1.0
    parts = [f"{done:,}/{progress.planned:,} {progress.unit} ({share:.0%})"]
    if progress.finished:
        parts.append(f"{progress.per_second():.1f}/s")
    if progress.unit != "programs":
        parts.append(f"{progress.sent_calls:,} calls sent")
    if progress.cached_calls:
        parts.append(f"{progress.cached_calls:,} cached")
    if progress.paid_usd or progress.unknown_costs:
        parts.append(_paid(progress.paid_usd, progress.unknown_costs))
    if progress.failures:
        parts.append(", ".join(f"{count} {kind}" for kind, count in sorted(progress.failures.items())))
    if progress.error_kinds:
        kinds = ", ".join(f"{count} {kind}" for kind, count in progress.error_kinds.most_common())
        parts.append(f"errors: {kinds}")
    left = progress.seconds_left()
    if left is not None and progress.left:
        parts.append(f"{duration(left)} left")
    if progress.paused:
        parts.append("paused")
    if progress.stopping:
        parts.append(f"stopping ({progress.stopping})")
    return " · ".join(parts)


def _paid(usd: float, unknown: int) -> str:
    if not unknown:
        return f"{usd:.4f} USD"
    calls = f"{unknown:,} call{'s' if unknown > 1 else ''} unknown"
    return f"at least {usd:.4f} USD, {calls}" if usd else f"cost unknown ({calls})"


def duration(seconds: float) -> str:
    """``42 s``, ``3 min 20 s``, ``2 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
