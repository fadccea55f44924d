"""Before the start: what would be sent and cost, and the start itself. Then the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from promptlab.basics.errors import ExperimentError, PromptlabError, UsageError
from promptlab.models.keys import held
from promptlab.runs.background import JobOptions, start
from promptlab.ui.experiments.draft import Draft
from promptlab.ui.experiments.form import code_refused
from promptlab.ui.experiments.watching import watch, work_on
from promptlab.ui.form.sheet import PROBLEM
from promptlab.ui.language import Texts, in_chosen
from promptlab.ui.place import allows_code, home
from promptlab.ui.shown import failed, noted

if TYPE_CHECKING:
    from promptlab.runs import Estimate

ESTIMATE = "estimate"

say = Texts(
    unsaved=(
        "There are unsaved changes: a run takes the file as it is saved.",
        "有未保存的修改：运行时采用已保存的文件。",
    ),
    save=("Save them", "保存修改"),
    limit=("Only the first n test samples", "仅前 n 个测试样本"),
    all=("all", "全部"),
    fresh=("A new run, and a new budget", "另起一次运行，预算重新计算"),
    fresh_help=(
        "Otherwise the latest run of this experiment goes on: what it has is not asked again.",
        "否则在本实验最近一次运行的基础上继续，已有的结果不再请求。",
    ),
    estimate=("Estimate", "估算"),
    start=("Start", "开始运行"),
    first=("Estimate first: what would be sent, and what it costs.", "请先估算：会发送多少请求、费用多少。"),
    missing=("Trials to run", "待运行试验"),
    calls=("Calls", "调用次数"),
    tokens=("Tokens", "token 数"),
    cost=("Cost", "费用"),
    time=("Time", "时间"),
    unknown=("unknown", "未知"),
    at_least=("at least {usd}", "至少 {usd}"),
    nothing=("Nothing is missing: all answers are there.", "没有缺失：所有结果都已具备。"),
    between=("{low} to {high}", "{low} 至 {high}"),
    finds=(
        "{n:,} samples find a difference of {difference:.2f} or more (80 % power, a 0/1 score).",
        "{n:,} 个样本可检出不小于 {difference:.2f} 的差异（检验功效 80 %，0/1 评分）。",
    ),
    too_few=("{n:,} samples are too few to find any difference.", "{n:,} 个样本太少，无法检出任何差异。"),
    why=("Cost unknown: {why}.", "费用未知：{why}。"),
    rate=(
        "The time supposes {n} requests at once, {s:.1f} s each; a provider's limit makes it longer.",
        "时间按并发 {n} 个请求、每个 {s:.1f} 秒估算；若服务商限速则更久。",
    ),
    rate_local=(
        "How long a local model takes is seen once it runs.",
        "本地模型所需时间要运行后才知道。",
    ),
)
SECONDS_A_CALL = 2.0


def running(draft: Draft) -> None:
    """The estimate and the start, or the run that goes on; at any time, from any tab."""
    loaded = draft.loaded()
    refused = code_refused(draft.text)
    if draft.changed:
        noted(say("unsaved"))
        st.button(say("save"), key="save-first", on_click=_save, args=(draft,))
    work = work_on(home(), loaded.spec.name)
    if work.alive:
        watch(home(), loaded.spec.name)
        return
    if refused is not None:
        failed(refused)
    else:
        _before(draft)
    watch(home(), loaded.spec.name)


def _before(draft: Draft) -> None:
    limit, fresh = st.columns([1, 2], vertical_alignment="bottom")
    with limit:
        chosen = st.number_input(
            say("limit"), min_value=1, value=None, step=1, key="limit", placeholder=say("all"),
            persist_state="session",
        )  # fmt: skip
    with fresh:
        anew = st.checkbox(say("fresh"), key="fresh", help=say("fresh_help"))
    asked = (str(draft.path), draft.saved, chosen, anew)
    with st.container(horizontal=True, key="start-row"):
        if st.button(say("estimate"), key="estimate-now", disabled=draft.changed):
            st.session_state[ESTIMATE] = (asked, _estimated(draft, chosen, anew))
        known = st.session_state.get(ESTIMATE)
        shown = known[1] if known is not None and known[0] == asked else None
        ready = isinstance(shown, dict) and shown["problem"] is None
        st.button(
            say("start"),
            key="start",
            type="primary",
            disabled=draft.changed or not ready,
            help=None if ready else say("first"),
            on_click=_start,
            args=(draft, chosen, anew),
        )
    if shown is not None:
        _show(shown)


def _start(draft: Draft, limit: int | None, fresh: bool) -> None:
    """The estimate stands beneath the button: who presses it knows what it costs."""
    st.session_state.pop(ESTIMATE, None)
    try:
        if (refused := code_refused(draft.text)) is not None:
            raise refused
        options = JobOptions(limit=limit, fresh=fresh, yes=True, own_code=allows_code())
        start(home(), draft.path, held(), options)
    except PromptlabError as error:
        st.session_state[PROBLEM] = error


def _save(draft: Draft) -> None:
    try:
        draft.save()
    except PromptlabError as error:
        st.session_state[PROBLEM] = error


def _estimated(draft: Draft, limit: int | None, fresh: bool) -> dict[str, Any] | Exception:
    from promptlab.analysis.planning import reach
    from promptlab.experiment import plan_of
    from promptlab.runs import estimate

    try:
        with plan_of(draft.loaded(), home()) as plan:
            plan.select(limit=limit, variants=(), models=())
            found = estimate(plan, home(), fresh=fresh)
            problem = None
            try:
                plan.check_keys()
            except (ExperimentError, UsageError) as error:
                problem = error
            local = all(cell.model.id.startswith("local/") for cell in plan.chosen)
            able = reach(plan)
            at_once = plan.spec.limits.concurrency
            return {"found": found, "reach": able, "at_once": at_once, "local": local, "problem": problem}
    except PromptlabError as error:
        return error


def _show(known: dict[str, Any] | Exception) -> None:
    if isinstance(known, Exception):
        failed(known)
        return
    found: Estimate = known["found"]
    if known["problem"] is not None:
        failed(known["problem"])
    missing = sum(cell.missing for cell in found.cells)
    if not missing and not found.calls.high:
        noted(say("nothing"))
        return
    metrics = st.columns(5)
    metrics[0].metric(say("missing"), f"{missing:,}")
    metrics[1].metric(say("calls"), f"{found.calls.expected:,.0f}", help=_between(found.calls))
    metrics[2].metric(say("tokens"), f"{found.tokens.expected:,.0f}", help=_between(found.tokens))
    metrics[3].metric(say("cost"), _cost(found))
    seconds = found.calls.expected * SECONDS_A_CALL / known["at_once"]
    metrics[4].metric(say("time"), say("unknown") if known["local"] else duration(seconds))
    for why in dict.fromkeys(part.why_unknown for part in found.parts if part.why_unknown):
        st.text(say("why", why=in_chosen(why)))
    st.caption(say("rate_local") if known["local"] else say("rate", n=known["at_once"], s=SECONDS_A_CALL))
    able = known["reach"]
    if able.difference is not None:
        st.caption(say("finds", n=able.samples, difference=able.difference))
    elif able.comparisons:
        st.caption(say("too_few", n=able.samples))


def _between(span: Any) -> str:
    return say("between", low=f"{span.low:,.0f}", high=f"{span.high:,.0f}")


def _cost(found: Estimate) -> str:
    if found.cost_usd is None and not found.known_usd.high:
        return say("unknown")
    shown = f"{found.known_usd.expected:.2f} USD"
    return shown if found.cost_usd is not None else say("at_least", usd=shown)


def duration(seconds: float) -> str:
    """``42 s``, ``3 min``, ``2 h 5 min``."""
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
