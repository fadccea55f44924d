"""`cache`: what is kept of paid replies, and whether it is sound. Nothing here calls a model."""

from __future__ import annotations

import time
from pathlib import Path

import click

_MB = 1e6


@click.group()
def cache() -> None:
    """The cache of paid replies: what it holds, and whether every row is sound."""


@cache.command()
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def info(as_json: bool) -> None:
    """Number of entries, size and age."""
    from promptlab.cli.rows import print_json
    from promptlab.models.cache_check import cache_info

    found = cache_info(_folder())
    if as_json:
        print_json(found)
        return
    click.echo(f"{found.folder}: {found.entries:,} entries, {found.bytes_on_disk / _MB:.1f} MB")
    if found.oldest is not None and found.newest is not None:
        click.echo(f"stored from {_day(found.oldest)} to {_day(found.newest)}")


@cache.command()
@click.option("--repair", is_flag=True, help="Remove bad rows; their replies are asked for again.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def verify(repair: bool, as_json: bool) -> int:
    """Check every row: checksum, form, no pickle. Exit code 1 if bad rows are left."""
    from promptlab.basics.errors import ExitCode
    from promptlab.cli.rows import print_json
    from promptlab.export import plain
    from promptlab.models.cache_check import check_cache, remove

    folder = _folder()
    found = check_cache(folder)
    removed = remove(folder, found.bad) if repair and found.bad else 0
    left = len(check_cache(folder).bad) if removed else len(found.bad)
    if as_json:
        print_json({"folder": str(folder), "check": found, "removed": removed, "bad_left": left})
    else:
        for each in found.bad:
            click.echo(f"{plain(each.key)}: {plain(each.reason)}")
        running = f", {found.leases:,} calls on their way" if found.leases else ""
        told = f"{len(found.bad):,} bad" + (f" ({removed:,} removed)" if removed else "")
        click.echo(f"{folder}: {found.entries:,} sound entries, {told}{running}", err=True)
        if left and not repair:
            click.echo("Remove them: promptlab cache verify --repair", err=True)
    return ExitCode.INTERNAL if left else ExitCode.DONE


@cache.command("import")
@click.argument("bundle", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="BUNDLE.zip")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def import_(bundle: Path, as_json: bool) -> None:
    """Take over the paid replies of a bundle, so that the same requests cost nothing here.

    Every reply is checked first: its checksum, and its key against the request it answers. Replies that
    are here already stay as they are.
    """
    from promptlab.basics.home import open_home
    from promptlab.cli.rows import print_json
    from promptlab.export.bundle import open_bundle
    from promptlab.models.client import CACHE_FOLDER
    from promptlab.models.stored_replies import import_entries

    with open_bundle(bundle) as opened:
        found = import_entries(open_home() / CACHE_FOLDER, opened.replies)
    if as_json:
        print_json(found)
    else:
        click.echo(f"{bundle}: {found.added:,} replies added, {found.known:,} were here already", err=True)


def _folder() -> Path:
    from promptlab.basics.home import find_home
    from promptlab.models.client import CACHE_FOLDER

    return find_home() / CACHE_FOLDER


def _day(unix_s: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(unix_s))
