"""`compare`: experiments, or stored runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from promptlab.basics.errors import ExitCode, UsageError
from promptlab.cli.rows import print_json

if TYPE_CHECKING:
    from promptlab.analysis import Comparison
    from promptlab.analysis.gates import GateResult
    from promptlab.cli.several import Outcome
    from promptlab.runs import Estimate, RunDirectory, RunResult
    from promptlab.runs.events import Event, Listen


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


@click.command()
@click.argument("targets", metavar="EXP.yaml|RUN ...", nargs=-1, required=True)
@all_run_options
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
@click.option("--flips", nargs=2, metavar="A B", help="The samples on which variants A and B differ.")
@click.option(
    "--junit",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also write the gates as JUnit XML.",
)
@click.option("--allow-changed-data", is_flag=True, help="Compare RUNs on the samples that did not change.")
@click.option("--detach", is_flag=True, help="Run it as a process of its own; see `promptlab runs`.")
def compare(
    targets: tuple[str, ...],
    as_json: bool,
    flips: tuple[str, str] | None,
    junit: Path | None,
    allow_changed_data: bool,
    detach: bool,
    **options: Any,
) -> int:
    """Run what is missing of each EXP.yaml and print its comparison; of several, a summary at the end.

    With a stored RUN (id, unique prefix, path, bundle, or an experiment's name) reprint its comparison;
    calls nothing. Several RUNs are compared on the samples that they share: first what differs in their
    specs, then the numbers, each variant against the one of its name in the first RUN.

    Exit code: 0 done, 2 wrong usage or file, 3 some trials ended in errors, 4 a gate of the file was not met,
    5 stopped by the budget, 130 interrupted. Of several experiments the worst counts, in the order 130, 1, 2,
    5, 3, 4; one that fails does not stop the others.
    """
    from promptlab.cli.stored_runs import are_stored, compare_stored, print_shown

    targets = tuple(dict.fromkeys(targets))
    if detach:
        from promptlab.cli.detaching import detached

        more = {"--json": as_json, "--flips": flips, "--junit": junit, "--quiet": options["quiet"]}
        return detached(targets, options, {**more, "--verbose": options["verbose"]})
    if are_stored(targets):
        for name, value in {**options, "junit": junit}.items():
            if value and name in ("limit", "fresh", "no_cache", "junit", "events"):
                flag = name.replace("_", "-")
                raise UsageError(f"--{flag} has nothing to do with stored runs.", remedy="Give EXP.yaml.")
        compare_stored(
            targets,
            allow_changed_data=allow_changed_data,
            flips=flips,
            as_json=as_json,
            verbose=options["verbose"],
            variants=options["variants"],
            models=options["models"],
        )
        return ExitCode.DONE
    if allow_changed_data:
        raise UsageError("--allow-changed-data is for several RUNs.", remedy="Give two, or leave it out.")
    if len(targets) > 1:
        if flips or junit:
            raise UsageError("--flips and --junit are for one experiment.", remedy="Give one EXP.yaml.")
        return _compare_several(targets, as_json, options)
    shown, result, run, judged = _compared(targets[0], options)
    if junit is not None:
        from promptlab.export.junit import write_junit

        if not judged:
            raise UsageError(f"{targets[0]!r} has no gates to write.", remedy="Give EXP.yaml with `gates:`.")
        write_junit(judged, junit, experiment=shown.experiment)
    more = {"gates": [each.to_json() for each in judged]} if judged else {}
    print_shown(shown, run, flips=flips, as_json=as_json, verbose=options["verbose"], more=more)
    return _ended(result, judged)


def _ended(result: RunResult | None, judged: Sequence[GateResult]) -> int:
    """Says how the run and its gates ended; the exit code."""
    from promptlab.cli.gates import tell

    if result is None:
        return ExitCode.DONE
    report(result)
    tell(judged)
    missed = any(not each.passed for each in judged)
    return exit_code_of(result) or (ExitCode.GATE if missed else ExitCode.DONE)


def _compare_several(targets: Sequence[str], as_json: bool, options: dict[str, Any]) -> int:
    from promptlab.cli.several import exit_code, in_turn, twins
    from promptlab.cli.stored_runs import comparison_json

    documents: dict[str, dict[str, Any]] = {}
    refused = twins([Path(target) for target in targets if _is_file(target)])

    def work(target: str) -> tuple[Comparison, int]:
        if target in refused:
            raise refused[target]
        shown, result, run, judged = _compared(target, options)
        if as_json:
            from promptlab.analysis.items import sample_names

            documents[target] = comparison_json(shown, sample_names(run))
        else:
            _print(shown, options["verbose"])
            click.echo()
        return shown, _ended(result, judged)

    outcomes = in_turn(targets, work, quiet=options["quiet"])
    code = exit_code(outcomes)
    if as_json:
        entries = [
            {
                **each.to_json(),
                **_summary(each.value),
                "comparison": documents.get(each.target),
            }
            for each in outcomes
        ]
        print_json({"exit_code": code, "experiments": entries})
    else:
        _print_summary(outcomes)
    return code


def _compared(
    target: str, options: dict[str, Any]
) -> tuple[Comparison, RunResult | None, RunDirectory, list[GateResult]]:
    """The comparison to show of a file, which is run first, or of a stored run; the run, and its gates."""
    from promptlab.analysis import compare_run

    gates = None
    if _is_file(target) and not _chooses(options):
        from promptlab.basics.home import find_home
        from promptlab.runs.unchanged import unchanged

        same = unchanged(find_home(), Path(target))
        if same is not None:
            return compare_run(same), None, same, []
    if _is_file(target):
        from promptlab.cli.gates import open_gates

        gates = open_gates(Path(target))  # before anything is sent
        result = execute_file(Path(target), **options)
        run_directory = result.run
        comparison = compare_run(
            run_directory, limit=options["limit"], status=result.status, sent_calls=result.sent_calls
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
        run_directory = find_run(find_home(), target)
        comparison = compare_run(run_directory, limit=options["limit"])
    shown = comparison.filtered(variants=options["variants"] or None, models=options["models"] or None)
    return shown, result, run_directory, gates.judged(shown, run_directory) if gates else []


def _chooses(options: dict[str, Any]) -> bool:
    """Whether any option says what is to be run."""
    return any(options[name] for name in ("limit", "variants", "models", "fresh", "no_cache"))


def _summary(shown: Comparison | None) -> dict[str, Any]:
    """One experiment of several: what the line of the summary says, as plain values."""
    from promptlab.analysis import best

    if shown is None:
        return {"experiment": None}
    found = best(shown)
    costs = [cell.result.cost_usd for cell in shown.cells if cell.result.n]
    known = [cost for cost in costs if cost is not None]
    return {
        "experiment": shown.experiment,
        "cells": len(shown.cells),
        "scorer": shown.primary,
        "best": found.name.to_json() if found else None,
        "best_mean": found.mean if found else None,
        "verdict": found.verdict if found else None,
        "sent_calls": shown.sent_calls,
        "calls": sum(cell.result.calls for cell in shown.cells),
        "cost_usd": sum(known) if len(known) == len(costs) else None,
    }


def _print_summary(outcomes: Sequence[Outcome[Comparison]]) -> None:
    from promptlab.analysis import best, words
    from promptlab.cli.rows import print_rows

    rows = []
    for each in outcomes:
        row = _summary(each.value)
        found = best(each.value) if each.value else None
        cost = row.get("cost_usd")
        rows.append(
            {
                "experiment": row["experiment"] or each.target,
                "cells": row.get("cells", ""),
                "best": f"{found.label} {words.number(found.mean)}" if found else "",
                "verdict": found.verdict if found else "",
                "calls": words.count(row["calls"]) if each.value else "",
                "USD": "" if not each.value else "unknown" if cost is None else words.usd(cost)[:-4],
                "state": each.state,
            }
        )
    print_rows(rows)


def _print(shown: Comparison, verbose: bool) -> None:
    from promptlab.export import print_comparison

    print_comparison(shown, pairs=verbose)
    if shown.judges:
        from promptlab.export.judges import print_judges

        print_judges(shown.judges)


def _is_file(target: str) -> bool:
    path = Path(target)
    return path.suffix in (".yaml", ".yml") or (path.is_file() and path.suffix != ".zip")


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
