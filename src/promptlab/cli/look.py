"""`show`, `export`: what is there already. Nothing here calls a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from promptlab.basics.errors import UsageError
from promptlab.cli.rows import print_json
from promptlab.export.kinds import What

if TYPE_CHECKING:
    from promptlab.runs import RunDirectory

SHOWN_TRIALS = 20
SHOWN_ENTRY_CHARS = 100
# Stored records have their fields in the order of the alphabet.
_COMES_LAST = ("answer", "observation", "feedback", "score")


@click.command()
@click.argument("run")
@click.argument("trial", type=int, required=False)
@click.option("--sample", metavar="ID", help="Only the trials of this sample, side by side.")
@click.option("--prompts", is_flag=True, help="The optimized prompts: before and after, what was tried, why.")
@click.option("--failed", is_flag=True, help="Only trials without an answer or with an error.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=SHOWN_TRIALS, show_default=True, help="At most N."
)
@click.option(
    "--offset",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Leave out the first N.",
)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def show(
    run: str,
    trial: int | None,
    sample: str | None,
    prompts: bool,
    failed: bool,
    limit: int,
    offset: int,
    as_json: bool,
) -> None:
    """Show a RUN's trials, or one TRIAL with every call: prompts, replies, tokens, cost."""
    from promptlab.basics.home import find_home
    from promptlab.runs import RunReader, find_run

    if prompts:
        _show_prompts(find_run(find_home(), run), as_json)
        return
    with RunReader(find_run(find_home(), run)) as reader:
        if trial is not None:
            found = {
                **reader.trial(trial),
                "call_list": list(reader.calls(trial)),
                "judgements": reader.judgements(trial),
            }
            print_json(found) if as_json else _print_trial(found)
            return
        rows = list(reader.trials(sample=sample, failed=failed, limit=limit, offset=offset))
        if as_json:
            print_json(rows)
            return
        if sample is not None and not rows:
            raise UsageError(f"run {reader.run.id} has no trial of a sample {sample!r}.")
        from promptlab.cli.rows import print_rows

        counts = reader.counts()
        told = ", ".join(f"{count:,} {status}" for status, count in sorted(counts.items()))
        click.echo(f"{reader.run.id}: {told or 'no trials yet'}")
        print_rows([_brief(row, reader.scorers()) for row in rows])
        if len(rows) == limit and sum(counts.values()) > offset + limit:
            click.echo(
                f"Trials {offset + 1} to {offset + limit}; --offset {offset + limit} shows the next, "
                f"`promptlab show {run} TRIAL` one in full.",
                err=True,
            )


def _show_prompts(run: RunDirectory, as_json: bool) -> None:
    from promptlab.export.optimizations import artifact_lines
    from promptlab.runs.artifacts import kept_prompts

    found = kept_prompts(run)
    if as_json:
        print_json([{**each.entry, "artifact": each.artifact} for each in found])
        return
    if not found:
        raise UsageError(f"run {run.id} has no optimized prompts.")
    for number, each in enumerate(found):
        names = " × ".join(_block(each.entry[key]) for key in ("variant", "model", "dataset"))
        click.echo(f"{chr(10) if number else ''}{names}")
        if each.artifact is None:
            click.echo("its optimized prompt is not kept here: the trials show what was sent")
            continue
        click.echo(each.path)
        for line in artifact_lines(each.artifact):
            click.echo(line)


@click.command()
@click.argument("run")
@click.option(
    "--to",
    "path",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="csv, tsv, jsonl, parquet, xlsx, md, tex or html, by the ending; json: a baseline for `gates:`.",
)
@click.option(
    "--what",
    type=click.Choice(get_args(What)),
    help="Default: cells; in xlsx all tables, in html the report.",
)
@click.option("--bom", is_flag=True, help="csv, tsv: start with the mark by which Excel knows UTF-8.")
@click.option(
    "--interval",
    type=click.Choice(["range", "pm"]),
    default="range",
    show_default=True,
    help="tex: [low, high], or half its width after ±.",
)
@click.option("--caption", default="", metavar="TEXT", help="tex: instead of the one that says all.")
@click.option("--label", default="", metavar="NAME", help="tex: tab:cells or tab:pairs without it.")
def export(run: str, path: Path, what: Any, bom: bool, interval: Any, caption: str, label: str) -> None:
    """Write a RUN to a file: tables, a report, or what a paper needs.

    prompts, methods and bibtex are texts for a paper: md, tex (methods also txt), bib.
    """
    from promptlab.basics.home import find_home
    from promptlab.export import Look, export_run
    from promptlab.runs import find_run

    told = export_run(find_run(find_home(), run), path, what, Look(bom, interval, caption, label))
    click.echo(f"{path}: {told}", err=True)


def _brief(row: dict[str, Any], scorers: dict[str, int]) -> dict[str, Any]:
    return {
        "trial": row["trial"],
        "sample": row["sample"],
        "variant": _labelled(row),
        "model": row["model"],
        "target": row["target"],
        "answer": row["answer"] if row["status"] == "ok" else f"({row['status']})",
        **{name: row[name] for name in scorers},
    }


def _labelled(row: dict[str, Any]) -> str:
    return f"{row['variant']} (oracle)" if row.get("oracle") else str(row["variant"])


def _print_trial(found: dict[str, Any]) -> None:
    names = " × ".join(_block(each) for each in (_labelled(found), found["model"], found["dataset"]))
    click.echo(f"trial {found['trial']}: {names}")
    click.echo(f"sample {_block(found['sample'])}, repeat {found['repeat']}, status {found['status']}")
    click.echo(f"target: {_block(found['target'])}")
    click.echo(f"answer: {_block(found['answer'])}  (rule: {found['rule'] or 'none'})")
    if found["error"]:
        click.echo(f"error: {_block(found['error'])}")
    for said in ("label", "comment"):
        if found[said] is not None:
            click.echo(f"a person's {said}: {_block(found[said])}")
    _print_notes(found["notes"], "")
    for call in found["call_list"]:
        _print_call(call)
    for judgement in found["judgements"]:
        _print_judgement(judgement)


def _print_notes(notes: dict[str, Any], indent: str) -> None:
    """What the technique recorded, inner techniques' records further in."""
    for key, value in notes.items():
        if isinstance(value, dict) and value:
            click.echo(f"{indent}{_block(key)}:")
            _print_notes(value, f"{indent}  ")
        elif isinstance(value, list) and any(isinstance(each, dict) for each in value):
            click.echo(f"{indent}{_block(key)}:")
            for each in value:
                _print_entry(each, f"{indent}  ")
        elif isinstance(value, str) and "\n" in value:
            click.echo(f"{indent}{_block(key)}:")
            click.echo("\n".join(f"{indent}  {line}" for line in _block(value).split("\n")))
        elif value != {}:
            click.echo(f"{indent}{_block(key)}: {_block(value)}")


def _print_entry(entry: Any, indent: str) -> None:
    """One of a list of records: short ones on a line, others a line a field."""
    if not isinstance(entry, dict):
        click.echo(f"{indent}- {_block(entry)}")
        return
    entry = {key: entry[key] for key in sorted(entry, key=_COMES_LAST.__contains__)}
    line = ", ".join(f"{_block(key)}: {_block(value)}" for key, value in entry.items())
    if "\n" not in line and len(line) <= SHOWN_ENTRY_CHARS:
        click.echo(f"{indent}- {line}")
        return
    lines = [
        f"{_block(key)}: {_block(value)}".replace("\n", f"\n{indent}    ") for key, value in entry.items()
    ]
    click.echo(f"{indent}- " + f"\n{indent}  ".join(lines))


def _print_judgement(found: dict[str, Any]) -> None:
    """A judge's score, how it came about, and its calls like any others."""
    score = "no score" if found["value"] is None else f"{found['value']:.2f}"
    read = ", ".join("unreadable" if each is None else _block(each) for each in found["verdicts"])
    told = f"{score} ({found['method']}{f': {read}' if read else ''})"
    if found["orders"]:
        told += f", {found['flips']} of {found['orders']} changed with the order"
    click.echo(f"\n══ judge {_block(found['scorer'])}: {told}")
    for call in found["call_list"]:
        _print_call(call)


def _print_call(call: dict[str, Any]) -> None:
    origin = "from the cache" if call["cached"] else f"sent, {call['attempts']} attempt(s)"
    cost = "cost unknown" if call["cost"] is None else f"{call['cost']:.6f} {call['currency']}"
    facts = [
        f"call {call['ordinal'] + 1} ({call['name']})",
        f"failed after {call['attempts']} attempt(s)" if call["error"] else origin,
        f"{_known(call['prompt_tokens'])} + {_known(call['completion_tokens'])} tokens",
        cost,
        f"ended by {call['finish'] or 'error'}",
    ]
    click.echo(f"\n── {' · '.join(facts)}")
    sampling = ", ".join(f"{key} {value}" for key, value in call["sampling"].items())
    click.echo(f"   {_block(sampling) or 'no sampling parameters'}")
    for message in call["messages"]:
        click.echo(f"[{message['role']}]\n{_block(message['content'])}")
    if call["error"]:
        click.echo(f"[error]\n{_block(call['error'])}")
    else:
        click.echo(f"[reply]\n{_block(call['reply'])}")


def _block(value: Any) -> str:
    """A text as it is, line by line, with what would steer the terminal spelled out."""
    from promptlab.export import plain

    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return "\n".join(plain(line) for line in text.split("\n"))


def _known(count: int | None) -> str:
    return "unknown" if count is None else f"{count:,}"
