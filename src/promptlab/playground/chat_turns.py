"""What the lines of a conversation's file come to: its columns, their branches, and answers on their way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from promptlab.basics.process import Owner, this_process
from promptlab.playground import chat_records as records
from promptlab.playground.answering import Answering
from promptlab.playground.asked import Asked
from promptlab.playground.conversation import Conversation, Exchange


@dataclass
class Column:
    """What one candidate was asked, and its answers."""

    name: str
    talk: Conversation = field(default_factory=Conversation)

    @property
    def asked(self) -> Asked | None:
        """What was asked last in it."""
        ask = self.talk.exchanges[-1].ask if self.talk.exchanges else None
        return ask if isinstance(ask, Asked) else None


@dataclass
class _Pending:
    """An answer that this process does not give: what has come of it, and who gives it."""

    exchange: Exchange
    owner: Owner


class Turns:
    """Takes line after line. `own`: what is asked here, and its answer; all others' answers come as lines."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.title = ""
        self.editor: Mapping[str, Any] = {}
        self.columns: dict[str, Column] = {}
        self.own: dict[str, tuple[Asked, Answering]] = {}
        self._shown: tuple[str, ...] = ()
        self._exchanges: dict[str, tuple[Column, Exchange]] = {}
        self._pending: dict[str, _Pending] = {}

    def shown(self) -> list[Column]:
        """Those that were asked last, side by side."""
        return [self.columns[name] for name in self._shown if name in self.columns]

    def take(self, row: Mapping[str, Any]) -> None:
        """One line. LookupError, TypeError, ValueError, AttributeError: it is damaged."""
        match row["kind"]:
            case "title":
                self.title = str(row["title"])
            case "editor":
                self.editor = dict(row["state"])
            case "shown":
                self._shown = tuple(map(str, row["columns"]))
            case "chosen":
                column, exchange = self._exchanges[row["id"]]
                column.talk.turn_to(exchange)
            case "exchange":
                self._exchange(row)
            case "piece" if row["id"] in self._pending:
                answer = self._pending[row["id"]].exchange.answer
                if row["anew"]:
                    answer.hears(None)
                answer.state = "answering"
                answer.hears(str(row["text"]))
            case "answer" if row["id"] not in self.own:
                found = records.answer_of(row["answer"])
                self._exchanges[row["id"]][1].answer = found
                self._pending.pop(row["id"], None)

    def give_up(self) -> None:
        """Interrupts the answers whose process is gone."""
        for id, pending in list(self._pending.items()):
            # Nor is it given here: what this process gives is in `own`.
            if not pending.owner.is_alive() or pending.owner == this_process():
                ask = pending.exchange.ask
                assert isinstance(ask, Asked)
                pending.exchange.answer = ask.interrupted(pending.exchange.answer.text)
                del self._pending[id]

    def _exchange(self, row: Mapping[str, Any]) -> None:
        id, column = row["id"], self.columns.setdefault(row["column"], Column(row["column"]))
        if id in self._exchanges:
            return
        parent = None if row["parent"] is None else self._exchanges[row["parent"]][1]
        own = self.own.get(id)
        if own is not None:
            asked, answer = own
        else:
            of = row["asked"].get("of")
            ask = Asked(self.home, row["asked"]) if of is None else self._exchanges[of][1].ask
            assert isinstance(ask, Asked)
            asked, answer = ask, Answering()
        put = column.talk.put(row["said"], asked, answer, parent=parent, draw=row["draw"], id=id)
        self._exchanges[id] = (column, put)
        if own is None:
            self._pending[id] = _Pending(put, Owner(**row["by"]))
