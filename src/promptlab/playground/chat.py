"""A conversation that lasts: its columns with their branches, kept line by line as it goes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from secrets import token_hex
from time import time
from typing import Any
from weakref import WeakValueDictionary

from promptlab.basics.errors import PromptlabError, UsageError
from promptlab.basics.loop import submit
from promptlab.basics.process import this_process
from promptlab.basics.templates import TemplateError
from promptlab.datasets import Dataset, Question
from promptlab.models.keys import find_key
from promptlab.playground import chat_records as records
from promptlab.playground.answering import Answering
from promptlab.playground.asked import Asked
from promptlab.playground.candidates import Candidate
from promptlab.playground.chat_file import ChatFile, path_of
from promptlab.playground.chat_turns import Column, Turns
from promptlab.playground.conversation import Exchange
from promptlab.playground.prompt import Prompt
from promptlab.playground.rows import RowSource

KEEP_PIECES_S = 0.5  # a process that is killed loses no more of an answer than this
TITLE_CHARS = 80

_chats: WeakValueDictionary[Path, Chat] = WeakValueDictionary()
_opening = threading.Lock()
_keeping: set[Future[None]] = set()  # so that an answer is kept whose tab is gone


class Chat:
    """One conversation of a home. All tabs of a process share it; other processes' turns come from the file.

    `editor` is what the face keeps beside the turns, to draw itself again. `allow_code`: a technique of the
    user's own may be asked again.
    """

    def __init__(self, home: Path, id: str, file: ChatFile) -> None:
        self.home = home
        self.id = id
        self.allow_code = False
        self._file = file
        self._lock = threading.RLock()
        self._turns = Turns(home)
        self._kept: dict[str, threading.Event] = {}

    @classmethod
    def begin(cls, home: Path) -> Chat:
        """A new one, with nothing in it yet. StorageError."""
        id, file = ChatFile.begin(home)
        with _opening:
            chat = _chats[file.path] = cls(home, id, file)
        return chat

    @classmethod
    def open(cls, home: Path, id: str) -> Chat:
        """The one of that id, with the answers that are still on their way here.

        UsageError: there is none. StorageError: its file is damaged.
        """
        path = path_of(home, id)
        with _opening:
            chat = _chats.get(path)
            if chat is None:
                chat = cls(home, id, ChatFile(path))
                chat.refresh()
                _chats[path] = chat
        chat.refresh()
        return chat

    @property
    def title(self) -> str:
        return self._turns.title

    @property
    def editor(self) -> Mapping[str, Any]:
        return self._turns.editor

    @property
    def damaged(self) -> int:
        """Lines of its file that could not be read; what stands in them is left out."""
        return self._file.damaged

    @property
    def columns(self) -> list[Column]:
        """Those that were asked last, side by side."""
        with self._lock:
            return self._turns.shown()

    @property
    def going(self) -> list[Answering]:
        return [answer for column in self.columns for answer in column.talk.going]

    def ask(
        self,
        candidates: Sequence[Candidate | tuple[str, PromptlabError]],
        prompts: Sequence[Prompt],
        question: Question,
        *,
        source: RowSource | None = None,
        dataset: Dataset | None = None,
        editor: Mapping[str, Any] | None = None,
    ) -> None:
        """Asks all, each in its own column; what was asked there before stays as a branch.

        `dataset`: that of `source`, open; without them the values of the question were typed by hand.
        """
        asked = []
        for each, prompt in zip(candidates, prompts, strict=True):
            if isinstance(each, tuple):
                asked.append((each[0], Asked.refused(self.home, each[1])))
            else:
                asked.append((each.name, Asked.first(self.home, each, prompt, question, source, dataset)))
        with self._lock:
            rows: list[dict[str, Any]] = [{"kind": "shown", "columns": [name for name, _ in asked]}]
            if editor is not None:
                rows.append({"kind": "editor", "state": editor})
            if not self.title and prompts:
                rows.append({"kind": "title", "title": _title(prompts[0], question)})
            self._add(*rows)
            for name, question_asked in asked:
                self._say(name, "", question_asked)

    def follow(self, column: Column, said: str) -> None:
        """A further turn in one column, from its own history."""
        shown = column.talk.path()
        if not shown or not shown[-1].answer.asked or not _goes_on(shown[-1]):
            return
        last = shown[-1]
        last.answer.stop()
        self._turn(column, last, last.continued(), said, parent=last)

    def edit(self, column: Column, exchange: Exchange, said: str) -> None:
        """The same place of the conversation with other words: a branch."""
        asked = exchange.answer.asked
        if asked and _goes_on(exchange):
            self._turn(column, exchange, asked[:-1], said, parent=column.talk.before(exchange))

    def again(self, column: Column, exchange: Exchange) -> None:
        """The same once more: another draw, on a branch of its own."""
        assert isinstance(exchange.ask, Asked)
        self._say(
            column.name,
            exchange.said,
            exchange.ask,
            parent=column.talk.before(exchange),
            of=exchange,
            draw=column.talk.next_draw(exchange),
        )

    def turn_to(self, column: Column, exchange: Exchange) -> None:
        """Shows that branch, and what followed on it."""
        self._add({"kind": "chosen", "id": exchange.id})

    def stop(self) -> None:
        for answer in self.going:
            answer.stop()

    def wait(self, timeout_s: float = 60.0) -> None:
        """Until all answers of this process have ended and are kept, for scripts and tests. TimeoutError."""
        for kept in list(self._kept.values()):
            if not kept.wait(timeout_s):
                raise TimeoutError

    def rename(self, title: str) -> None:
        """UsageError: the title is empty."""
        title = " ".join(title.split())[:TITLE_CHARS]
        if not title:
            raise UsageError("a conversation needs a title.", remedy="Type one.")
        self._add({"kind": "title", "title": title})

    def edited(self, editor: Mapping[str, Any]) -> None:
        """Keeps what stands in the editor now, where that is something else."""
        if editor != self.editor:
            self._add({"kind": "editor", "state": editor})

    def refresh(self) -> None:
        """Takes in what others have added. UsageError: it was deleted meanwhile."""
        with self._lock:
            try:
                rows = self._file.new_lines()
            except FileNotFoundError:
                raise self._gone() from None
            for row in rows:
                try:
                    self._turns.take(row)
                except (LookupError, TypeError, ValueError, AttributeError):
                    self._file.damaged += 1
            self._turns.give_up()

    def _turn(
        self, column: Column, at: Exchange, history: Any, said: str, *, parent: Exchange | None
    ) -> None:
        assert isinstance(at.ask, Asked)
        self._say(column.name, said, at.ask.turn(history, said, None), parent=parent)

    def _say(
        self,
        column: str,
        said: str,
        asked: Asked,
        *,
        parent: Exchange | None = None,
        of: Exchange | None = None,
        draw: int = 0,
    ) -> None:
        """Writes down that it is asked, asks, and writes the answer down as it comes."""
        id = token_hex(6)
        row = {
            "kind": "exchange",
            "id": id,
            "at": time(),
            "column": column,
            "parent": None if parent is None else parent.id,
            "said": said,
            "draw": draw,
            "by": asdict(this_process()),
            "asked": {"of": of.id} if of is not None else asked.row,
        }
        with self._lock:
            self._write(row)
            answer = asked(draw, allow_code=self.allow_code)
            self._turns.own[id], self._kept[id] = (asked, answer), threading.Event()
            self.refresh()
        if answer.ended:
            self._keep_answer(id, answer)
            return
        task = submit(self._keep_pieces(id, answer))
        _keeping.add(task)
        task.add_done_callback(_keeping.discard)
        answer.when_ended(lambda: self._keep_answer(id, answer))

    async def _keep_pieces(self, id: str, answer: Answering) -> None:
        kept = ""
        while not answer.ended:
            await asyncio.sleep(KEEP_PIECES_S)
            text = answer.text
            if text != kept and not answer.ended:
                anew = not text.startswith(kept)
                piece = text if anew else text[len(kept) :]
                with suppress(PromptlabError):  # the answer goes on; whole, it is tried again
                    self._write({"kind": "piece", "id": id, "text": piece, "anew": anew})
                kept = text

    def _keep_answer(self, id: str, answer: Answering) -> None:
        # Nobody is left to be told: that the disk is full was said when the question was kept, and a deleted
        # conversation has no place for the answer. The cache has the reply.
        with suppress(PromptlabError):
            self._write({"kind": "answer", "id": id, "at": time(), "answer": records.of_answer(answer)})
        self._kept[id].set()

    def _add(self, *rows: Mapping[str, Any]) -> None:
        with self._lock:
            self._write(*rows)
            self.refresh()

    def _write(self, *rows: Mapping[str, Any]) -> None:
        variables = {
            str(column.asked.row["candidate"]["entry"].get("api_key_env") or "")
            for column in list(self._turns.columns.values())
            if column.asked is not None and column.asked.can_go_on
        }
        keys = [key for name in variables if name and (key := find_key(name)) is not None]
        try:
            self._file.add(*rows, secret=keys)
        except FileNotFoundError:
            raise self._gone() from None

    def _gone(self) -> UsageError:
        return UsageError("this conversation was deleted.", remedy="Begin a new one.")


def _goes_on(exchange: Exchange) -> bool:
    return isinstance(exchange.ask, Asked) and exchange.ask.can_go_on


def _title(prompt: Prompt, question: Question) -> str:
    """The first words of what is asked."""
    try:
        asked = replace(prompt, instruction="").messages(question)[-1].content
    except TemplateError:
        asked = prompt.prompt
    return " ".join(str(asked).split())[:TITLE_CHARS]
