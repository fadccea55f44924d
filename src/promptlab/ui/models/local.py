"""Models that run on this machine: which are here, and fetching one."""

from __future__ import annotations

import streamlit as st

from promptlab.models import pulling, resolve
from promptlab.models.weights import BUILT_IN, Weights, stored_path
from promptlab.ui.language import Texts, in_chosen
from promptlab.ui.models.testing import try_button
from promptlab.ui.shown import done, escaped, failed

_MB = 1e6
say = Texts(
    why=(
        "They need no key and send nothing anywhere. Any other GGUF file: local/path/to/model.gguf",
        "无需密钥，数据不离开本机。也可使用任意 GGUF 文件：local/path/to/model.gguf",
    ),
    here=("Ready to use", "可直接使用"),
    not_here=("Not fetched yet", "尚未下载"),
    facts=("{size:.0f} MB, {languages}, {licence}", "{size:.0f} MB，{languages}，{licence}"),
    fetch=("Fetch", "下载"),
    again=("Try again", "重试"),
    fetching=("{done:.0f} of {total:.0f} MB", "{done:.0f} / {total:.0f} MB"),
    fetched=("It is here now.", "下载完成。"),
)


def show_local() -> None:
    """A panel for each built-in model."""
    st.caption(say("why"))
    for name, weights in sorted(BUILT_IN.items(), key=_ready_first):
        with st.container(border=True, key=f"local-{_slug(name)}"):
            _model(name, weights)


def _ready_first(entry: tuple[str, Weights]) -> tuple[bool, int]:
    return not stored_path(entry[1]).is_file(), entry[1].size_bytes


def _model(name: str, weights: Weights) -> None:
    st.markdown(f"**local/{escaped(name)}**")
    st.caption(
        say(
            "facts",
            size=weights.size_bytes / _MB,
            languages=in_chosen(weights.languages),
            licence=weights.licence,
        )
    )
    begun = pulling.under_way(name)
    if begun is not None and begun.state == "running":
        _progress(name)
    elif stored_path(weights).is_file():
        st.text(say("here"))
        try_button(_slug(name), lambda: resolve(f"local/{name}"))
    else:
        if begun is not None and begun.state == "failed":
            failed(begun.error)
        st.text(say("not_here"))
        label = say("again") if begun is not None and begun.state == "failed" else say("fetch")
        st.button(label, key=f"pull-{_slug(name)}", type="primary", on_click=_begin, args=(name,))


def _begin(name: str) -> None:
    pulling.start(name)


@st.fragment(run_every=0.5)
def _progress(name: str) -> None:
    begun = pulling.under_way(name)
    if begun is None or begun.state != "running":
        if begun is not None and begun.state == "done":
            done(say("fetched"))
        st.rerun()
    total = begun.total_bytes
    so_far = begun.done_bytes()
    st.progress(so_far / total, text=say("fetching", done=so_far / _MB, total=total / _MB))
    for line in begun.told[-2:]:
        st.caption(escaped(in_chosen(line)))


def _slug(name: str) -> str:
    return name.replace(".", "-")
