"""One experiment file is run: with its progress, its questions, and what did not go well, on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from promptlab.basics.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from promptlab.runs import Estimate, RunResult
    from promptlab.runs.events import Event, Listen


def execute_file(
    path: Path,
    *,
    limit: int | None,
    variants: tuple[str, ...],
    models: tuple[str, ...],
    fresh: bool,
    no_cache: bool,
    yes: bool,
    quiet: bool,
    verbose: bool,
    events: Path | None,
) -> RunResult:
    """Runs what is missing of one file, with progress on stderr."""
    from promptlab.api import load
    from promptlab.basics.home import find_home
    from promptlab.cli.progress import shown
    from promptlab.runs import Progress
    from promptlab.runs.events import EventLog

    tell = teller(quiet)
    listeners: list[Listen] = [_errors_told(tell)] if verbose and not quiet else []
    with ExitStack() as stack:
        if events is not None:
            log = EventLog(events, tell)
            stack.callback(log.close)
            listeners.append(log)
        display = stack.enter_context(ExitStack())

        def listen(event: Event) -> None:
            for each in listeners:
                each(event)

        def watch(progress: Progress) -> None:
            if not quiet:
                display.close()  # the judges come after the trials
                tell(f"{progress.planned:,} {progress.unit} planned; results in {find_home()}")
                display.enter_context(shown(progress))

        return load(path).run(
            limit=limit,
            variants=variants,
            models=models,
            fresh=fresh,
            use_cache=not no_cache,
            tell=tell,
            watch=watch,
            approve=None if yes else ask,
            listen=listen if listeners else None,
        )


def teller(quiet: bool) -> Callable[[str], None]:
    """Prints messages on stderr, above the live line; nothing where it is to be quiet."""

    def tell(message: str) -> None:
        if not quiet:
            lead = "\r\033[K" if sys.stderr.isatty() else ""
            click.echo(f"{lead}{message}", err=True)

    return tell


def _errors_told(tell: Callable[[str], None]) -> Listen:
    """Tells each trial that ended in an error, and each pause of an endpoint."""
    paused: set[str] = set()

    def listen(event: Event) -> None:
        if event["event"] == "trial" and event["status"] == "error":
            place = " × ".join(event[name] for name in ("variant", "model", "dataset"))
            tell(f"{place}, sample {event['sample']}: {event['error']}")
        elif event["event"] == "progress":
            for each in event["endpoints"]:
                if each["paused_s"] > 0 and each["endpoint"] not in paused:
                    tell(f"{each['endpoint']} refuses everything: waiting {each['paused_s']:.0f} s")
            paused.clear()
            paused.update(each["endpoint"] for each in event["endpoints"] if each["paused_s"] > 0)

    return listen


def ask(found: Estimate) -> None:
    """Before much is spent: a question at a terminal, elsewhere a refusal."""
    from promptlab.cli.estimate import cost_words

    what = f"this would send {found.calls.expected:,.0f} calls; estimated cost: {cost_words(found)}"
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            f"{what}, more than limits.confirm_usd.", remedy="Add --yes to go ahead, or raise that amount."
        )
    if not click.confirm(f"{what[0].upper()}{what[1:]}. Go ahead?", err=True):
        raise UsageError("nothing was sent.")


def report(result: RunResult) -> None:
    """What did not go well, on stderr: one line each, with what to do."""
    for label, why in result.stopped_cells.items():
        click.echo(f"promptlab: {label} stopped early: {why}", err=True)
    told = set(result.stopped_cells.values())
    for message, count in result.progress.errors.most_common(5):
        if message not in told:
            click.echo(f"promptlab: {count} × {message}", err=True)
    if result.status == "failed":
        click.echo("promptlab: run the same command again to try the missing trials.", err=True)
    elif result.status == "stopped: budget":
        click.echo(f"promptlab: {result.budget_message}", err=True)
    elif result.status == "interrupted":
        click.echo("promptlab: interrupted; run the same command again to go on.", err=True)


def exit_code_of(result: RunResult) -> int:
    """What the command ends with if this was its only experiment."""
    return {
        "complete": ExitCode.DONE,
        "failed": ExitCode.TRIAL_ERRORS,
        "stopped: budget": ExitCode.BUDGET,
        "interrupted": ExitCode.INTERRUPTED,
    }[result.status]
