"""`score`: more scores for a stored run."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from promptlab.basics.errors import ExitCode

if TYPE_CHECKING:
    from promptlab.runs.ratings import Kind
    from promptlab.runs.score import ScoreResult


@click.command()
@click.argument("run")
@click.option(
    "--scorer",
    "added",
    multiple=True,
    metavar="NAME[:SETTINGS]",
    help="A scorer: rouge, contains:case=true,as=exact, {scorer: judge, kind: …} (repeatable).",
)
@click.option(
    "--human",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="People's labels (csv, tsv, jsonl): sample, variant, label, and comment if there is one.",
)
@click.option(
    "--ratings",
    "rated",
    type=click.Choice(["pairs", "single"]),
    help="Take the ratings given in the workbench as people's labels.",
)
@click.option("--no-cache", is_flag=True, help="Judges read nothing from the cache and overwrite nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.option("-y", "--yes", is_flag=True, help="Spend more than limits.confirm_usd without a question.")
@click.option("-q", "--quiet", is_flag=True, help="No progress and no messages but errors.")
def score(
    run: str,
    added: tuple[str, ...],
    human: Path | None,
    rated: Kind | None,
    no_cache: bool,
    as_json: bool,
    yes: bool,
    quiet: bool,
) -> int:
    """Add scores to a stored RUN; the models that answered are not asked again.

    Reads replies again whose extraction rule has a newer version, and grades whatever lacks a score of the
    run's own scorers and of those given here, which stay with the run. Judges are models: they are asked and
    paid under the experiment's budget. Exit code: 0 done, 3 some judgements ended in errors, 5 stopped by
    the budget, 130 interrupted.
    """
    from promptlab.analysis.judged import judge_reports
    from promptlab.basics.errors import UsageError
    from promptlab.basics.home import find_home
    from promptlab.cli.executing import ask
    from promptlab.cli.progress import shown
    from promptlab.runs import Progress, RunReader, find_run
    from promptlab.runs.score import score as score_run

    def tell(message: str) -> None:
        if not quiet:
            click.echo(message, err=True)

    if human is not None and rated is not None:
        raise UsageError("--human and --ratings both say what people's labels are.", remedy="Leave one out.")
    home = find_home()
    found = find_run(home, run)
    with ExitStack() as stack:

        def watch(progress: Progress) -> None:
            if not quiet:
                tell(f"{progress.planned:,} {progress.unit} to make")
                stack.enter_context(shown(progress))

        result = score_run(
            found,
            home,
            added,
            human=human if rated is None else rated,
            use_cache=not no_cache,
            tell=tell,
            watch=watch,
            approve=None if yes else ask,
        )
    with RunReader(found) as reader:
        reports = judge_reports(reader)
    if as_json:
        from promptlab.cli.rows import print_json

        print_json({**_json(result), "judges": [report.to_json() for report in reports]})
    else:
        from promptlab.export.judges import print_judges

        _print(result)
        at_work = {*result.judged.scored, *result.judged.unscored}
        print_judges(each for each in reports if result.labels or not at_work or each.scorer in at_work)
    return _ended(result)


def _json(result: ScoreResult) -> dict[str, Any]:
    judged = result.judged
    return {
        "run": result.run.id,
        "status": result.status,
        "sent_calls": judged.sent_calls,
        "reread": {"read": result.read, "changed": result.changed},
        "graded": result.graded,
        "judged": {
            name: {"scored": judged.scored[name], "unscored": judged.unscored[name]}
            for name in sorted({*judged.scored, *judged.unscored})
        },
        "errors": dict(judged.errors),
        "labels": result.labels,
    }


def _print(result: ScoreResult) -> None:
    """What was done, a line each; nothing to do is said too."""
    lines = []
    if result.read:
        lines.append(
            f"{_answers(result.read)} read again by a newer rule: "
            f"{f'{result.changed:,} changed' if result.changed else 'none changed'}"
        )
    lines += [f"{name}: {_answers(count)} graded" for name, count in result.graded.items() if count]
    judged = result.judged
    for name in dict.fromkeys([*judged.scored, *judged.unscored]):
        unscored = f", {judged.unscored[name]:,} without a readable verdict" if judged.unscored[name] else ""
        lines.append(f"{name}: {_answers(judged.scored[name])} scored{unscored}")
    if result.labels:
        lines.append(f"{result.labels:,} labels kept")
    for line in lines or ["nothing was lacking"]:
        click.echo(f"{result.run.id}: {line}")
    if lines:
        click.echo(f"`promptlab compare {result.run.id}` shows the comparison.", err=True)


def _ended(result: ScoreResult) -> int:
    """What did not go well, on stderr, and the exit code."""
    judged = result.judged
    for name, why in judged.stopped.items():
        click.echo(f"promptlab: the judge {name} stopped early: {why}", err=True)
    for message, count in judged.errors.most_common(5):
        if message not in judged.stopped.values():
            click.echo(f"promptlab: {count} × {message}", err=True)
    if judged.status == "stopped: budget":
        click.echo(f"promptlab: {judged.budget_message}", err=True)
    elif judged.status != "complete":
        click.echo("promptlab: run the same command again to try what is missing.", err=True)
    return {
        "complete": ExitCode.DONE,
        "failed": ExitCode.TRIAL_ERRORS,
        "stopped: budget": ExitCode.BUDGET,
        "interrupted": ExitCode.INTERRUPTED,
    }[judged.status]


def _answers(count: int) -> str:
    return f"{count:,} answer{'' if count == 1 else 's'}"
