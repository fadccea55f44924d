"""`compare --detach`: the same command in a process of its own."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from promptlab.basics.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from promptlab.runs.background import Job

# How long the command stays to see whether the run begins: what is wrong is mostly found by then.
WATCHED_S = 30.0
_LOOK_S = 0.1


def detached(targets: Sequence[str], options: Mapping[str, Any], more: Mapping[str, Any]) -> int:
    """Starts the job and prints its id on stdout; where it ends at once, what it said and its exit code."""
    from promptlab.basics.home import open_home
    from promptlab.models.keys import held
    from promptlab.runs.background import JobOptions, start

    if len(targets) > 1 or Path(targets[0]).suffix not in (".yaml", ".yml"):
        raise UsageError("--detach is for one EXP.yaml.", remedy="Call it once for each.")
    if options["events"]:
        raise UsageError("--events is not for --detach.", remedy="The job's folder holds its events.jsonl.")
    asked = JobOptions(
        limit=options["limit"],
        variants=options["variants"],
        models=options["models"],
        fresh=options["fresh"],
        no_cache=options["no_cache"],
        yes=options["yes"],
        more=tuple(_flags(more)),
    )
    job = start(open_home(), Path(targets[0]), held(), asked)
    return _told(job)


def _flags(more: Mapping[str, Any]) -> list[str]:
    found: list[str] = []
    for name, value in more.items():
        if value is True:
            found.append(name)
        elif isinstance(value, tuple):
            found += [name, *value]
        elif value:
            found.append(f"{name}={Path(value).resolve()}")
    return found


def _told(job: Job) -> int:
    deadline = time.monotonic() + WATCHED_S
    while job.process is not None and job.run() is None and time.monotonic() < deadline:
        time.sleep(_LOOK_S)
    run = job.run()
    click.echo(job.id)
    if job.process is None:
        click.echo(job.messages(), err=True, nl=False)
        click.echo(job.output(), nl=False)
        return ExitCode.INTERNAL if job.exit_code is None else job.exit_code
    if run is None:
        click.echo(f"it has not begun yet; what it says stands in {job.folder}", err=True)
        return ExitCode.DONE
    click.echo(f"works on {run.id}; what it says stands in {job.folder}", err=True)
    click.echo(f"`promptlab runs` shows it; `promptlab runs pause|resume|cancel {job.id}`", err=True)
    return ExitCode.DONE
