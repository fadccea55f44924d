"""Several experiments in one command: each in turn, none stopped by another's failure, then one summary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import click

from promptlab.basics.errors import ExitCode, PromptlabError, UsageError
from promptlab.cli.ending import told, worst

T = TypeVar("T")

NOT_STARTED = "not started"
_STATES = {
    ExitCode.DONE: "done",
    ExitCode.INTERNAL: "internal error",
    ExitCode.USAGE: "refused",
    ExitCode.TRIAL_ERRORS: "errors",
    ExitCode.GATE: "gate not met",
    ExitCode.BUDGET: "stopped: budget",
    ExitCode.INTERRUPTED: "interrupted",
}


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What came of one target: a value, or the error that ended it, and the exit code it would have alone.

    `code` is None where it was not started, since an earlier one was interrupted.
    """

    target: str
    code: int | None
    value: T | None = None
    error: str = ""

    @property
    def state(self) -> str:
        return NOT_STARTED if self.code is None else _STATES[self.code]

    def to_json(self) -> dict[str, Any]:
        return {
            "target": self.target,
            "exit_code": self.code,
            "state": self.state,
            "error": self.error or None,
        }


def in_turn(
    targets: Sequence[str], work: Callable[[str], tuple[T, int]], *, quiet: bool = False
) -> list[Outcome[T]]:
    """Works on each target. An error is told and ends that target alone; an interruption ends them all."""
    outcomes: list[Outcome[T]] = []
    for number, target in enumerate(targets, start=1):
        if outcomes and outcomes[-1].code in (None, ExitCode.INTERRUPTED):
            outcomes.append(Outcome(target, None))
            continue
        if not quiet:
            click.echo(f"[{number}/{len(targets)}] {target}", err=True)
        try:
            value, code = work(target)
            outcomes.append(Outcome(target, code, value))
        except BrokenPipeError:
            raise
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  the others go on
            message, code = told(error)
            click.echo(f"promptlab: {message}", err=True)
            outcomes.append(Outcome(target, code, error=message))
    return outcomes


def exit_code(outcomes: Sequence[Outcome[Any]]) -> int:
    """The worst of them (`WORST_FIRST`)."""
    return worst(outcome.code for outcome in outcomes if outcome.code is not None)


def twins(paths: Sequence[Path]) -> dict[str, UsageError]:
    """Files that another one before them has the experiment's name of: they would work on the same run."""
    from promptlab.experiment import load_spec

    owners: dict[str, Path] = {}
    found: dict[str, UsageError] = {}
    for path in paths:
        try:
            name = load_spec(path).spec.name
        except PromptlabError:
            continue  # said in its turn
        owner = owners.setdefault(name, path)
        if owner is not path:
            found[str(path)] = UsageError(
                f"{path} is the experiment {name!r}, as {owner} is: both would work on the same run.",
                remedy="Give each its own `name:`.",
            )
    return found
