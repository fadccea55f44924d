"""`init`: a commented experiment to start from, ready to run; for a data file of one's own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from promptlab.basics.errors import ExperimentError, UsageError
from promptlab.cli.data_flags import reading_flags

DEFAULT_MODEL = "local/smollm2-135m"
ANSWERS = ("text", "number", "choice", "label", "yes_no", "list", "code")


@click.command()
@click.argument("data", required=False, type=click.Path(path_type=Path))
@click.option("--input", "inputs", metavar="COLUMN,...", help="What the model is shown.")
@click.option("--answer", type=click.Choice(ANSWERS), help="What kind of answer is asked for.")
@reading_flags
@click.option("--model", metavar="ID", help=f"The model to ask.  [default: {DEFAULT_MODEL}]")
@click.option("--name", help="The experiment's name.  [default: the data file's]")
@click.option(
    "--to",
    "--out",
    "path",
    type=click.Path(path_type=Path),
    default=Path("experiment.yaml"),
    show_default=True,
    help="The file to write.",
)
@click.option("--yes", is_flag=True, help="Ask nothing: what no flag says is guessed.")
@click.option("--force", is_flag=True, help="Overwrite the file if it is there.")
def init(data: Path | None, path: Path, yes: bool, force: bool, **flags: Any) -> None:
    """Write a commented experiment file: for a DATA file of yours, or with a small one to start from.

    From DATA it reads the columns, guesses what they are and asks at a terminal; what a flag says is not
    asked. Elsewhere, and with --yes, the guesses are taken and named. Nothing is overwritten without --force.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder.", remedy=f"Name the file: --to {path / 'experiment.yaml'}")
    if path.exists() and not force:
        raise UsageError(f"{path} is there already.", remedy="Name another file: --to NAME.yaml; or --force.")
    if data is None:
        given = [name for name, value in flags.items() if value is not None]
        if given:
            flag = "--input" if given[0] == "inputs" else f"--{given[0].replace('_', '-')}"
            raise UsageError(f"{flag} says something about a data file.", remedy="promptlab init DATA ...")
        _write_starter(path)
        return
    if path.exists() and data.exists() and path.samefile(data):
        raise UsageError(f"{path} is the data file.", remedy="Name another file: --to NAME.yaml")
    from promptlab.cli.drafting import draft_for

    asks = not yes and sys.stdin.isatty() and sys.stderr.isatty()
    try:
        draft, notes = draft_for(data, path, asks=asks, **flags)
    except ExperimentError as error:
        from promptlab.cli.data_flags import without_file

        raise without_file(error) from None
    _write(path, draft)
    for note in notes:
        click.echo(note, err=True)
    click.echo(f"Look at it, then: promptlab compare {path}")


def _write_starter(path: Path) -> None:
    from promptlab.experiment.starter import starter_text, write_starter_data

    _write(path, starter_text())
    try:
        write_starter_data(path.parent)
    except OSError as error:
        raise UsageError(f"cannot write beside {path}: {error.strerror}.") from error
    click.echo(f"Edit it, then: promptlab compare {path}")


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}.") from error
    click.echo(f"wrote {path}")
