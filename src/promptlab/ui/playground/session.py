"""What one browser tab holds: the conversations, the place in a data set, and what was asked last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from promptlab.basics.errors import PromptlabError
from promptlab.datasets import Dataset, Question, Sample, SplitName
from promptlab.playground import (
    Answering,
    Candidate,
    Conversation,
    Cursor,
    Exchange,
    Prompt,
    RowSource,
    asker,
    count_look,
    typed_rows,
)
from promptlab.ui.place import home

_KEY = "playground"


@dataclass
class Column:
    """One candidate and its conversation."""

    name: str
    candidate: Candidate | None
    talk: Conversation = field(default_factory=Conversation)


@dataclass
class Session:
    """The tab's state. Answers that are on their way do not need it: they end up in the cache."""

    columns: list[Column] = field(default_factory=list)
    known: dict[str, Column] = field(default_factory=dict)
    source: RowSource | None = None
    cursor: Cursor | None = None
    # The values that the row gave, to see whether somebody changed one.
    filled: dict[str, str] = field(default_factory=dict)

    @property
    def going(self) -> list[Answering]:
        return [answer for column in self.columns for answer in column.talk.going]

    @property
    def sample(self) -> Sample | None:
        return None if self.cursor is None else self.cursor.sample()

    def take(self, source: RowSource | None) -> None:
        """Opens another data set, at its first row. ExperimentError for what is wrong with it."""
        if self.cursor is not None:
            self.cursor.dataset.close()
        self.source = self.cursor = None
        self.filled = {}
        if source is not None:
            dataset = source.open(home())
            split: SplitName = "dev" if dataset.sizes["dev"] else "train"
            self.source, self.cursor = source, Cursor(dataset, split)

    def show_row(self, variables: list[str]) -> dict[str, str]:
        """The values of the row for these variables; the look is counted."""
        cursor, sample = self.cursor, self.sample
        if cursor is None or sample is None:
            return {}
        count_look(home(), cursor.dataset.name, cursor.split, sample)
        self.filled = {}
        return self.fill_further(variables)

    def fill_further(self, variables: list[str]) -> dict[str, str]:
        """The row's values for variables that it has not filled yet: the prompt names more of its columns."""
        sample = self.sample
        if sample is None:
            return {}
        more = {
            name: str(sample.inputs[name])
            for name in variables
            if name in sample.inputs and name not in self.filled
        }
        self.filled |= more
        return more

    def question(self, values: Mapping[str, str]) -> tuple[Question, Dataset | None]:
        """What is asked: the row itself where nothing was changed, else what was typed."""
        sample = self.sample
        dataset = None if self.cursor is None else self.cursor.dataset
        if sample is not None and all(self.filled.get(name) == value for name, value in values.items()):
            return sample.question(), dataset
        return Question("typed by hand", dict(values)), dataset

    def ask(
        self,
        candidates: list[Candidate | tuple[str, PromptlabError]],
        prompts: list[Prompt],
        values: Mapping[str, str],
    ) -> None:
        """Asks all, each in its own column; what was asked there before stays as a branch."""
        question, dataset = self.question(values)
        rows = dataset or typed_rows(values)
        self.columns = []
        for each, prompt in zip(candidates, prompts, strict=True):
            if isinstance(each, tuple):
                column = self.known.setdefault(each[0], Column(each[0], None))
                error = each[1]
                column.talk.say("", lambda draw, error=error: Answering.refused(error))  # type: ignore[misc]
            else:
                column = self.known.setdefault(each.name, Column(each.name, each))
                column.candidate = each

                def once(draw: int, who: Candidate = each, prompt: Prompt = prompt) -> Answering:
                    return asker(home()).ask(who, prompt, question, rows, draw=draw)

                column.talk.say("", once)
            self.columns.append(column)

    def follow(self, column: Column, said: str) -> None:
        """A further turn in one column, from its own history."""
        shown = column.talk.path()
        if not shown or column.candidate is None or not shown[-1].answer.asked:
            return
        last, who = shown[-1], column.candidate
        last.answer.stop()
        history = last.continued()
        column.talk.say(said, lambda draw: asker(home()).follow(who, history, said, draw=draw), parent=last)

    def edit(self, column: Column, exchange: Exchange, said: str) -> None:
        """The same place of the conversation with other words: a branch."""
        who, history = column.candidate, exchange.answer.asked[:-1]
        if who is None or not exchange.answer.asked:
            return
        parent = None if exchange.parent is None else column.talk.exchanges[exchange.parent]
        column.talk.say(said, lambda draw: asker(home()).follow(who, history, said, draw=draw), parent=parent)

    def stop(self) -> None:
        for answer in self.going:
            answer.stop()

    def clear(self) -> None:
        """A new conversation: nothing of what was said goes along."""
        self.stop()
        self.columns, self.known = [], {}


def session() -> Session:
    """This tab's."""
    if _KEY not in st.session_state:
        st.session_state[_KEY] = Session()
    found: Session = st.session_state[_KEY]
    return found


def kept(name: str, default: Any = None) -> Any:
    """A widget's value by its key, before it is drawn."""
    return st.session_state.get(name, default)


def working_folder() -> Path:
    """The project: where the workbench was started."""
    return Path.cwd()
