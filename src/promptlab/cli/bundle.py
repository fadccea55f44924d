"""`bundle` and `replay`: a run in one file, and its table from that file alone. No model is called."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from promptlab.export.bundle import Replayed


@click.command()
@click.argument("run")
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.zip",
    help="The file to write.",
)
@click.option("--without-data", is_flag=True, help="Leave out the samples; their hashes stay.")
def bundle(run: str, out: Path, without_data: bool) -> None:
    """Pack a RUN into one file: the experiment, the test samples, every call and its paid reply.

    No key goes in. The same run gives the same file. Others read it with `promptlab replay FILE.zip`.
    """
    from promptlab.basics.home import find_home
    from promptlab.export.bundle import pack
    from promptlab.models.client import CACHE_FOLDER
    from promptlab.runs import find_run

    home = find_home()
    packed = pack(
        find_run(home, run), out, cache=home / CACHE_FOLDER, folder=Path.cwd(), data=not without_data
    )
    click.echo(
        f"{out}: {packed.trials:,} trials, {packed.calls:,} calls, {packed.replies:,} paid replies "
        f"({out.stat().st_size / 1e6:.1f} MB)",
        err=True,
    )
    click.echo(f"contents SHA-256 {packed.digest}", err=True)
    if packed.lost:
        click.echo(
            f"Note: {packed.lost:,} replies are no longer in the cache as the run saw them: `cache import` "
            "will lack them; the table does not.",
            err=True,
        )
    if without_data:
        click.echo("Note: the samples are left out, but prompts and replies quote them.", err=True)


@click.command()
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="BUNDLE.zip")
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Keep the run in DIR, for `show`, `export` and `compare DIR/ID`.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
@click.option("-v", "--verbose", is_flag=True, help="Also print every paired difference.")
def replay(path: Path, folder: Path | None, as_json: bool, verbose: bool) -> None:
    """Check a bundle and compute its table from its calls, with no key and no network.

    Hashes, answers and scores are worked out anew; a bundle in which anything differs is refused.
    """
    from promptlab.cli.stored_runs import print_shown
    from promptlab.export.bundle import replay as replayed

    with tempfile.TemporaryDirectory(prefix="promptlab-") as temporary:
        found = replayed(path, folder or Path(temporary))
        print_shown(
            found.comparison,
            found.run,
            flips=None,
            as_json=as_json,
            verbose=verbose,
        )
        _tell(found)
        if folder is not None:
            click.echo(f"The run is kept in {found.run.path}", err=True)


def _tell(found: Replayed) -> None:
    checked = found.checked
    what = f"{checked.trials:,} trials"
    if found.data and not checked.not_graded:
        click.echo(f"Replayed: {what}, every answer and score from its reply; the same table.", err=True)
    elif found.data:
        names = ", ".join(checked.not_graded)
        click.echo(f"Replayed: {what}; the same table. Not graded anew here: {names}.", err=True)
    else:
        click.echo(
            f"Replayed: {what}; the same table, from stored scores: the samples are not in this bundle.",
            err=True,
        )
    click.echo(f"contents SHA-256 {found.digest}", err=True)
