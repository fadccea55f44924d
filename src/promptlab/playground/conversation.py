"""A conversation with one candidate: a tree of exchanges, of which one way is shown."""

from __future__ import annotations

from dataclasses import dataclass

from promptlab.models import Message
from promptlab.playground.answering import Answering


@dataclass
class Exchange:
    """What was said, and the answer to it. `parent`: the exchange before it; `draw`: how often it was asked.

    `history` is what stood before `said` in the messages that were sent.
    """

    number: int
    parent: int | None
    said: str
    answer: Answering
    history: tuple[Message, ...] = ()
    draw: int = 0

    def continued(self) -> tuple[Message, ...]:
        """The messages from which the next turn goes on: exactly what was sent, and what came."""
        return (*self.answer.asked, Message("assistant", self.answer.text))


class Conversation:
    """The exchanges with one candidate. Editing or asking again makes a branch; nothing is lost."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self._chosen: dict[int | None, int] = {}  # parent -> the child that is shown

    def add(
        self,
        said: str,
        answer: Answering,
        *,
        parent: int | None,
        history: tuple[Message, ...] = (),
        draw: int = 0,
    ) -> Exchange:
        """A new exchange after `parent`, beside those that are there; it is the one shown."""
        exchange = Exchange(len(self.exchanges), parent, said, answer, history, draw)
        self.exchanges.append(exchange)
        self._chosen[parent] = exchange.number
        return exchange

    def path(self) -> list[Exchange]:
        """The exchanges that are shown, the first one first."""
        shown: list[Exchange] = []
        at: int | None = None
        while (number := self._chosen.get(at)) is not None:
            shown.append(self.exchanges[number])
            at = number
        return shown

    def branches(self, exchange: Exchange) -> list[Exchange]:
        """Those that stand in the same place, in the order they were made, itself included."""
        return [each for each in self.exchanges if each.parent == exchange.parent]

    def turn_to(self, exchange: Exchange) -> None:
        """Shows that branch, and what followed on it."""
        self._chosen[exchange.parent] = exchange.number

    def draws(self, exchange: Exchange) -> int:
        """How often the same has been asked in that place: the next draw."""
        return sum(each.said == exchange.said for each in self.branches(exchange))

    @property
    def going(self) -> list[Answering]:
        """Answers that have not ended yet."""
        return [each.answer for each in self.exchanges if not each.answer.ended]

    def stop(self) -> None:
        for answer in self.going:
            answer.stop()
