"""One answer on its way: what has come so far, for who looks from another thread."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Literal

from promptlab.basics.errors import NoAnswer, PromptlabError
from promptlab.basics.loop import submit
from promptlab.models import Client, Completion, Message, Request
from promptlab.models.call_record import CallRecord
from promptlab.techniques.base import Trace

State = Literal["waiting", "answering", "done", "stopped", "failed", "interrupted"]
_ENDED = ("done", "stopped", "failed", "interrupted")


@dataclass(frozen=True, slots=True)
class Facts:
    """What an answer took: all its calls together. None is unknown."""

    calls: int
    cached_calls: int
    prompt_tokens: int | None
    completion_tokens: int | None
    cost: float | None
    currency: str
    seconds: float


class Answering:
    """An answer, from the question until it is there, stopped or failed. `stop` ends it early.

    The loop writes, any thread may read: `state`, `text` (of the call that is going on, or of the reply),
    `doing` (that call's name), `calls`, `value` (what the technique read from the reply), `error`.
    """

    def __init__(self) -> None:
        self.state: State = "waiting"
        self.doing = ""
        self.error = ""
        self.value: str | None = None
        self.notes: dict[str, Any] = {}
        self._trace = Trace()
        self._pieces: list[str] = []
        self._future: Future[None] | None = None

    def start(self, work: Callable[[Answering], Awaitable[str | None]]) -> None:
        """Begins; `work` fills this and returns the value that was read, if any."""
        self._future = submit(self._run(work))
        self._future.add_done_callback(self._ended)

    @classmethod
    def refused(cls, error: PromptlabError) -> Answering:
        """One that failed before it could begin."""
        answer = cls()
        answer.state, answer.error = "failed", str(error)
        return answer

    @classmethod
    def kept(
        cls,
        state: State,
        text: str,
        calls: Sequence[CallRecord],
        *,
        value: str | None = None,
        error: str = "",
    ) -> Answering:
        """One as it was kept; nothing is on its way. `interrupted`: its process ended before it did."""
        answer = cls()
        answer.state, answer.value, answer.error = state, value, error
        answer._pieces = [text]
        answer._trace = Trace(list(calls))
        return answer

    def when_ended(self, then: Callable[[], None]) -> None:
        """Calls `then` once it has ended, on whatever thread that is; at once if it has."""
        if self._future is None:
            then()
        else:
            self._future.add_done_callback(lambda _: then())

    @property
    def can_stop(self) -> bool:
        """Whether it is on its way in this process."""
        return self._future is not None and not self.ended

    def stop(self) -> None:
        """Ends it where it is; what has come stays. Nothing once it has ended."""
        if self._future is not None and not self.ended:
            self._future.cancel()

    def wait(self, timeout_s: float = 60.0) -> None:
        """Until it has ended, for scripts and tests. TimeoutError."""
        if self._future is not None:
            try:
                self._future.exception(timeout_s)
            except BaseException:
                if not self._future.cancelled():
                    raise

    @property
    def ended(self) -> bool:
        return self.state in _ENDED

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    @property
    def calls(self) -> Sequence[CallRecord]:
        """In order; the last one may have no reply yet."""
        return tuple(self._trace.calls)

    @property
    def asked(self) -> tuple[Message, ...]:
        """The exact messages of the last call."""
        return self._trace.calls[-1].messages if self._trace.calls else ()

    def facts(self) -> Facts:
        """What the calls that ended took, as first paid."""
        replies = [call.completion for call in self.calls if call.completion is not None]
        currencies = {reply.currency for reply in replies if reply.cost is not None}
        return Facts(
            calls=len(self.calls),
            cached_calls=sum(reply.cached for reply in replies),
            prompt_tokens=_sum([reply.usage.prompt_tokens for reply in replies]),
            completion_tokens=_sum([reply.usage.completion_tokens for reply in replies]),
            cost=_sum([reply.cost for reply in replies]) if len(currencies) == 1 else None,
            currency=next(iter(currencies), "USD"),
            seconds=sum(reply.latency_s for reply in replies),
        )

    def listens(self, client: Client) -> Listening:
        """The door, for this answer: what goes through it is heard here."""
        return Listening(client, self)

    def traces(self, trace: Trace) -> None:
        """`trace` is filled by who answers."""
        self._trace = trace

    def begins(self, name: str) -> None:
        """A call of that name begins to come."""
        self.state, self.doing = "answering", name
        self._pieces = []

    def hears(self, piece: str | None) -> None:
        """A piece of its text; None: it begins anew."""
        if piece is None:
            self._pieces = []
        else:
            self._pieces.append(piece)

    def _ended(self, future: Future[None]) -> None:
        if future.cancelled() and not self.ended:  # perhaps before it began
            self.state = "stopped"

    async def _run(self, work: Callable[[Answering], Awaitable[str | None]]) -> None:
        try:
            self.value = await work(self)
            self.state = "done"
        except asyncio.CancelledError:
            self.state = "stopped"
            raise
        except NoAnswer as error:  # asked, and nothing found to go on with: the reply is there to read
            self.state, self.error = "done", str(error)
        except PromptlabError as error:
            self.state, self.error = "failed", str(error)
        except Exception as error:  # noqa: BLE001  a technique may be anybody's code
            self.state, self.error = "failed", f"{type(error).__name__}: {error}"
        finally:
            self.notes = self._trace.notes


class Listening:
    """A `Door` whose replies are heard by an answer as they come."""

    def __init__(self, client: Client, answer: Answering) -> None:
        self._client = client
        self._answer = answer

    async def complete(self, request: Request) -> Completion:
        if request.response_format is not None:  # vectors: nothing to read along
            return await self._client.complete(request)
        self._answer.begins(request.name)
        return await self._client.stream(request, self._answer.hears)


def _sum(values: Sequence[Any]) -> Any:
    """None where one is unknown, or there are none."""
    return None if not values or None in values else sum(values)
