"""What was asked in a kept conversation, so that it can be asked again: by whom, and what."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from promptlab.basics.errors import PromptlabError
from promptlab.basics.templates import TemplateError
from promptlab.datasets import Dataset, Question
from promptlab.models import Message
from promptlab.models.call_record import CallRecord
from promptlab.playground import chat_records as records
from promptlab.playground.answering import Answering
from promptlab.playground.asking import asker
from promptlab.playground.candidates import PLAIN, Candidate
from promptlab.playground.prompt import Prompt
from promptlab.playground.rows import RowSource, typed_rows


class Asked:
    """A first question (prompt, values, and the data set that they come from), or a further turn.

    Calling it with the number of a draw asks. `row` is what is kept of it.
    """

    def __init__(self, home: Path, row: Mapping[str, Any], candidate: Candidate | None = None) -> None:
        self.row = row
        self._home = home
        self._candidate = candidate
        self._dataset: Dataset | None = None
        self._error: PromptlabError | None = None

    @classmethod
    def first(
        cls,
        home: Path,
        candidate: Candidate,
        prompt: Prompt,
        question: Question,
        source: RowSource | None,
        dataset: Dataset | None,
    ) -> Asked:
        """`dataset` is that of `source`, as it is open now; without them the values were typed."""
        row = {
            "candidate": records.of_candidate(candidate),
            "prompt": records.of_prompt(prompt),
            "question": records.of_question(question),
            "rows": None if source is None else records.of_rows(source),
        }
        asked = cls(home, row, candidate)
        asked._dataset = dataset
        return asked

    @classmethod
    def refused(cls, home: Path, error: PromptlabError) -> Asked:
        """One that could not begin: asked again it says the same."""
        asked = cls(home, {"refused": str(error)})
        asked._error = error
        return asked

    def turn(self, history: tuple[Message, ...], said: str, candidate: Candidate | None) -> Asked:
        """A further turn with the same candidate."""
        row = {
            "candidate": self.row["candidate"],
            "history": [records.of_message(each) for each in history],
            "said": said,
        }
        return Asked(self._home, row, candidate or self._candidate)

    @property
    def label(self) -> str:
        """The model's, "" of what was refused."""
        return str(self.row["candidate"]["label"]) if "candidate" in self.row else ""

    @property
    def is_local(self) -> bool:
        """Whether a model on this machine answers, which may take a moment to start."""
        return str(self.row.get("candidate", {}).get("entry", {}).get("id", "")).startswith("local/")

    @property
    def can_go_on(self) -> bool:
        return "candidate" in self.row

    def __call__(self, draw: int, *, allow_code: bool = False) -> Answering:
        try:
            return self._ask(draw, allow_code=allow_code)
        except PromptlabError as error:
            return Answering.refused(error)

    def _ask(self, draw: int, *, allow_code: bool) -> Answering:
        row = self.row
        if "refused" in row:
            return Answering.kept("failed", "", (), error=row["refused"])
        if self._candidate is None:
            self._candidate = records.candidate_of(row["candidate"], allow_code=allow_code)
        if "history" in row:
            history = tuple(map(records.message_of, row["history"]))
            return asker(self._home).follow(self._candidate, history, row["said"], draw=draw)
        question, prompt = records.question_of(row["question"]), records.prompt_of(row["prompt"])
        dataset, self._dataset = self._dataset, None  # who opened it closes it, perhaps soon
        if dataset is not None:
            return asker(self._home).ask(self._candidate, prompt, question, dataset, draw=draw)
        opened = (
            typed_rows(question.inputs)
            if row["rows"] is None
            else records.rows_of(row["rows"]).open(self._home)
        )
        answer = asker(self._home).ask(self._candidate, prompt, question, opened, draw=draw)
        answer.when_ended(opened.close)
        return answer

    def messages(self) -> tuple[Message, ...]:
        """What is sent, as far as that is certain without asking: nothing for a technique's own calls."""
        row = self.row
        if "history" in row:
            return (*map(records.message_of, row["history"]), Message("user", row["said"]))
        if "prompt" not in row or row["candidate"]["technique"] != PLAIN or row["candidate"]["settings"]:
            return ()
        try:
            return records.prompt_of(row["prompt"]).messages(records.question_of(row["question"]))
        except TemplateError:
            return ()

    def interrupted(self, text: str) -> Answering:
        """The answer whose process ended before it did: what had come of it."""
        sent = self.messages()
        return Answering.kept("interrupted", text, [CallRecord("answer", sent, {})] if sent else ())
