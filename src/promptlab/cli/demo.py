"""`demo`: the quickstart, from an installed package or a checkout."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from promptlab.basics.errors import UsageError

FOLDER = "promptlab-demo"


@click.command()
@click.pass_context
def demo(ctx: click.Context) -> int:
    """Run the quickstart on the embedded model. Puts its files where they can be read and changed."""
    from promptlab.cli.compare import compare

    here = Path("experiments/quickstart.yaml")
    if not here.is_file():
        here = _unpack(Path(FOLDER))
    click.echo(f"promptlab compare {here}", err=True)
    code: int = ctx.invoke(compare, target=str(here))
    return code


def _unpack(folder: Path) -> Path:
    """The examples, copied to `folder` unless they are there."""
    package = Path(__file__).resolve().parents[1]
    sources = [package / "examples", package.parents[1]]
    source = next((each for each in sources if (each / "experiments" / "quickstart.yaml").is_file()), None)
    if source is None:
        raise UsageError("the examples are missing from this installation.", remedy="Install promptlab anew.")
    for part in ("experiments", "datasets"):
        if not (folder / part).exists():
            shutil.copytree(source / part, folder / part)
    return folder / "experiments" / "quickstart.yaml"
