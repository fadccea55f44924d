"""A commented experiment file for a data file, from what is known of its columns."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rich.cells import cell_len

from promptlab.datasets import AnswerType
from promptlab.datasets.guessing import Guess

MAX_TEST_ROWS = 200
MAX_TRAIN_ROWS = 100
_TRAIN_FRACTION = 0.2
_DEMOS = 4
# A local model has 2,048 tokens a request: what demos and question may hold of it, in characters.
_PROMPT_CHARS = 4000
_PROMPT_CJK_CHARS = 1200
_BARE = re.compile(r"[A-Za-z_\u4e00-\u9fff][\w./\u4e00-\u9fff-]*")
_NO_TEXTS = "yes no true false on off null y n"  # in YAML
_NO_NAMES = "and or not in is if else elif for true false none True False None loop self"  # in templates
_MAX_LISTED_LABELS = 50
_NOTE_COLUMN = 34
_LINE_CELLS = 100

_INSTRUCTIONS = {
    AnswerType.TEXT: ("Reply with the answer only.", "只回答答案本身。"),
    AnswerType.NUMBER: ("Reply with the number only.", "只回答一个数字。"),
    AnswerType.CHOICE: ("Reply with the letter of the right option only.", "只回答正确选项的字母。"),
    AnswerType.LABEL: ("Reply with the label only.", "只回答类别。"),
    AnswerType.YES_NO: ("Reply with yes or no only.", "只回答是或否。"),
    AnswerType.LIST: ("Reply with the items only, separated by commas.", "只回答各项，用逗号分隔。"),
    AnswerType.CODE: ("Reply with the code only.", "只回答代码。"),
}


class SplitSizes(NamedTuple):
    """Rows for the reported numbers and for demos; the rest stays unused."""

    test: int
    train: int

    @classmethod
    def of(cls, rows: int) -> SplitSizes:
        """A fifth for demos, at most MAX_TRAIN_ROWS; of the rest at most MAX_TEST_ROWS: a beginning."""
        train = min(MAX_TRAIN_ROWS, max(1, round(rows * _TRAIN_FRACTION)))
        return cls(min(MAX_TEST_ROWS, rows - train), train)


@dataclass(frozen=True)
class Draft:
    """What goes into the file. `path` is the data file's, from where the experiment lies.

    `reading` are the keys that say how to read it (encoding, header, columns, …). `sizes` is None where a
    column names the splits; `train_rows` are the rows that demos may come from. `chars` are the characters of
    a long question, `cjk` says that questions are mostly Chinese, Japanese or Korean.
    """

    name: str
    path: str
    guess: Guess
    model: str
    sizes: SplitSizes | None
    rows: int
    train_rows: int
    chars: int = 0
    cjk: bool = False
    reading: Mapping[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        """The experiment file."""
        return "\n".join(
            [*self._head(), *self.dataset_lines(), *self._task(), *self._models(), *self._variants()]
        )

    def _head(self) -> list[str]:
        return [
            "# An experiment: variants (how it is asked) × models × data sets.",
            "# `promptlab compare FILE` runs what is missing and compares; nothing is paid twice.",
            "# `promptlab validate FILE` checks it, `promptlab datasets check FILE` looks into its data,",
            "# `promptlab techniques` and `promptlab scorers` list what there is.",
            f"name: {scalar(self.name)}",
            "",
        ]

    def dataset_lines(self) -> list[str]:
        """Its part about the data: `datasets:` with one entry."""
        guess = self.guess
        lines = ["datasets:", *_noted(f"  - path: {scalar(self.path)}", "relative to this file")]
        lines += [f"    {key}: {_flow(value)}" for key, value in self.reading.items()]
        lines += _noted(
            f"    target: {scalar(guess.target)}", "the right answer: a column or a template over columns"
        )
        if guess.rationale:
            lines += _noted(
                f"    rationale: {scalar(guess.rationale)}", "a worked solution, for demos that reason"
            )
        if guess.choices:
            lines += _noted(f"    choices: {_flow(guess.choices)}", "what is chosen from")
        if guess.id:
            lines.append(f"    id: {scalar(guess.id)}")
        if guess.split_column:
            lines += _noted(
                f"    split: {scalar(guess.split_column)}", "a column that says train, dev or test"
            )
        elif self.sizes:
            unused = self.rows - sum(self.sizes)
            spare = f", {unused:,} of {self.rows:,} stay unused" if unused else ""
            lines += _noted(
                f"    split: {{test: {self.sizes.test}, train: {self.sizes.train}}}",
                f"drawn by seeded hash{spare}",
            )
        return [*lines, ""]

    def _task(self) -> list[str]:
        answer = self.guess.answer
        lines = ["task:", '  # system: "You are a careful expert."']
        prompt = self.prompt().split("\n")
        if len(prompt) == 1:
            lines.append(f"  prompt: {quoted(prompt[0])}")
        else:
            lines += ["  prompt: |-", *(f"    {line}" for line in prompt)]
        return [
            *lines,
            *_noted(f"  answer: {answer}", "text, number, choice, label, yes_no, list or code"),
            *_noted(f"  answer_instruction: {quoted(self.instruction())}", "the same for all variants"),
            "",
        ]

    def prompt(self) -> str:
        """The inputs, with their names where there are several, then the choices."""
        inputs = self.guess.inputs
        shown = (
            [placeholder(inputs[0])]
            if len(inputs) == 1
            else [f"{name.strip().splitlines()[0]}: {placeholder(name)}" for name in inputs]
        )
        return "\n".join([*shown, *(["{{ choices }}"] if self.guess.answer is AnswerType.CHOICE else [])])

    def instruction(self) -> str:
        """How to answer, in the language of the questions; labels are named where they are few."""
        labels = self.guess.labels
        if labels and len(labels) <= _MAX_LISTED_LABELS and not any("{" in label for label in labels):
            listed = ("、" if self.cjk else ", ").join(labels)
            return f"只回答其中一个：{listed}。" if self.cjk else f"Reply with one of these only: {listed}."
        return _INSTRUCTIONS[self.guess.answer][self.cjk]

    def _models(self) -> list[str]:
        local = self.model.startswith("local/")
        setting = "max_tokens: 60" if local else "temperature: 0"
        scripted = self.model.startswith("scripted/")
        chosen = f"  - {scalar(self.model)}" if scripted else f"  - {{id: {scalar(self.model)}, {setting}}}"
        lines = ["models:", *_noted(chosen, "the embedded model: no key, English only" if local else "")]
        if local:
            lines.append("  # - {id: openai/gpt-4o-mini, temperature: 0}      # needs OPENAI_API_KEY")
        return [
            *lines,
            '  # - {id: openai/qwen-plus, api_base: "${RELAY_URL}", api_key_env: RELAY_KEY}',
            "",
        ]

    def _variants(self) -> list[str]:
        lines = ["variants:", "  - zero_shot"]
        demos = self.demos()
        if demos:
            lines.append(f"  - {{technique: few_shot, demos: {{count: {demos}, select: random}}}}")
            lines.append("  # - zero_shot_cot                 # think first, then answer: two calls")
        else:
            lines.append("  - zero_shot_cot                   # think first, then answer: two calls")
        lines.append('  # - {name: my wording, technique: zero_shot, prompt: "..."}')
        return [
            *lines,
            "",
            *_noted(
                "baseline: zero_shot", "every variant is compared with this one; leave out for all pairs"
            ),
            "seed: 0",
            *_noted("limits: {concurrency: 16}", "also budget_usd, budget_calls, timeout_s, rpm, tpm"),
            "",
        ]

    def demos(self) -> int:
        """How many examples a prompt has room and rows for."""
        room = (
            (_PROMPT_CJK_CHARS if self.cjk else _PROMPT_CHARS) if self.model.startswith("local/") else 40_000
        )
        return max(0, min(_DEMOS, self.train_rows, room // max(self.chars, 1) - 1))


def placeholder(column: str) -> str:
    """The template that shows a column: by its name, or through `inputs` where the name is no variable."""
    if column.isidentifier() and column not in _NO_NAMES.split():
        return f"{{{{ {column} }}}}"
    return f"{{{{ inputs[{json.dumps(column)}] }}}}"


def scalar(text: str) -> str:
    """A text as YAML, without quotes where it needs none."""
    return text if _BARE.fullmatch(text) and text.lower() not in _NO_TEXTS.split() else quoted(text)


def quoted(text: str) -> str:
    """A text as YAML in quotes, on one line, whatever it holds."""
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _flow(value: Any) -> str:
    if isinstance(value, str):
        return scalar(value)
    if isinstance(value, Sequence):
        return f"[{', '.join(scalar(each) for each in value)}]"
    return json.dumps(value)


def _noted(line: str, note: str) -> list[str]:
    """The line with a note behind it, or the note above it where there is no room."""
    if not note:
        return [line]
    padding = " " * max(2, _NOTE_COLUMN - cell_len(line))
    if cell_len(line) + len(padding) + len(note) <= _LINE_CELLS:
        return [f"{line}{padding}# {note}"]
    indent = line[: len(line) - len(line.lstrip())]
    return [f"{indent}# {note}", line]
