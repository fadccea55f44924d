"""What the columns are: guesses that a person confirms or changes, and the data set's spec from them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st
from pydantic import ValidationError

from promptlab.basics.errors import UsageError
from promptlab.basics.hashing import short_digest
from promptlab.datasets import AnswerType, Dataset, DatasetSpec, open_dataset
from promptlab.datasets.guessing import Guess, guess_columns, guess_reading
from promptlab.datasets.profile import ColumnProfile, profile_columns, read_rows
from promptlab.experiment.starter.drafting import MAX_ROWS
from promptlab.ui.data.reading import reading_widgets
from promptlab.ui.language import Texts, placeholders
from promptlab.ui.place import home
from promptlab.ui.shown import failed, noted

PREVIEW_ROWS = 5
say = Texts(
    rows=("{rows:,} rows, {columns:,} columns", "{rows:,} 行，{columns:,} 列"),
    first=("the first {rows:,} rows", "前 {rows:,} 行"),
    guessed=(
        "These are guesses from the columns' names and values. Change what is wrong.",
        "以下是根据列名和取值的猜测，请改正不对的地方。",
    ),
    target=("The right answer", "标准答案"),
    target_help=(
        "A column, or a template such as {{{{ answer.split('####')[1] }}}}",
        "一列，或模板，例如 {{{{ answer.split('####')[1] }}}}",
    ),
    inputs=("What the model is shown", "给模型看的列"),
    answer=("Kind of answer", "答案类型"),
    text=("free text", "自由文本"),
    number=("a number", "数字"),
    choice=("one of several choices", "选择题"),
    label=("a label", "类别标签"),
    yes_no=("yes or no", "是或否"),
    list=("a list", "列表"),
    code=("code", "代码"),
    choices=("The choices (one column, or one each)", "选项（一列，或每个选项一列）"),
    rationale=("A worked solution", "解题过程"),
    id=("Id", "编号"),
    split=("A column that says train, dev or test", "标明 train、dev、test 的列"),
    more=("Further columns", "其他列"),
    column=("Column", "列"),
    type=("Type", "类型"),
    role=("Role", "用途"),
    empty=("Empty", "空值"),
    distinct=("Different", "不同取值"),
    many=("many", "很多"),
    example=("Example", "示例"),
    preview=("The first rows", "前几行"),
    need_target=("Choose the column of the right answer.", "请选择标准答案所在的列。"),
    need_inputs=("Choose at least one column to ask about.", "请至少选择一列作为给模型的输入。"),
    no_rows=("The file has no rows.", "文件中没有数据行。"),
    missing=("There is no column {column}.", "没有名为 {column} 的列。"),
)
kinds = Texts(
    **{"true/false": ("true/false", "真/假")},
    text=("text", "文本"),
    number=("number", "数字"),
    list=("list", "列表"),
    object=("object", "对象"),
    mixed=("mixed", "混合"),
    empty=("empty", "空"),
)


@dataclass(frozen=True)
class Mapped:
    """A file, how it is read, what its columns are."""

    path: Path
    reading: dict[str, Any]
    columns: tuple[ColumnProfile, ...]
    guess: Guess
    rows: int
    whole: bool

    def spec(self) -> DatasetSpec:
        """The data set as an experiment would open it, with all rows. UsageError."""
        guess = self.guess
        try:
            return DatasetSpec(
                **self.reading,
                path=str(self.path),
                target=guess.target,
                id=guess.id,
                rationale=guess.rationale,
                choices=guess.choices,
                split=guess.split_column or None,
            )
        except ValidationError as error:
            raise UsageError(str(error.errors(include_url=False)[0]["msg"])) from None

    def open(self) -> Dataset:
        """Opened through the sample index."""
        return open_dataset(self.spec(), folder=self.path.parent, home=home())


def map_columns(path: Path, *, visible: bool) -> Mapped | None:
    """The mapping as it stands, its widgets where `visible`. None: something is missing, which is said."""
    mark = short_digest(str(path))
    reading = reading_widgets(path, mark, guess_reading(path), visible=visible)
    columns, rows, whole = _profiles(path, reading)
    if not columns:
        failed(say("no_rows"))
        return None
    given = _given(mark)
    guess = guess_columns(columns, **given)
    if visible:
        rows_told = say("rows", rows=rows, columns=len(columns))
        st.caption(rows_told if whole else f"{rows_told} ({say('first', rows=MAX_ROWS)})")
        st.caption(say("guessed"))
        _widgets(mark, columns, guess)
        _table(columns, guess)
        _preview(path, reading)
    if why := _trouble(guess, columns):
        noted(why)
        return None
    return Mapped(path, reading, columns, guess, rows, whole)


def _profiles(path: Path, reading: dict[str, Any]) -> tuple[tuple[ColumnProfile, ...], int, bool]:
    """Columns, rows, and whether these are all; remembered until the file changes."""
    stat = path.stat()
    stamp = (str(path), stat.st_mtime_ns, stat.st_size, repr(sorted(reading.items())))
    if st.session_state.get("data-stamp") != stamp:
        rows = read_rows(DatasetSpec(**reading, path=str(path)), path.parent)
        columns = tuple(profile_columns(itertools.islice(rows, MAX_ROWS), max_distinct=MAX_ROWS))
        whole = next(rows, None) is None
        st.session_state["data-profiles"] = (columns, whole)
        st.session_state["data-stamp"] = stamp
    columns, whole = st.session_state["data-profiles"]
    return columns, (columns[0].filled + columns[0].empty if columns else 0), whole


def _given(mark: str) -> dict[str, Any]:
    """What a person has said so far; nothing said is guessed."""
    state = st.session_state

    def said(name: str) -> Any:
        return state.get(f"map-{name}-{mark}")

    choices = said("choices") or []
    answer = said("answer")
    return {
        "target": said("target") or None,
        "inputs": said("inputs") or [],
        "answer": AnswerType(answer) if answer else None,
        "choices": choices[0] if len(choices) == 1 else choices or None,
        "rationale": said("rationale") or None,
        "id": said("id") or None,
        "split_column": said("split"),
    }


def _widgets(mark: str, columns: tuple[ColumnProfile, ...], guess: Guess) -> None:
    names = [column.name for column in columns]
    choices = [guess.choices] if isinstance(guess.choices, str) else list(guess.choices or ())

    def pick(name: str, default: Any, *, several: bool = False) -> None:
        key = f"map-{name}-{mark}"
        if key not in st.session_state:
            st.session_state[key] = default
        if several:
            st.multiselect(
                say(name), names, key=key, placeholder=placeholders("several"), persist_state="session"
            )
        else:
            options = [*names, default] if default and default not in names else names
            st.selectbox(
                say(name),
                options,
                index=None,
                key=key,
                accept_new_options=name in ("target", "rationale"),
                placeholder=placeholders("or_type" if name in ("target", "rationale") else "one"),
                persist_state="session",
            )

    left, right = st.columns(2)
    with left:
        pick("target", guess.target or None)
        pick("inputs", list(guess.inputs), several=True)
    with right:
        key = f"map-answer-{mark}"
        st.session_state.setdefault(key, str(guess.answer))
        st.selectbox(
            say("answer"),
            [str(each) for each in AnswerType],
            format_func=say,
            key=key,
            persist_state="session",
        )
        if st.session_state[key] == AnswerType.CHOICE:
            pick("choices", choices, several=True)
    with st.expander(say("more"), key="map-more"):
        one, two, three = st.columns(3)
        with one:
            pick("id", guess.id)
        with two:
            pick("split", guess.split_column)
        with three:
            pick("rationale", guess.rationale)


def _trouble(guess: Guess, columns: tuple[ColumnProfile, ...]) -> str:
    names = {column.name for column in columns}
    if not guess.target:
        return say("need_target")
    if "{{" not in guess.target and guess.target not in names:
        return say("missing", column=guess.target)
    return "" if guess.inputs else say("need_inputs")


def _table(columns: tuple[ColumnProfile, ...], guess: Guess) -> None:
    named = {
        "target": guess.target,
        "id": guess.id,
        "rationale": guess.rationale,
        "split": guess.split_column,
    }
    roles = {column: role for role, column in named.items() if column}
    choices = [guess.choices] if isinstance(guess.choices, str) else list(guess.choices or ())
    roles |= dict.fromkeys(choices, "choices") | dict.fromkeys(guess.inputs, "inputs")
    st.dataframe(
        [
            {
                say("column"): column.name,
                say("role"): say(roles[column.name]) if column.name in roles else "",
                say("type"): kinds(column.kind),
                say("empty"): column.empty,
                say("distinct"): f"{column.distinct:,}" if column.distinct is not None else say("many"),
                say("example"): str(column.examples[0])[:200] if column.examples else "",
            }
            for column in columns
        ],
        key="data-columns",
        hide_index=True,
        column_config={say("distinct"): st.column_config.TextColumn(alignment="right")},
    )


def _preview(path: Path, reading: dict[str, Any]) -> None:
    st.caption(say("preview"))
    rows = read_rows(DatasetSpec(**reading, path=str(path)), path.parent)
    st.dataframe(
        [
            {name: _cell(value) for name, value in row.values.items()}
            for row in itertools.islice(rows, PREVIEW_ROWS)
        ],
        key="data-preview",
        hide_index=True,
    )


def _cell(value: Any) -> Any:
    return value if value is None or isinstance(value, (int, float, bool)) else str(value)[:500]
