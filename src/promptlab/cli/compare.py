"""`compare`: experiments, or stored runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from promptlab.basics.errors import ExitCode, UsageError
from promptlab.cli.executing import execute_file, exit_code_of, report
from promptlab.cli.rows import print_json
from promptlab.cli.run_options import all_run_options

if TYPE_CHECKING:
    from promptlab.analysis import Comparison
    from promptlab.analysis.gates import GateResult
    from promptlab.runs import RunDirectory, RunResult


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
    from promptlab.cli.summary import print_summary, summary

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
                **summary(each.value),
                "comparison": documents.get(each.target),
            }
            for each in outcomes
        ]
        print_json({"exit_code": code, "experiments": entries})
    else:
        print_summary(outcomes)
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


def _print(shown: Comparison, verbose: bool) -> None:
    from promptlab.export import print_comparison

    print_comparison(shown, pairs=verbose)
    if shown.judges:
        from promptlab.export.judges import print_judges

        print_judges(shown.judges)


def _is_file(target: str) -> bool:
    path = Path(target)
    return path.suffix in (".yaml", ".yml") or (path.is_file() and path.suffix != ".zip")
