"""The options of what is run and how, the same for `compare`, `run`, and `estimate`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from promptlab.basics.errors import UsageError


def _hold_keys(ctx: click.Context, param: click.Parameter, wanted: bool) -> None:
    """Takes keys from standard input: unlike arguments and the environment, nobody else sees that."""
    if not wanted:
        return
    import json

    from promptlab.models.keys import hold

    try:
        found = json.loads(sys.stdin.read() or "{}")
        assert isinstance(found, dict)
        assert all(isinstance(value, str) for value in found.values())
    except (ValueError, AssertionError):
        raise UsageError(
            "standard input holds no keys for --keys-stdin.",
            remedy='Give one JSON object: {"OPENAI_API_KEY": "…"}.',
        ) from None
    for name, value in found.items():
        hold(name, value)


def _refuse_code(ctx: click.Context, param: click.Parameter, wanted: bool) -> None:
    if wanted:
        from promptlab.basics.registry import refuse_own_code

        refuse_own_code("Run it without --no-own-code, if you trust that file.")


_WHAT_TO_RUN: tuple[Callable[[Any], Any], ...] = (
    click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N test samples."),
    click.option(
        "--variant", "variants", multiple=True, metavar="NAME", help="Only this variant (repeatable)."
    ),
    click.option("--model", "models", multiple=True, metavar="NAME", help="Only this model (repeatable)."),
    click.option(
        "--fresh", is_flag=True, help="Start a new run, fed from the cache, with a new budget ledger."
    ),
    click.option("--no-cache", is_flag=True, help="Read nothing from the cache and overwrite nothing in it."),
)
_HOW_TO_RUN: tuple[Callable[[Any], Any], ...] = (
    click.option("-y", "--yes", is_flag=True, help="Spend more than limits.confirm_usd without a question."),
    click.option("-q", "--quiet", is_flag=True, help="No progress and no messages but errors."),
    click.option(
        "-v", "--verbose", is_flag=True, help="Also each error as it happens, and every paired difference."
    ),
    click.option(
        "--events",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Append what happens to FILE, one JSON object a line.",
    ),
    click.option(
        "--keys-stdin",
        is_flag=True,
        expose_value=False,
        callback=_hold_keys,
        help="Read keys from standard input: a JSON object of variables and values.",
    ),
    click.option(
        "--no-own-code",
        is_flag=True,
        expose_value=False,
        callback=_refuse_code,
        help="Load no Python file that the experiment names.",
    ),
)


def run_options(command: Any) -> Any:
    """The options that say what is to be run."""
    for option in reversed(_WHAT_TO_RUN):
        command = option(command)
    return command


def all_run_options(command: Any) -> Any:
    """Those and the options that say how it is run."""
    for option in reversed(_HOW_TO_RUN):
        command = option(command)
    return run_options(command)
