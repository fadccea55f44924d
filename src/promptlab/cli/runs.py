"""`runs`: what was run, what runs now, and a word to what runs. Nothing here calls a model."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from promptlab.basics.errors import UsageError
from promptlab.cli.name_or_command import NameOrCommand
from promptlab.cli.rows import print_json, print_rows

if TYPE_CHECKING:
    from promptlab.runs import RunDirectory
    from promptlab.runs.background import Job


@click.group(cls=NameOrCommand)
def runs() -> None:
    """List the stored runs, the newest first; with NAME those of one experiment.

    A run that a process works on is running, paused or cancelling; `pause`, `resume` and `cancel` reach it
    wherever it was started: in the background (`compare --detach`), in the browser, or at a terminal.
    """


def _listing(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.argument("name", required=False),
        click.option("--json", "as_json", is_flag=True, help="Print as JSON."),
        click.option("--trend", is_flag=True, help="The headline score of experiment NAME over its runs."),
    ):
        command = option(command)
    return command


@runs.command("list")
@_listing
def list_runs(name: str | None, trend: bool, as_json: bool) -> None:
    """The stored runs, and what runs now. The same as `promptlab runs`."""
    if trend:
        from promptlab.cli.trend import show_trend

        show_trend(name, as_json=as_json)
        return
    from promptlab.basics.home import find_home

    home = find_home()
    rows = _rows(home, name)
    starting = [] if name else _starting(home)
    if as_json:
        print_json(rows + starting)
    elif not rows and not starting:
        of_name = f" of {name}" if name else ""
        click.echo(
            f"There are no runs{of_name} in {home} yet: `promptlab compare EXP.yaml` makes one.", err=True
        )
    else:
        print_rows([_brief(row) for row in starting + rows])


@runs.command("show", hidden=True)
@_listing
def show_runs(name: str | None, trend: bool, as_json: bool) -> None:
    """Those of one experiment."""
    list_runs.callback(name=name, trend=trend, as_json=as_json)  # type: ignore[misc]


@runs.command()
@click.argument("run")
def pause(run: str) -> None:
    """Start nothing further in RUN (a run, a job, an experiment's name); what is in flight is finished."""
    from promptlab.runs import control

    found = _found(run)
    control.pause(found)
    click.echo(f"{found.id} pauses; `promptlab runs resume {found.id}` goes on", err=True)


@runs.command()
@click.argument("run")
def resume(run: str) -> None:
    """Go on with a paused RUN."""
    from promptlab.runs import control

    found = _found(run)
    control.resume(found)
    click.echo(f"{found.id} goes on", err=True)


@runs.command()
@click.argument("run")
def cancel(run: str) -> None:
    """End RUN once what is in flight is finished and kept; the same `compare` later goes on from there."""
    from promptlab.runs import control

    job = _job(run)
    if job is not None and job.run() is None:
        job.cancel()
        click.echo(f"{job.id} ends before it began", err=True)
        return
    found = _found(run)
    control.cancel(found)
    click.echo(f"{found.id} ends once what is in flight is finished", err=True)


def _brief(row: dict[str, Any]) -> dict[str, Any]:
    """What fits on a line of a terminal; a run's id begins with its experiment's name."""
    names = {"datasets": "data"}
    return {names.get(name, name): value for name, value in row.items() if name != "experiment"}


def _rows(home: Path, name: str | None) -> list[dict[str, Any]]:
    from promptlab.runs import all_runs
    from promptlab.runs.control import state_of

    return [
        {
            "run": run.id,
            "experiment": manifest.get("experiment"),
            "started": _minute(manifest.get("created", 0)),
            "status": state_of(run),
            "variants": len(manifest.get("variants", [])),
            "models": len(manifest.get("models", {})),
            "datasets": len(manifest.get("datasets", {})),
        }
        for run in all_runs(home)
        for manifest in [run.manifest()]
        if name in (None, manifest.get("experiment"))
    ]


def _starting(home: Path) -> list[dict[str, Any]]:
    """Jobs that live and have no run yet."""
    from promptlab.runs.background import jobs

    return [
        {
            "run": job.id,
            "experiment": facts["experiment"],
            "started": _minute(facts["started"]),
            "status": "starting",
            "variants": "",
            "models": "",
            "datasets": "",
        }
        for job in jobs(home)
        if job.process is not None and job.run() is None
        for facts in [job.facts()]
    ]


def _found(wanted: str) -> RunDirectory:
    from promptlab.basics.home import find_home
    from promptlab.runs import find_run

    job = _job(wanted)
    if job is None:
        return find_run(find_home(), wanted)
    run = job.run()
    if run is None:
        raise UsageError(f"job {job.id} works on no run yet.", remedy="Look again in a moment.")
    return run


def _job(wanted: str) -> Job | None:
    from promptlab.basics.home import find_home
    from promptlab.runs.background import jobs

    return next((job for job in jobs(find_home()) if job.id == wanted), None)


def _minute(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
