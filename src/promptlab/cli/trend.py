"""`runs NAME --trend`: one experiment's headline score over its runs. Nothing here calls a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from promptlab.basics.errors import UsageError
from promptlab.basics.registry import did_you_mean

if TYPE_CHECKING:
    from promptlab.analysis.trend import TrendPoint


def show_trend(name: str | None, *, as_json: bool) -> None:
    """Prints the trend of the experiment of that name, or of the only one there is."""
    from promptlab.analysis.trend import trend
    from promptlab.basics.home import find_home
    from promptlab.cli.rows import print_json
    from promptlab.runs import all_runs
    from promptlab.runs.reading import has_results

    runs = [run for run in all_runs(find_home()) if has_results(run)]
    names = list(dict.fromkeys(str(run.manifest().get("experiment")) for run in runs))
    if name is None and len(names) > 1:
        raise UsageError(
            "there are several experiments.", remedy=f"Give one: promptlab runs {names[0]} --trend"
        )
    wanted = name if name is not None else (names[0] if names else "")
    chosen = [run for run in runs if run.manifest().get("experiment") == wanted]
    if not chosen:
        raise UsageError(f"there is no run of an experiment {wanted!r}.", remedy=did_you_mean(wanted, names))
    points = trend(chosen[::-1])
    if as_json:
        print_json([each.to_json() for each in points])
        return
    _print(points, wanted)


def _print(points: list[TrendPoint], experiment: str) -> None:
    from promptlab.analysis import words
    from promptlab.cli.rows import print_rows
    from promptlab.export import plain

    several = {field: len({getattr(each, field) for each in points}) > 1 for field in ("model", "dataset")}
    digits = words.decimals(max((each.score.n for each in points if each.score), default=0))
    by_cell: dict[tuple[str, str, str], list[TrendPoint]] = {}
    for each in points:
        by_cell.setdefault((each.variant, each.model, each.dataset), []).append(each)
    for (variant, model, dataset), series in by_cell.items():
        where = f" with {model}" * several["model"] + f" on {dataset}" * several["dataset"]
        click.echo(plain(f"{experiment}: {variant}{where}, {series[-1].scorer}"))
        print_rows(
            [
                {
                    "run": each.run.removeprefix(f"{experiment}-"),
                    "n": words.count(each.score.n if each.score else 0),
                    "mean": words.number(each.score.mean if each.score else None, digits),
                    "95 %": words.bounds(each.score.low, each.score.high, digits) if each.score else "-",
                    "change": _change(each, digits),
                    "what changed": words.listed(each.what) if each.what else "",
                }
                for each in series
            ]
        )
        click.echo()
    click.echo(
        "change: against the run before, paired by sample, with its 95 % interval; no verdict. "
        "`promptlab compare RUN RUN` tests two runs.",
        err=True,
    )


def _change(point: TrendPoint, digits: int) -> str:
    from promptlab.analysis import words

    found = point.change
    if found is None:
        return "-"
    return f"{words.signed(found.diff, digits)} {words.bounds(found.low, found.high, digits)}".rstrip()
