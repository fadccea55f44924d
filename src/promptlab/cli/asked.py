"""The answers of `ask` on a terminal, in a pipe, and as JSON."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click

from promptlab.export import plain
from promptlab.playground import Answering, Candidate

LOOK_S = 0.03


@dataclass(frozen=True, slots=True)
class Column:
    """Who is asked, and the answer."""

    candidate: Candidate
    answer: Answering

    @property
    def name(self) -> str:
        return plain(self.candidate.name)


def stream(columns: Sequence[Column], alone: Column | None, told: Callable[[], str]) -> None:
    """Waits for all. On a terminal a single answer is written as it comes, a pipe gets it whole."""
    ended = threading.Event()
    left = [len(columns)]

    def one_less() -> None:
        left[0] -= 1
        if not left[0]:
            ended.set()

    for each in columns:
        each.answer.when_ended(one_less)
    writer = _Writer() if alone is not None and sys.stdout.isatty() else None
    said = ""
    while not ended.wait(LOOK_S):
        if told() != said:
            said = told()
            click.echo(plain(said), err=True)
        if writer is not None and alone is not None:
            writer.write(alone.answer)
    if writer is not None and alone is not None:
        writer.write(alone.answer)
        writer.end()


class _Writer:
    """Text as it comes. Another call of the technique, or a stream that begins anew, begins a line."""

    def __init__(self) -> None:
        self._call = 0
        self._shown = ""

    def write(self, answer: Answering) -> None:
        calls, text = len(answer.calls), answer.text
        if calls != self._call or not text.startswith(self._shown):
            if not text:
                return
            if self._shown:
                click.echo()
            if calls != self._call and (calls > 1 or answer.doing != "answer"):
                click.secho(f"[{plain(answer.doing)}]", dim=True)
            elif calls == self._call:
                click.echo("The reply broke off and begins anew:", err=True)
            self._call, self._shown = calls, ""
        click.echo(harmless(text[len(self._shown) :]), nl=False)
        sys.stdout.flush()
        self._shown = text

    def end(self) -> None:
        if self._shown and not self._shown.endswith("\n"):
            click.echo()


def harmless(text: str) -> str:
    """A reply for a terminal: what would steer it is spelled out, lines and tabs stay."""
    return "".join(part if part in "\n\t" else plain(part) for part in _parts(text))


def _parts(text: str) -> list[str]:
    for sign in "\n\t":
        text = text.replace(sign, f"\0{sign}\0")
    return text.split("\0")


def print_columns(columns: Sequence[Column], *, messages: bool, streamed: bool) -> None:
    """The replies; what each took stands below it, beside a single one on stderr."""
    alone = len(columns) == 1
    for number, each in enumerate(columns):
        if not alone:
            click.secho(f"{'' if not number else chr(10)}{each.name}", bold=True)
        if messages:
            _print_messages(each.answer)
        answer = each.answer
        if answer.text and not sys.stdout.isatty():
            sys.stdout.write(f"{answer.text}\n")  # a pipe gets the very text
        elif answer.text and not streamed:
            click.echo(harmless(answer.text))
        if answer.value is not None and len(answer.calls) > 1 and answer.value != answer.text.strip():
            click.echo(f"Answer: {plain(answer.value)}", err=alone)
        if answer.state == "failed":
            click.echo(
                f"promptlab: {each.name if not alone else ''}{': ' if not alone else ''}{answer.error}",
                err=True,
            )
            continue
        if answer.error:
            click.echo(f"promptlab: {answer.error}", err=True)
        took = _took(answer)
        click.secho(f"{each.name} · {took}" if alone else took, dim=True, err=alone)


def _print_messages(answer: Answering) -> None:
    for call in answer.calls:
        for message in call.messages:
            click.secho(f"[{plain(call.name)}] {message.role}", dim=True)
            content = message.content
            text = content if isinstance(content, str) else "\n".join(map(str, content))
            click.echo(harmless(text))
        click.secho(f"[{plain(call.name)}] assistant", dim=True)
        if call is not answer.calls[-1] and call.completion is not None:
            click.echo(harmless(call.completion.text))


def _took(answer: Answering) -> str:
    facts = answer.facts()
    tokens = (
        "tokens unknown"
        if facts.prompt_tokens is None or facts.completion_tokens is None
        else f"{facts.prompt_tokens:,} tokens in, {facts.completion_tokens:,} out"
    )
    cost = (
        "price unknown"
        if facts.cost is None
        else f"{facts.cost:.2g} {facts.currency}"
        if facts.cost
        else "no cost"
    )
    parts = [f"{facts.seconds:.1f} s", tokens, cost]
    if facts.calls > 1:
        parts.insert(0, f"{facts.calls} calls")
    if facts.cached_calls:
        every = facts.cached_calls == facts.calls
        parts.append("from the cache" if every else f"{facts.cached_calls} of them from the cache")
    return " · ".join(parts)


def to_json(column: Column, *, messages: bool) -> dict[str, Any]:
    """An answer with what it took; `calls` in order."""
    from promptlab.playground.chat_records import of_message

    answer, facts = column.answer, column.answer.facts()
    return {
        "model": column.candidate.choice.label,
        "technique": column.candidate.technique.registered_name,
        "settings": dict(column.candidate.settings),
        "state": answer.state,
        "reply": answer.text,
        "value": answer.value,
        "error": answer.error,
        "prompt_tokens": facts.prompt_tokens,
        "completion_tokens": facts.completion_tokens,
        "cost": facts.cost,
        "currency": facts.currency,
        "seconds": facts.seconds,
        "cached_calls": facts.cached_calls,
        "calls": [
            {
                "name": call.name,
                **({"messages": [of_message(each) for each in call.messages]} if messages else {}),
                "reply": None if call.completion is None else call.completion.text,
                "cached": None if call.completion is None else call.completion.cached,
                "error": call.error,
            }
            for call in answer.calls
        ],
    }
