"""The prices of an endpoint's models: typed, or from a file."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from promptlab.basics.errors import PromptlabError
from promptlab.models import endpoints
from promptlab.models.endpoints import Endpoint
from promptlab.models.price_list import PER, ListedPrice, read_price_list
from promptlab.ui.language import Texts
from promptlab.ui.models.keys import note
from promptlab.ui.place import home
from promptlab.ui.shown import failed, noted

MAX_FILE_MB = 10
say = Texts(
    title=("Prices", "价格"),
    why=(
        "A model without a price has unknown costs; a budget in USD then cannot hold. Prices are in the "
        "currency given, for so many tokens.",
        "没有价格的模型费用未知，也就无法按美元限制预算。价格按所填货币和 token 数计。",
    ),
    listed=(
        "This is a provider's own address: its list prices hold unless you type others.",
        "这是服务商的官方地址：除非另行填写，否则按其标价计费。",
    ),
    model=("Model", "模型"),
    input=("Input", "输入"),
    output=("Output", "输出"),
    cached_input=("Cached input", "缓存输入"),
    currency=("Currency", "货币"),
    per=("Per tokens", "每多少 token"),
    save=("Save prices", "保存价格"),
    saved=("{n:,} prices kept.", "已保存 {n:,} 个价格。"),
    half=("{model}: give both the input and the output price.", "{model}：请同时填写输入和输出价格。"),
    file=("Import a price list (csv, json)", "导入价格表 (csv, json)"),
    unknown=("Not among its models: {names}.", "不在其模型列表中：{names}。"),
)
_AMOUNTS = ("input", "output", "cached_input")


def show_prices(endpoint: Endpoint) -> None:
    """A table to type into, and a file to read from."""
    with st.expander(say("title"), key="endpoint-prices"):
        st.caption(say("listed") if endpoint.has_list_prices else say("why"))
        rows = [_row(model, endpoint.prices.get(model)) for model in _models(endpoint)]
        edited = st.data_editor(
            rows,
            key=f"prices-{endpoint.name}-{len(endpoint.prices)}",
            hide_index=True,
            num_rows="fixed",
            disabled=["model"],
            column_config=_columns(),
        )
        if st.button(say("save"), key="prices-save", type="primary"):
            _save(endpoint, edited)
        sent = st.file_uploader(say("file"), ["csv", "json"], key="prices-file", max_upload_size=MAX_FILE_MB)
        if sent is not None and st.button(say("file"), key="prices-import"):
            _import(endpoint, sent)


def _models(endpoint: Endpoint) -> list[str]:
    return list(dict.fromkeys([*endpoint.models, *endpoint.prices]))


def _row(model: str, listed: ListedPrice | None) -> dict[str, Any]:
    amounts: Mapping[str, float] = listed.amounts if listed else {}
    return {
        "model": model,
        **{name: amounts.get(name) for name in _AMOUNTS},
        "currency": listed.currency if listed else "USD",
        "per": listed.per if listed else 1_000_000,
    }


def _columns() -> dict[str, Any]:
    number = st.column_config.NumberColumn
    return {
        "model": st.column_config.TextColumn(say("model"), width="large"),
        **{name: number(say(name), min_value=0.0) for name in _AMOUNTS},
        "currency": st.column_config.TextColumn(say("currency"), validate="^[A-Za-z]{3}$"),
        "per": st.column_config.SelectboxColumn(say("per"), options=list(PER), required=True),
    }


def _save(endpoint: Endpoint, rows: Sequence[Mapping[str, Any]]) -> None:
    today = time.strftime("%Y-%m-%d")
    prices: dict[str, ListedPrice] = {}
    for row in rows:
        amounts = {name: float(row[name]) for name in _AMOUNTS if _given(row.get(name))}
        if not amounts:
            continue
        if not {"input", "output"} <= set(amounts):
            failed(say("half", model=row["model"]))
            return
        old = endpoint.prices.get(row["model"])
        currency, per = str(row["currency"] or "USD").upper(), int(row["per"])
        if old is not None and ({**old.amounts, **amounts}, old.currency, old.per) == (
            dict(old.amounts),
            currency,
            per,
        ):
            prices[row["model"]] = old
        else:
            prices[row["model"]] = ListedPrice(row["model"], amounts, currency, per, "typed", today)
    endpoints.keep(home(), replace(endpoint, prices=prices))
    note(say("saved", n=len(prices)))
    st.rerun()


def _given(value: Any) -> bool:
    return value is not None and not math.isnan(float(value))


def _import(endpoint: Endpoint, sent: Any) -> None:
    with tempfile.TemporaryDirectory(prefix="promptlab-") as folder:
        path = Path(folder) / f"prices{Path(sent.name).suffix.lower()}"
        path.write_bytes(sent.getvalue())
        try:
            listed = read_price_list(path, date=time.strftime("%Y-%m-%d"))
        except PromptlabError as error:
            failed(str(error).replace(str(path), sent.name))
            return
    own = {each.model: replace(each, source=sent.name) for each in listed}
    strange = [model for model in own if endpoint.models and model not in endpoint.models]
    if strange:
        noted(say("unknown", names=", ".join(strange[:5])))
    endpoints.keep(home(), replace(endpoint, prices={**endpoint.prices, **own}))
    note(say("saved", n=len(own)))
    if not strange:
        st.rerun()
