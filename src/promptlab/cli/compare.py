"""`compare` and `run`: one experiment, or a stored run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from promptlab.basics.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from promptlab.runs import Estimate, RunResult

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
)


def run_options(command: Any) -> Any:
    """The options that say what is to be run."""
    for option in reversed(_WHAT_TO_RUN):
        command = option(command)
    return command


def _shared(command: Any) -> Any:
    for option in reversed(_HOW_TO_RUN):
        command = option(command)
    return run_options(command)


@click.command()
@click.argument("target", metavar="EXP.yaml|RUN")
@_shared
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
@click.option("-v", "--verbose", is_flag=True, help="Also print every paired difference.")
def compare(target: str, as_json: bool, verbose: bool, **options: Any) -> int:
    """Run what is missing of EXP.yaml and print the comparison.

    With a stored RUN (id, unique prefix, path, or an experiment's name) reprint its comparison; calls
    nothing. Exit code: 0 done, 3 some trials ended in errors, 5 stopped by the budget, 130 interrupted.
    """
    from promptlab.analysis import compare_run

    if _is_file(target):
        result = _execute(Path(target), **options)
        comparison = compare_run(
            result.run, limit=options["limit"], status=result.status, sent_calls=result.sent_calls
        )
    else:
        from promptlab.basics.home import find_home
        from promptlab.runs import find_run

        if options["fresh"] or options["no_cache"]:
            raise UsageError(
                f"{target!r} is a stored run: --fresh and --no-cache have nothing to do.",
                remedy="Give EXP.yaml.",
            )
        result = None
        comparison = compare_run(find_run(find_home(), target), limit=options["limit"])
    shown = comparison.filtered(variants=options["variants"] or None, models=options["models"] or None)
    if as_json:
        import orjson

        text = orjson.dumps(shown.to_json(), option=orjson.OPT_INDENT_2).decode()
        click.echo(text)
    else:
        from promptlab.export import print_comparison

        print_comparison(shown, pairs=verbose)
        if shown.judges:
            from promptlab.cli.judges import print_judges

            print_judges(shown.judges)
    if result is None:
        return ExitCode.DONE
    _report(result)
    return _exit_code(result)


@click.command()
@click.argument("experiment", type=click.Path(path_type=Path), metavar="EXP.yaml")
@_shared
def run(experiment: Path, **options: Any) -> int:
    """Run what is missing of EXP.yaml and print the run's id."""
    result = _execute(experiment, **options)
    click.echo(result.run.id)
    _report(result)
    return _exit_code(result)


def _is_file(target: str) -> bool:
    path = Path(target)
    return path.suffix in (".yaml", ".yml") or path.is_file()


def _execute(
    path: Path,
    *,
    limit: int | None,
    variants: tuple[str, ...],
    models: tuple[str, ...],
    fresh: bool,
    no_cache: bool,
    yes: bool,
    quiet: bool,
) -> RunResult:
    from promptlab.api import load
    from promptlab.basics.home import find_home
    from promptlab.cli.progress import shown
    from promptlab.runs import Progress

    def tell(message: str) -> None:
        if not quiet:
            lead = "\r\033[K" if sys.stderr.isatty() else ""
            click.echo(f"{lead}{message}", err=True)

    with ExitStack() as stack:

        def watch(progress: Progress) -> None:
            if not quiet:
                stack.close()  # the judges come after the trials
                tell(f"{progress.planned:,} {progress.unit} planned; results in {find_home()}")
                stack.enter_context(shown(progress))

        return load(path).run(
            limit=limit,
            variants=variants,
            models=models,
            fresh=fresh,
            use_cache=not no_cache,
            tell=tell,
            watch=watch,
            approve=None if yes else ask,
        )


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


def _report(result: RunResult) -> None:
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


def _exit_code(result: RunResult) -> int:
    return {
        "complete": ExitCode.DONE,
        "failed": ExitCode.TRIAL_ERRORS,
        "stopped: budget": ExitCode.BUDGET,
        "interrupted": ExitCode.INTERRUPTED,
    }[result.status]
