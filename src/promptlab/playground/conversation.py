"""A conversation with one candidate: a tree of exchanges, of which one way is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from promptlab.models import Message
from promptlab.playground.answering import Answering


@dataclass
class Exchange:
    """What was said, and the answer to it. `parent`: the exchange before it.

    `ask` asks the same, as the draw of that number: 0 is the first, which may come from the cache. `id` is
    its name where the conversation is kept.
    """

    number: int
    parent: int | None
    said: str
    ask: Callable[[int], Answering]
    answer: Answering
    draw: int = 0
    id: str = ""

    def continued(self) -> tuple[Message, ...]:
        """The messages from which the next turn goes on: exactly what was sent, and what came."""
        return (*self.answer.asked, Message("assistant", self.answer.text))


class Conversation:
    """The exchanges with one candidate. Editing or asking again makes a branch; nothing is lost."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self._chosen: dict[int | None, int] = {}  # parent -> the child that is shown

    def say(
        self, said: str, ask: Callable[[int], Answering], *, parent: Exchange | None = None, draw: int = 0
    ) -> Exchange:
        """Asks after `parent`, beside what was said there before; it is what is shown from now on."""
        return self.put(said, ask, ask(draw), parent=parent, draw=draw)

    def put(
        self,
        said: str,
        ask: Callable[[int], Answering],
        answer: Answering,
        *,
        parent: Exchange | None = None,
        draw: int = 0,
        id: str = "",
    ) -> Exchange:
        """The same with an answer that is on its way, or there."""
        after = None if parent is None else parent.number
        exchange = Exchange(len(self.exchanges), after, said, ask, answer, draw, id)
        self.exchanges.append(exchange)
        self._chosen[after] = exchange.number
        return exchange

    def again(self, exchange: Exchange) -> Exchange:
        """Asks the same once more: another draw, on a branch of its own."""
        return self.say(
            exchange.said, exchange.ask, parent=self.before(exchange), draw=self.next_draw(exchange)
        )

    def next_draw(self, exchange: Exchange) -> int:
        """The number of another draw of the same question."""
        return max(each.draw for each in self.branches(exchange) if each.ask is exchange.ask) + 1

    def before(self, exchange: Exchange) -> Exchange | None:
        """The exchange from which this one went on."""
        return None if exchange.parent is None else self.exchanges[exchange.parent]

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

    @property
    def going(self) -> list[Answering]:
        """Answers that have not ended yet."""
        return [each.answer for each in self.exchanges if not each.answer.ended]

    def stop(self) -> None:
        for answer in self.going:
            answer.stop()
