"""`estimate`: what experiments would send, use and cost, and what they could find."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from promptlab.basics.errors import ExitCode
from promptlab.cli.run_options import run_options

if TYPE_CHECKING:
    from promptlab.analysis.planning import Reach
    from promptlab.runs import CellEstimate, Estimate, Span
    from promptlab.runs.judge_estimate import JudgeEstimate


@click.command()
@click.argument(
    "experiments", type=click.Path(path_type=Path), metavar="EXP.yaml ...", nargs=-1, required=True
)
@run_options
@click.option("--json", "as_json", is_flag=True, help="Print the estimate as JSON.")
def estimate(experiments: tuple[Path, ...], as_json: bool, **options: Any) -> int:
    """Say what is still to be sent of each EXP.yaml, what it would cost, and what it could find.

    Calls nothing. Of several, a total at the end; one that fails does not stop the others.
    """
    from promptlab.cli.rows import print_json
    from promptlab.cli.several import exit_code, in_turn
    from promptlab.runs import Estimate

    def work(target: str) -> tuple[_Found, int]:
        found = _estimated(Path(target), **options)
        if not as_json:
            _print(found)
        return found, ExitCode.DONE

    targets = list(dict.fromkeys(map(str, experiments)))
    if len(targets) == 1:
        found, code = work(targets[0])
        if as_json:
            print_json(found.to_json())
        return code
    outcomes = in_turn(targets, work)
    code = exit_code(outcomes)
    found_all = [each.value.estimate for each in outcomes if each.value]
    total = Estimate(
        tuple(cell for each in found_all for cell in each.cells),
        tuple(judge for each in found_all for judge in each.judges),
    )
    if as_json:
        entries = [
            {**each.to_json(), "estimate": each.value.to_json() if each.value else None} for each in outcomes
        ]
        amounts = {key: total.to_json()[key] for key in ("calls", "tokens", "cost_usd")}
        print_json({"exit_code": code, **amounts, "experiments": entries})
        return code
    done = sum(each.value is not None for each in outcomes)
    of = f"all {done} experiments" if done == len(outcomes) else f"{done} of {len(outcomes)} experiments"
    click.echo(f"\nTogether ({of}; what several ask alike is counted for each):")
    click.echo(f"To send: {_count(total.calls)} calls, {_count(total.tokens)} tokens.")
    click.echo(f"Cost: {cost_words(total)}.")
    return code


@dataclass(frozen=True)
class _Found:
    """An experiment's estimate, and what its samples could find."""

    estimate: Estimate
    reach: Reach
    left_out: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        more = {"left_out": list(self.left_out)} if self.left_out else {}
        return {**self.estimate.to_json(), "min_detectable": self.reach.difference, **more}


def _estimated(
    path: Path,
    *,
    limit: int | None,
    variants: tuple[str, ...],
    models: tuple[str, ...],
    fresh: bool,
    no_cache: bool,
) -> _Found:
    from promptlab.analysis.planning import reach
    from promptlab.basics.home import open_home
    from promptlab.experiment import make_plan
    from promptlab.runs import estimate as estimated

    home = open_home()
    with make_plan(path, home) as plan:
        plan.select(limit=limit, variants=variants, models=models)
        left_out = []
        if plan.spec.match_tokens:
            left_out.append("the votes that match_tokens adds, each about as dear as the dearest variant")
        if any(cell.context.embedding is not None for cell in plan.chosen):
            left_out.append("embeddings")
        found = estimated(plan, home, fresh=fresh, use_cache=not no_cache)
        return _Found(found, reach(plan), tuple(left_out))


def _print(each: _Found) -> None:
    from promptlab.cli.rows import print_rows
    from promptlab.runs.tally import LONGEST_REPLY_TOKENS

    found, able = each.estimate, each.reach
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
    if each.left_out:
        click.echo(f"Not in this: {'; '.join(each.left_out)}.")
    if found.sampled:
        click.echo("Sampled: of large cells some trials were looked at, and stand for all.")
    if able.difference is not None:
        of = f"{able.comparisons} comparisons" if able.comparisons > 1 else "one comparison"
        click.echo(
            f"The smallest difference that {able.samples:,} samples can find: {able.difference:.2f} "
            f"(80 % power, {of}, a 0/1 score, answers that differ on 30 % of the samples)."
        )
    elif able.comparisons:
        click.echo(f"{able.samples:,} samples are too few to find any difference.")


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
