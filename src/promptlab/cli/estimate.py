"""`estimate`: what an experiment would send, use and cost, and what it could find."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from promptlab.cli.compare import run_options

if TYPE_CHECKING:
    from promptlab.runs import CellEstimate, Estimate, Span
    from promptlab.runs.judge_estimate import JudgeEstimate


@click.command()
@click.argument("experiment", type=click.Path(path_type=Path), metavar="EXP.yaml")
@run_options
@click.option("--json", "as_json", is_flag=True, help="Print the estimate as JSON.")
def estimate(
    experiment: Path,
    *,
    limit: int | None,
    variants: tuple[str, ...],
    models: tuple[str, ...],
    fresh: bool,
    no_cache: bool,
    as_json: bool,
) -> None:
    """Say what is still to be sent of EXP.yaml, what it would cost, and what it could find. Calls nothing."""
    from promptlab.analysis.planning import reach
    from promptlab.basics.home import open_home
    from promptlab.experiment import make_plan
    from promptlab.runs import estimate as estimated

    home = open_home()
    with make_plan(experiment, home) as plan:
        plan.select(limit=limit, variants=variants, models=models)
        found = estimated(plan, home, fresh=fresh, use_cache=not no_cache)
        able = reach(plan)
    if as_json:
        from promptlab.cli.rows import print_json

        print_json({**found.to_json(), "min_detectable": able.difference})
        return
    _print(found)
    if able.difference is not None:
        of = f"{able.comparisons} comparisons" if able.comparisons > 1 else "one comparison"
        click.echo(
            f"The smallest difference that {able.samples:,} samples can find: {able.difference:.2f} "
            f"(80 % power, {of}, a 0/1 score, answers that differ on 30 % of the samples)."
        )
    elif able.comparisons:
        click.echo(f"{able.samples:,} samples are too few to find any difference.")


def _print(found: Estimate) -> None:
    from promptlab.cli.rows import print_rows
    from promptlab.runs.tally import LONGEST_REPLY_TOKENS

    print_rows(
        [
            {
                "variant": cell.variant,
                "model": cell.model,
                "dataset": cell.dataset,
                "missing": f"{cell.missing:,} of {cell.planned:,}",
                **_amounts(cell),
            }
            for cell in found.cells
        ]
        + [
            {
                "variant": f"judge {judge.scorer}",
                "model": judge.model,
                "dataset": "",
                "missing": f"{judge.missing:,}",
                **_amounts(judge),
            }
            for judge in found.judges
        ]
    )
    click.echo(f"\nTo send: {_count(found.calls)} calls, {_count(found.tokens)} tokens.")
    click.echo(f"Cost: {cost_words(found)}.")
    for why in dict.fromkeys(part.why_unknown for part in found.parts if part.why_unknown):
        click.echo(f"Unknown: {why}.")
    if found.unbounded:
        click.echo(
            f"Where max_tokens is not set, the upper end takes {LONGEST_REPLY_TOKENS:,} tokens a reply."
        )
    if found.approximate:
        click.echo(
            "Tokens are approximate: counted by characters where a model's tokenizer is not known here."
        )
    if found.sampled:
        click.echo("Sampled: of large cells some trials were looked at, and stand for all.")


def _amounts(part: CellEstimate | JudgeEstimate) -> dict[str, str]:
    cost = part.cost_usd
    return {
        "calls": f"{part.calls.expected:,.0f}",
        "tokens": f"{part.tokens.expected:,.0f}",
        "USD": "unknown" if cost is None else _figure(cost.expected),
        "at most": "unknown" if cost is None else _figure(cost.high),
    }


def cost_words(found: Estimate) -> str:
    """``0.12 USD (0.04 to 0.60)``, ``at least 0.12 USD (…), 3 cells unknown``."""
    known = found.known_usd
    if not found.unknown_cells:
        return _usd(known)
    cells = f"{found.unknown_cells} cell{'s' if found.unknown_cells > 1 else ''} unknown"
    return f"at least {_usd(known)}, {cells}" if known.high else f"unknown ({cells})"


def _usd(span: Span) -> str:
    low, expected, high = (_figure(each) for each in _ends(span))
    return f"{expected} USD" if low == high else f"{expected} USD ({low} to {high})"


def _figure(usd: float) -> str:
    from promptlab.analysis import words

    return words.usd(usd).removesuffix(" USD")


def _count(span: Span) -> str:
    low, expected, high = (f"{each:,.0f}" for each in _ends(span))
    return expected if low == high else f"{expected} ({low} to {high})"


def _ends(span: Span) -> tuple[float, float, float]:
    return span.low, span.expected, span.high
