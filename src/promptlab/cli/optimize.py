"""`optimize`: find variants' prompts and keep them, without a comparison; touches no test sample."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from promptlab.basics.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from promptlab.runs.optimizing import Optimized


@click.command()
@click.argument("experiment", type=click.Path(path_type=Path), metavar="EXP.yaml")
@click.option(
    "--variant", "variants", multiple=True, metavar="NAME", help="Only this optimizer's variant (repeatable)."
)
@click.option("--model", "models", multiple=True, metavar="NAME", help="Only this model (repeatable).")
@click.option(
    "--to",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also write the artifact to FILE: `technique: optimized, from: FILE` asks it on any model.",
)
@click.option(
    "--dspy",
    "as_dspy",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also write the program as DSPy saves it.",
)
@click.option("--fresh", is_flag=True, help="Look again, fed from the cache, with a new budget ledger.")
@click.option("--no-cache", is_flag=True, help="Read nothing from the cache and overwrite nothing in it.")
@click.option("-y", "--yes", is_flag=True, help="Spend more than limits.confirm_usd without a question.")
@click.option("-q", "--quiet", is_flag=True, help="No progress and no messages but errors.")
@click.option(
    "--events",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Append what happens to FILE, one JSON object a line.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the artifacts as JSON.")
def optimize(
    experiment: Path,
    variants: tuple[str, ...],
    models: tuple[str, ...],
    path: Path | None,
    as_dspy: Path | None,
    fresh: bool,
    no_cache: bool,
    yes: bool,
    quiet: bool,
    events: Path | None,
    as_json: bool,
) -> int:
    """Find the prompts of EXP.yaml's optimizers, on train and dev, and keep them.

    A later `compare` asks what was found here. Reaching an optimizer's budget_calls is a normal end; exit
    code 5 is for `limits` only, 3 for a provider that failed before any prompt was scored.
    """
    from promptlab.cli.rows import print_json

    single = path is not None or as_dspy is not None
    found = _found(experiment, variants, models, fresh, no_cache, yes, quiet, events, single=single)
    written = [(each, artifact) for each in found.cells for artifact in each.artifacts]
    if single and written:
        _only_one(len(written))
        if path is not None:
            written[0][1].write(path)
        if as_dspy is not None:
            _write_dspy(written[0][1], as_dspy)
    if as_json:
        print_json(
            [{"cell": each.label, "file": each.file, **artifact.to_json()} for each, artifact in written]
        )
    else:
        for each, artifact in written:
            _print(each.label, each.file, artifact)
    for label, why in found.stopped.items():
        click.echo(f"promptlab: {label} stopped early: {why}", err=True)
    if found.budget_message:
        click.echo(f"promptlab: {found.budget_message}", err=True)
        return ExitCode.BUDGET
    if found.interrupted:
        click.echo("promptlab: interrupted; run the same command again to go on.", err=True)
        return ExitCode.INTERRUPTED
    return ExitCode.TRIAL_ERRORS if found.stopped else ExitCode.DONE


def _found(
    experiment: Path,
    variants: tuple[str, ...],
    models: tuple[str, ...],
    fresh: bool,
    no_cache: bool,
    yes: bool,
    quiet: bool,
    events: Path | None,
    *,
    single: bool,
) -> Optimized:
    """Looks for the prompts, with progress on stderr."""
    from promptlab.basics.home import open_home
    from promptlab.cli.executing import ask, teller
    from promptlab.cli.progress import shown
    from promptlab.experiment import make_plan
    from promptlab.runs import Progress
    from promptlab.runs.events import EventLog
    from promptlab.runs.optimizing import optimize_cells

    home, tell = open_home(), teller(quiet)
    with ExitStack() as stack:
        log = None if events is None else EventLog(events, tell)
        if log is not None:
            stack.callback(log.close)

        def watch(progress: Progress) -> None:
            if not quiet:
                stack.enter_context(shown(progress))

        plan = stack.enter_context(make_plan(experiment, home))
        plan.select(limit=None, variants=variants, models=models)
        if single:
            _only_one(sum(any(cell.variant.technique.optimizers()) for cell in plan.chosen))
        return optimize_cells(
            plan,
            home,
            fresh=fresh,
            use_cache=not no_cache,
            tell=tell,
            watch=watch,
            approve=None if yes else ask,
            listen=log,
        )


def _only_one(count: int) -> None:
    if count > 1:
        raise UsageError(
            f"--to and --dspy write one prompt, and {count} are looked for.",
            remedy="Add --variant and --model.",
        )


def _print(label: str, file: str, artifact: Any) -> None:
    from promptlab.export.optimizations import artifact_lines

    click.echo(f"{label}\n{file}")
    for line in artifact_lines(artifact.to_json()):
        click.echo(line)


def _write_dspy(artifact: Any, path: Path) -> None:
    import orjson

    from promptlab.basics.files import write_atomically
    from promptlab.optimizers.artifact import dspy_state

    write_atomically(path, orjson.dumps(dspy_state(artifact), option=orjson.OPT_INDENT_2) + b"\n")
