"""`plot`: one figure of a stored run to a file."""

from __future__ import annotations

from pathlib import Path

import click

PLOTS = ("scores", "heatmap", "cost", "wins", "latency", "tokens", "failures", "counts")


@click.command()
@click.argument("run")
@click.option(
    "--what",
    type=click.Choice(PLOTS),
    default="scores",
    show_default=True,
    help="wins: per pair of variants, samples won, tied and lost; tokens: per correct answer; counts: "
    "the score over the number of demos or draws.",
)
@click.option(
    "--to",
    "path",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="html, or png, svg, pdf, by the ending.",
)
def plot(run: str, what: str, path: Path) -> None:
    """Draw a RUN: scores with intervals, technique × model, cost against score, and more.

    png, svg and pdf need kaleido and a Chrome or Chromium; html works without, and offline.
    """
    from promptlab.analysis import compare_run
    from promptlab.basics.home import find_home
    from promptlab.export import figure, write_picture
    from promptlab.runs import find_run

    write_picture(figure(what, compare_run(find_run(find_home(), run))), path)
    click.echo(f"{path}: {what}", err=True)
