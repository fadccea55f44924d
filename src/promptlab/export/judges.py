"""What judges did: their cost, what was not scored, how consistent they are, what people say."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from promptlab.analysis import words
from promptlab.export.plain_text import plain

if TYPE_CHECKING:
    from promptlab.analysis.judged import Agreement, JudgeReport

_NARROW, _WIDE = 40, 100


def print_judges(reports: Iterable[JudgeReport]) -> None:
    """A paragraph for each judge."""
    import shutil

    import click

    width = min(max(shutil.get_terminal_size().columns, _NARROW), _WIDE)
    for report in reports:
        click.echo()
        for line in judge_lines(report):
            click.echo(textwrap.fill(line, width, subsequent_indent="  ", break_on_hyphens=False))


def judge_lines(report: JudgeReport) -> Iterator[str]:
    """What there is to say of one judge; the first line is the bill."""
    done = report.done
    cost = "cost unknown" if done.cost_usd is None else words.usd(done.cost_usd)
    paid = "unknown" if done.paid_usd is None else words.usd(done.paid_usd)
    tokens = "tokens unknown" if done.tokens is None else f"{words.count(done.tokens)} tokens"
    yield (
        f"Judge {plain(report.scorer)} ({report.kind}, {plain(report.model)}): {_count(done.ok, 'answer')} "
        f"judged in {_count(done.calls, 'call')}, {tokens}, {cost} (this run paid {paid}), "
        "not in the table above."
    )
    if done.unscored or done.errors:
        yield (
            f"Without a score: {done.unscored:,} without a readable verdict, {done.errors:,} by errors. "
            "They are missing, not 0."
        )
    if done.by_logprobs or done.by_draws:
        parts = []
        if done.by_logprobs:
            parts.append(f"token probabilities for {_count(done.by_logprobs, 'answer')}")
        if done.by_draws:
            parts.append(f"the mean of draws for {_count(done.by_draws, 'answer')}")
        yield f"Score from {' and '.join(parts)}."
    if report.consistency is not None:
        equal = f"; {done.equal:,} equal answers are ties" if done.equal else ""
        yield (
            f"Consistency: {report.consistency:.0%} of {done.orders:,} comparisons keep their verdict when "
            f"the order is swapped; the other {done.flips:,} count as ties{equal}."
        )
    if done.agreement is not None:
        yield f"Repeats: {done.agreement:.0%} of draws agree, over {_count(done.drawn, 'answer')}."
    if report.human is not None:
        yield from _human_lines(report.human)


def _human_lines(human: Agreement) -> Iterator[str]:
    if human.unfit:
        yield f"People's labels do not fit this judge: {plain(human.unfit)}"
        return
    if human.agreement is None:
        yield "People's labels: none on an answer that this judge has graded."
        return
    kappa = "does not exist here" if human.kappa is None else f"{human.kappa:.2f}"
    weighted = "" if human.kappa_weighted is None else f", quadratic weights {human.kappa_weighted:.2f}"
    yield (
        f"Against people ({_count(human.n, 'label')}): agreement {human.agreement:.0%}, "
        f"Cohen's kappa {kappa}{weighted}."
    )
    for name, judge, fixed in human.means:
        cell = " × ".join(part for part in (name.variant, name.model, name.dataset) if part)
        interval = "" if fixed.low is None else f" [{fixed.low:.2f}, {fixed.high:.2f}]"
        yield (
            f"{plain(cell)}: judge {judge:.2f}, "
            f"corrected by {_count(fixed.labelled, 'label')} {fixed.mean:.2f}{interval}, if the labelled "
            "answers were drawn at random."
        )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def judges_said(reports: Iterable[JudgeReport]) -> Iterator[str]:
    """A sentence for each judge, for a caption or a methods section."""
    for report in reports:
        text = f"{report.scorer} is graded by {report.model} ({report.kind})"
        if report.consistency is not None:
            text += f", which keeps {report.consistency:.0%} of its verdicts when the order is swapped"
        human = report.human
        if human is not None and human.agreement is not None:
            kappa = "" if human.kappa is None else f", Cohen's kappa {human.kappa:.2f}"
            text += f"; it agrees with people on {human.agreement:.0%} of {_count(human.n, 'label')}{kappa}"
        else:
            text += "; it was not compared with people"
        yield f"{text}."


def judge_rows(reports: Iterable[JudgeReport]) -> Iterator[dict[str, Any]]:
    """A judge's bill, consistency and agreement as a row; with people's labels, a row for each cell.

    `cost_usd` is what its calls cost as first paid, `paid_usd` what this run paid. `corrected_mean` is the
    judge's mean corrected by the labels.
    """
    for report in reports:
        done, human = report.done, report.human
        row = {
            "scorer": report.scorer,
            "kind": report.kind,
            "model": report.model,
            "judged": done.ok,
            "unscored": done.unscored,
            "errors": done.errors,
            "calls": done.calls,
            "tokens": done.tokens,
            "cost_usd": done.cost_usd,
            "paid_usd": done.paid_usd,
            "consistency": report.consistency,
            "repeat_agreement": done.agreement,
            "labels": human.n if human else 0,
            "human_agreement": human.agreement if human else None,
            "kappa": human.kappa if human else None,
            "kappa_weighted": human.kappa_weighted if human else None,
        }
        for name, judge, fixed in human.means if human and human.means else ((None, None, None),):
            yield row | {
                "cell_variant": name.variant if name else None,
                "cell_model": name.model if name else None,
                "cell_dataset": name.dataset if name else None,
                "judge_mean": judge,
                "corrected_mean": fixed.mean if fixed else None,
                "ci_low": fixed.low if fixed else None,
                "ci_high": fixed.high if fixed else None,
            }
