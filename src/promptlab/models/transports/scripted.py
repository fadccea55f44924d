"""Answers from a script: a list of expected calls in a test, or ordered rules in a file for a demo."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from promptlab.basics.errors import CallError, CallErrorKind, UsageError
from promptlab.basics.hashing import seeded
from promptlab.basics.templates import Template, TemplateError
from promptlab.models.catalog import script_path
from promptlab.models.request import Completion, Message, Request, Usage
from promptlab.models.transports import transports
from promptlab.models.transports.base import Progress, Transport, silent

Reply = str | Completion | Exception | Callable[[Request], str | Completion]


class UnexpectedCall(AssertionError):
    """A call the script does not expect, or an expected one that never came: a test has failed."""


@dataclass(frozen=True, slots=True)
class Expect:
    """One expected call and its reply: a text, a Completion, an exception to raise, or a function.

    The conversation must contain every text of `contains` and none of `lacks`, and `matches` (a regular
    expression); `sampling` names parameters with the values they must have (None: absent); `name` is the
    request's. What is not given is not looked at.
    """

    reply: Reply
    contains: str | Sequence[str] = ()
    lacks: str | Sequence[str] = ()
    matches: str = ""
    sampling: Mapping[str, Any] = field(default_factory=dict)
    name: str | None = None

    def misfit(self, request: Request) -> str:
        """Why `request` is not this call; "" where it is."""
        text = conversation(request.messages)
        for part in _texts(self.contains):
            if part not in text:
                return f"it does not contain {part!r}"
        for part in _texts(self.lacks):
            if part in text:
                return f"it contains {part!r}"
        if self.matches and not re.search(self.matches, text):
            return f"it does not match {self.matches!r}"
        for parameter, value in self.sampling.items():
            if request.sampling.get(parameter) != value:
                return f"its {parameter} is {request.sampling.get(parameter)!r}, not {value!r}"
        if self.name is not None and request.name != self.name:
            return f"its name is {request.name!r}, not {self.name!r}"
        return ""


class ScriptedTransport(Transport):
    """Answers from `script`; without one from the file a model names: `scripted/path/to/rules.yaml`.

    A script is a list of calls, each used once: in this order, or with `ordered=False` in any (the first
    that fits). Another call, and at the end a call that never came, is UnexpectedCall. Every request is
    kept in `requests`, with messages, sampling and draw. As a context manager it checks its end itself:

        with ScriptedTransport([Expect("4", contains="2 + 2")]) as model: ...
    """

    name = "scripted"

    def __init__(
        self,
        script: Sequence[Expect | str] | None = None,
        *,
        ordered: bool = True,
        progress: Progress = silent,
    ) -> None:
        super().__init__(progress=progress)
        self.requests: list[Request] = []
        self._ordered = ordered
        self._left = (
            None if script is None else [Expect(each) if isinstance(each, str) else each for each in script]
        )

    async def send(self, request: Request) -> Completion:
        self.requests.append(request)
        if self._left is None:
            return _from_rules(request)
        reply = self._take(self._left, request).reply
        if isinstance(reply, Exception):
            raise reply
        return _completed(reply if isinstance(reply, str | Completion) else reply(request), request)

    # A script stands in for the whole door too: techniques are tested without cache or network.
    complete = send

    def check_end(self) -> None:
        """UnexpectedCall where an expected call never came."""
        if self._left:
            raise UnexpectedCall(f"{len(self._left)} expected calls never came, the first: {self._left[0]}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.check_end()

    def _take(self, left: list[Expect], request: Request) -> Expect:
        shown = f"call {len(self.requests)} ({request.name})"
        if not left:
            raise UnexpectedCall(f"{shown} is one too many: {conversation(request.messages)!r}")
        for position, expected in enumerate(left):
            misfit = expected.misfit(request)
            if not misfit:
                return left.pop(position)
            if self._ordered:
                break
        raise UnexpectedCall(
            f"{shown} is not the expected one: {misfit}; it was {conversation(request.messages)!r}"
        )


def conversation(messages: Sequence[Message]) -> str:
    """A conversation as one text: what rules and expectations look at."""
    return "\n\n".join(f"{message.role}: {_plain(message)}" for message in messages)


def _plain(message: Message) -> str:
    if isinstance(message.content, str):
        return message.content
    return "".join(part if isinstance(part, str) else part.url for part in message.content)


def _texts(given: str | Sequence[str]) -> Sequence[str]:
    return (given,) if isinstance(given, str) else given


def _completed(reply: str | Completion, request: Request) -> Completion:
    """A Completion as a model's would be: cut at a stop text; its tokens are words."""
    if isinstance(reply, Completion):
        return reply
    stop = request.sampling.get("stop") or ()
    for each in _texts(stop):
        reply = reply.partition(each)[0]
    asked = sum(len(_plain(message).split()) for message in request.messages)
    usage = Usage(prompt_tokens=asked, completion_tokens=len(reply.split()))
    return Completion(text=reply, usage=usage, model=request.model.wire_name)


@dataclass(frozen=True, slots=True)
class _Rule:
    """One rule of a script file. It fits where `contains` is in the conversation and `pattern` matches."""

    contains: str | None
    pattern: re.Pattern[str] | None
    replies: tuple[Template, ...]

    def answer(self, text: str, request: Request) -> str | None:
        if self.contains is not None and self.contains not in text:
            return None
        found = self.pattern.search(text) if self.pattern else None
        if self.pattern and not found:
            return None
        draw = request.draw
        # Among several replies the draw decides, so that repeats differ and stay the same.
        chosen = seeded(text, draw.repeat, draw.ordinal, draw.sample).choice(self.replies)
        prompt = next((_plain(each) for each in reversed(request.messages) if each.role == "user"), "")
        values = {
            "prompt": prompt,
            "conversation": text,
            "match": [found.group(), *found.groups()] if found else [],
            **(found.groupdict() if found else {}),
        }
        return chosen.render(values)


def _from_rules(request: Request) -> Completion:
    model = request.model
    path = script_path(model.wire_name, model.settings)
    text = conversation(request.messages)
    for rule in _rules(path, path.stat().st_mtime_ns):
        try:
            answer = rule.answer(text, request)
        except TemplateError as error:
            raise CallError(CallErrorKind.BAD_REQUEST, f"{model.name}: {path}: {error}") from None
        if answer is not None:
            return _completed(answer, request)
    raise CallError(
        CallErrorKind.BAD_REQUEST,
        f"{model.name}: no rule of {path} fits {text[-80:]!r}.",
        remedy="Add a rule, or a last one with default.",
    )


@lru_cache(maxsize=16)
def _rules(path: Path, mtime_ns: int) -> tuple[_Rule, ...]:
    """The rules of a file: `- {contains: "...", reply: "..."}`, `regex:` for `contains:`, `- default: "..."`.

    `reply` is a template or a list of them; `{{ prompt }}`, `{{ match[1] }}` and named groups stand in it.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        entries = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(entries, list) or not entries:
        raise UsageError(
            f"{path}: a script is a list of rules.", remedy='Write: - {contains: "...", reply: "..."}'
        )
    return tuple(_rule(path, number, entry) for number, entry in enumerate(entries, start=1))


def _rule(path: Path, number: int, entry: Any) -> _Rule:
    where = f"{path}: rule {number}"
    if isinstance(entry, dict) and set(entry) == {"default"}:
        entry = {"reply": entry["default"]}
    elif not isinstance(entry, dict) or not {"contains", "regex"} & set(entry):
        raise UsageError(f"{where} has none of contains, regex, default.")
    if not entry.keys() <= {"contains", "regex", "reply"} or "reply" not in entry:
        raise UsageError(
            f"{where}: known fields are contains, regex and reply ({', '.join(map(str, entry))})."
        )
    replies = entry["reply"] if isinstance(entry["reply"], list) else [entry["reply"]]
    if not replies:
        raise UsageError(f"{where} has no reply.")
    try:
        return _Rule(
            contains=None if entry.get("contains") is None else str(entry["contains"]),
            pattern=re.compile(str(entry["regex"])) if "regex" in entry else None,
            replies=tuple(Template(str(reply)) for reply in replies),
        )
    except (re.error, TemplateError) as error:
        raise UsageError(f"{where}: {error}.") from None


transports.add(ScriptedTransport.name, ScriptedTransport)
