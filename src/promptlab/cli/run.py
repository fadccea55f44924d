"""`run`: experiments without their comparison."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from promptlab.cli.executing import execute_file, exit_code_of, report
from promptlab.cli.rows import print_json
from promptlab.cli.run_options import all_run_options

if TYPE_CHECKING:
    from promptlab.runs import RunResult


@click.command()
@click.argument(
    "experiments", type=click.Path(path_type=Path), metavar="EXP.yaml ...", nargs=-1, required=True
)
@all_run_options
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def run(experiments: tuple[Path, ...], as_json: bool, **options: Any) -> int:
    """Run what is missing of each EXP.yaml and print its run's id. Several: as `compare` does."""
    from promptlab.cli.several import exit_code, in_turn, twins

    def work(target: str) -> tuple[RunResult, int]:
        if target in refused:
            raise refused[target]
        result = execute_file(Path(target), **options)
        if not as_json:
            click.echo(result.run.id)
        report(result)
        return result, exit_code_of(result)

    targets = list(dict.fromkeys(map(str, experiments)))
    refused = twins([Path(target) for target in targets])
    if len(targets) == 1:
        result, code = work(targets[0])
        if as_json:
            print_json(_done(result))
        return code
    outcomes = in_turn(targets, work, quiet=options["quiet"])
    code = exit_code(outcomes)
    if as_json:
        entries = [{**each.to_json(), **(_done(each.value) if each.value else {})} for each in outcomes]
        print_json({"exit_code": code, "experiments": entries})
    elif not options["quiet"]:
        for each in outcomes:
            told = f"{each.value.run.id}, {each.value.sent_calls:,} calls sent" if each.value else each.error
            click.echo(f"{each.target}: {each.state}{f': {told}' if told else ''}", err=True)
    return code


def _done(result: RunResult) -> dict[str, Any]:
    progress = result.progress
    return {
        "run": result.run.id,
        "status": result.status,
        "planned": progress.planned,
        "finished": progress.reused + progress.finished,
        "errors": sum(progress.errors.values()),
        "sent_calls": result.sent_calls,
    }
