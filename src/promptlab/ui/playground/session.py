"""What one browser tab holds: which conversation is open, and the place in a data set."""

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
    Chat,
    Chats,
    Column,
    Cursor,
    Prompt,
    RowSource,
    count_look,
)
from promptlab.playground.rows import question_with, row_values
from promptlab.ui.place import allows_code, home

_KEY = "playground"


@dataclass
class Session:
    """The tab's state. The conversation does not need it: it is kept, and goes on without a tab."""

    chat: Chat | None = None
    source: RowSource | None = None
    cursor: Cursor | None = None
    # The values that the row gave, to see whether somebody changed one.
    filled: dict[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> list[Column]:
        return [] if self.chat is None else self.chat.columns

    @property
    def going(self) -> list[Answering]:
        return [] if self.chat is None else self.chat.going

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
        more = row_values(sample, [name for name in variables if name not in self.filled])
        self.filled |= more
        return more

    def question(self, values: Mapping[str, str]) -> tuple[Question, Dataset | None]:
        """What is asked: the row itself where nothing was changed, else what was typed."""
        dataset = None if self.cursor is None else self.cursor.dataset
        return question_with(values, self.sample), dataset

    def ask(
        self,
        candidates: list[Candidate | tuple[str, PromptlabError]],
        prompts: list[Prompt],
        values: Mapping[str, str],
        editor: Mapping[str, Any],
    ) -> None:
        """Asks all, each in its own column; begins a conversation where there is none."""
        question, dataset = self.question(values)
        if self.chat is None:
            self.chat = Chats(home()).begin()
            self.chat.allow_code = allows_code()
        source = None if dataset is None else self.source
        self.chat.ask(candidates, prompts, question, source=source, dataset=dataset, editor=editor)

    def stop(self) -> None:
        if self.chat is not None:
            self.chat.stop()


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
