"""`init`: a commented experiment to start from, ready to run."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import click

from promptlab.basics.errors import UsageError


@click.command()
@click.option(
    "--to",
    "path",
    type=click.Path(path_type=Path),
    default=Path("experiment.yaml"),
    show_default=True,
    help="The file to write.",
)
def init(path: Path) -> None:
    """Write a commented experiment file and a small data file beside it. Overwrites nothing."""
    starter = resources.files("promptlab.experiment") / "starter"
    data = path.parent / "capitals.jsonl"
    for target, source in ((path, "experiment.yaml"), (data, "capitals.jsonl")):
        if target.exists() and target is path:
            raise UsageError(f"{target} is there already.", remedy="Name another file: --to NAME.yaml")
        if target.exists():
            continue
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text((starter / source).read_text(encoding="utf-8"), encoding="utf-8")
        except OSError as error:
            raise UsageError(f"cannot write {target}: {error.strerror}.") from error
        click.echo(f"wrote {target}")
    click.echo(f"Edit it, then: promptlab compare {path}")
