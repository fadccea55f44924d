"""`ratings`: what people said of a run's answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from promptlab.analysis.words import bounds, number, signed

if TYPE_CHECKING:
    from promptlab.analysis.rated import Concord, Graded, Preferred


@click.command()
@click.argument("run")
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="First keep the ratings of this file (csv, tsv, jsonl), as `export --what ratings` writes it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def ratings(run: str, source: Path | None, as_json: bool) -> None:
    """Print what people's ratings of a RUN say; they rate in the workbench (promptlab ui).

    Of pairs: Bradley-Terry strengths with 95 % intervals; of single answers: labels and means; of both how
    far people agree. `promptlab export RUN --what ratings` writes them to a file, `promptlab score RUN
    --ratings pairs` (or single) compares judges with them.
    """
    from promptlab.analysis.rated import graded, preferred
    from promptlab.basics.home import find_home
    from promptlab.cli.rows import print_json
    from promptlab.runs import find_run
    from promptlab.runs.rating_files import import_ratings

    found = find_run(find_home(), run)
    if source is not None:
        click.echo(f"{import_ratings(found, source):,} ratings kept", err=True)
    pairs, singles = preferred(found), graded(found)
    if as_json:
        print_json(
            {
                "run": found.id,
                "pairs": pairs.to_json() if pairs else None,
                "single": [each.to_json() for each in singles],
            }
        )
        return
    if pairs is None and not singles:
        click.echo(f"Nobody has rated answers of run {found.id} yet. Rate in the workbench: promptlab ui")
        return
    if pairs is not None:
        _print_pairs(pairs)
    for place, each in enumerate(singles):
        if place or pairs is not None:
            click.echo()
        _print_single(each)


def _print_pairs(found: Preferred) -> None:
    from promptlab.analysis.words import p_words
    from promptlab.cli.rows import print_rows

    fit = found.fit
    several = len({each.model for each in found.names}) > 1
    click.echo(f"{fit.n:,} pairs of {fit.clusters:,} samples; {_people(found.people, found.skipped)}\n")
    print_rows(
        [
            {
                "variant": row["variant"],
                **({"model": row["model"]} if several else {}),
                "pairs": row["n"],
                "won": row["wins"],
                "tied": row["ties"],
                "lost": row["losses"],
                "preferred": "" if row["preferred"] is None else f"{row['preferred']:.0%}",
                "strength, 95 % CI": _interval(row["strength"], row["ci_low"], row["ci_high"], signed),
            }
            for row in found.rows()
        ]
    )
    told = [each for each in fit.pairs if each.p_adjusted is not None and each.p_adjusted < 0.05]
    click.echo()
    for each in told:
        a, b = (each.a, each.b) if each.diff > 0 else (each.b, each.a)
        p = p_words(each.p_adjusted)
        click.echo(f"{_side(found, a)} is preferred to {_side(found, b)} ({p}, Holm).")
    if fit.pairs and not told:
        click.echo("No difference is significant yet (Holm over all pairs).")
    for caution in fit.cautions:
        click.echo(f"Mind: {caution}.")
    _print_concord(found.concord)


def _print_single(found: Graded) -> None:
    from promptlab.cli.rows import print_rows

    several = len({each.name.model for each in found.cells}) > 1
    click.echo(f"Single answers, {' < '.join(found.scale)}; {_people(found.people, found.skipped)}\n")
    print_rows(
        [
            {
                "variant": row["variant"],
                **({"model": row["model"]} if several else {}),
                "n": row["n"],
                "mean, 95 % CI": _interval(row["mean"], row["ci_low"], row["ci_high"]),
                **{label: row[label] for label in found.scale},
            }
            for row in found.rows()
        ]
    )
    _print_concord(found.concord)


def _print_concord(found: Concord) -> None:
    if not found.n:
        return
    fleiss = "does not exist here" if found.fleiss is None else f"{found.fleiss:.2f}"
    click.echo(f"Agreement on {found.n:,} rated by several people: Fleiss' kappa {fleiss}.")
    for one, other, n, share, kappa in found.pairs:
        cohen = "" if kappa is None else f", Cohen's kappa {kappa:.2f}"
        click.echo(f"  {_plain(one)} and {_plain(other)}: {share:.0%} of {n:,}{cohen}")


def _people(people: Any, skipped: int) -> str:
    said = ", ".join(f"{_plain(name)} {count:,}" for name, count in people.items())
    return f"by {said}" + (f"; {skipped:,} skipped" if skipped else "")


def _side(found: Preferred, number: int) -> str:
    name = found.names[number]
    alone = len({each.model for each in found.names}) == 1
    return _plain(name.variant if alone else f"{name.variant} × {name.model}")


def _interval(
    value: float | None, low: float | None, high: float | None, spelled: Callable[..., str] = number
) -> str:
    return f"{spelled(value)} {bounds(low, high)}".strip()


def _plain(text: str) -> str:
    from promptlab.export import plain

    return plain(text)
