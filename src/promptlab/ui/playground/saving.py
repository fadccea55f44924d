"""From the playground to an experiment: a file, one more variant in a file, a run on n samples."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import streamlit as st

from promptlab.basics.errors import PromptlabError, UsageError
from promptlab.datasets.task import template_values
from promptlab.experiment import load_spec
from promptlab.models.keys import held
from promptlab.playground import Draft, Prompt, add_variant, experiment_text, variant_entry
from promptlab.playground.saving import file_name, save
from promptlab.runs import background
from promptlab.runs.background import JobOptions
from promptlab.ui.language import Texts
from promptlab.ui.place import allows_code, go, home
from promptlab.ui.playground.data_rows import sources_in
from promptlab.ui.playground.editor import Edited
from promptlab.ui.playground.session import session, working_folder
from promptlab.ui.shown import done, escaped, failed, noted

say = Texts(
    title=("Make it an experiment", "转为实验"),
    needs_data=(
        "Choose a data set under Rows from: an experiment asks every row and scores the answers.",
        "请先在“数据来源”中选择数据集：实验会对每一行提问并为答案评分。",
    ),
    needs_target=(
        "This data set names no target, so nothing can be scored. Name it under Data sets or in the file.",
        "该数据集未指定标准答案列，无法评分。请在“数据集”页或文件中指定。",
    ),
    needs_test=(
        "{dataset} has no test rows, and an experiment reports on those.",
        "{dataset} 没有测试集数据，而实验结果以测试集为准。",
    ),
    needs_columns=(
        "{dataset} has no column {names}, so an experiment could not fill it. Write its value into the "
        "prompt, or use one of the columns: {columns}.",
        "{dataset} 没有名为 {names} 的列，实验无法填入。请把它的值直接写进提示词，"
        "或改用已有的列：{columns}。",
    ),
    where=("Where", "保存位置"),
    new=("A new experiment", "新建实验"),
    variant=("A variant in {file}", "作为 {file} 中的一个变体"),
    name=("Name", "名称"),
    technique=("Technique", "技术"),
    variant_name=("Name of the variant", "变体名称"),
    samples=("Samples", "样本数"),
    write=("Write the file", "写入文件"),
    add=("Add the variant", "添加变体"),
    run=("Run on {n} samples", "在 {n} 个样本上运行"),
    download=("Download the YAML", "下载 YAML"),
    wrote=("Wrote {path}", "已写入 {path}"),
    open=("Open it under Experiments", "在“实验”页打开"),
    bots=(
        "Several bots have several system prompts: the file gets the one in the editor.",
        "所选助手的系统提示词各不相同：文件将采用编辑器中的系统提示词。",
    ),
)
FOLDER = "experiments"
SAMPLES = 20


def show_saving(edited: Edited) -> None:
    """Everything that leads from here into a file."""
    with st.expander(say("title"), key="saving"):
        source = session().source
        if source is None:
            st.caption(say("needs_data"))
            return
        if not source.has_target:
            st.caption(say("needs_target"))
            return
        cursor = session().cursor
        assert cursor is not None
        if not cursor.dataset.sizes["test"]:
            failed(say("needs_test", dataset=cursor.dataset.name))
            return
        known = template_values(cursor.dataset.first().question())
        missing = [name for name in edited.prompt.variables() if name not in known]
        if missing:
            names, columns = ", ".join(missing), ", ".join(cursor.dataset.columns)
            failed(say("needs_columns", dataset=cursor.dataset.name, names=names, columns=columns))
            return
        file = None if source.experiment is None else source.experiment.path
        places = [None] if file is None else [None, file]
        where = st.radio(
            say("where"),
            places,
            format_func=lambda path: say("new") if path is None else say("variant", file=escaped(path.name)),
            key="save-where",
            horizontal=True,
        )
        if where is None:
            _new(edited)
        else:
            _variant(edited, where)


def _new(edited: Edited) -> None:
    source = session().source
    assert source is not None
    name = st.text_input(say("name"), "playground", key="save-name", max_chars=100) or "playground"
    folder = working_folder() / FOLDER
    models = [(choice, sampling) for choice, sampling, _ in edited.choices.values()]
    draft = Draft(name, _prompt(edited), source, models, list(edited.techniques.items()))
    try:
        text = experiment_text(draft, folder)
    except PromptlabError as error:
        failed(error)
        return
    path = folder / file_name(name)
    st.code(text, language="yaml", height=260)
    n = _samples()
    with st.container(horizontal=True):
        write = st.button(say("write"), key="save-write")
        run = st.button(say("run", n=n), key="save-run", type="primary")
        st.download_button(say("download"), text, path.name, "application/yaml", key="save-download")
    if write or run:
        _saved(path, text, n if run else None, same=path.is_file() and path.read_text() == text)


def _variant(edited: Edited, path: Path) -> None:
    name = st.text_input(say("variant_name"), key="save-variant-name", max_chars=100)
    technique = next(iter(edited.techniques))
    if len(edited.techniques) > 1:
        technique = st.selectbox(say("technique"), list(edited.techniques), key="save-variant-technique")
    n = _samples()
    with st.container(horizontal=True):
        write = st.button(say("add"), key="save-add", disabled=not name)
        run = st.button(say("run", n=n), key="save-add-run", type="primary", disabled=not name)
    if not (write or run):
        return
    try:
        loaded = load_spec(path)
        settings = edited.techniques[technique]
        known = name in [each.name for each in loaded.spec.variants]
        text = loaded.text
        if not (known and run):
            entry = variant_entry(name or "", _prompt(edited), technique, settings, loaded)
            text = add_variant(loaded.text, entry, path)
        _saved(path, text, n if run else None, same=True, variant=name)
    except PromptlabError as error:
        failed(error)


def _prompt(edited: Edited) -> Prompt:
    """What goes into the file: with one bot its system prompt, else that of the editor."""
    systems = {edited.prompt.system if own is None else own for _, _, own in edited.choices.values()}
    if len(systems) > 1:
        noted(say("bots"))
    return edited.prompt if len(systems) != 1 else replace(edited.prompt, system=systems.pop())


def _samples() -> int:
    cursor = session().cursor
    most = max(1, cursor.dataset.sizes["test"]) if cursor is not None else 1
    return int(st.number_input(say("samples"), 1, most, min(SAMPLES, most), key="save-samples", width=160))


def _saved(path: Path, text: str, samples: int | None, *, same: bool, variant: str | None = None) -> None:
    """Writes the file; with `samples` starts the run, and goes where it is watched."""
    try:
        save(path, text, over=same)
        sources_in.clear()
        if samples is not None:
            only = () if variant is None else (variant,)
            options = JobOptions(limit=samples, variants=only, own_code=allows_code())
            background.start(home(), path, held(), options)
    except (PromptlabError, OSError) as error:
        failed(error if isinstance(error, PromptlabError) else UsageError(str(error)))
        return
    if samples is not None:
        go("experiments", file=str(path))
    done(say("wrote", path=str(path)))
    st.button(say("open"), key="save-open", on_click=_open_later, args=(str(path),))


def _open_later(path: str) -> None:
    """A page is not left from a callback: the next run of the script goes there."""
    st.session_state["save-open-file"] = path


def open_if_asked() -> None:
    """Goes to the experiment that was written, where that was asked for."""
    path = st.session_state.pop("save-open-file", None)
    if path is not None:
        go("experiments", file=path)
