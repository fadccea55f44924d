"""A run as it goes on: how far, what it cost, what failed, the first results; pause, resume, cancel.

Everything shown comes from the job's folder and the run's store: a reload, another tab and a new server see
the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from promptlab.basics.errors import ExitCode, PromptlabError
from promptlab.runs import RunDirectory, latest_run
from promptlab.runs.background import Job, job_of, jobs
from promptlab.runs.control import cancel, pause, resume, state_of
from promptlab.runs.reading import RunReader, has_results
from promptlab.ui.experiments.first_results import first_results
from promptlab.ui.experiments.states import state_words
from promptlab.ui.form.sheet import PROBLEM
from promptlab.ui.language import Texts, in_chosen
from promptlab.ui.place import go
from promptlab.ui.shown import escaped, failed, model_text

LOOK_S = 2.0
_ALIVE = frozenset({"starting", "running", "paused", "cancelling"})

say = Texts(
    run=("Run", "运行"),
    pause=("Pause", "暂停"),
    resume=("Resume", "继续"),
    cancel=("Cancel", "取消"),
    results=("Results", "查看结果"),
    trials=("{done:,} of {planned:,} trials", "{done:,} / {planned:,} 次试验"),
    judgements=("{done:,} of {planned:,} judgements", "{done:,} / {planned:,} 次评审"),
    programs=("{done:,} of {planned:,} programs", "{done:,} / {planned:,} 个程序"),
    rate=("Rate", "速度"),
    per_s=("{n:.1f}/s", "{n:.1f} 个/秒"),
    left=("Time left", "剩余时间"),
    sent=("Calls sent", "已发送调用"),
    cached=("From the cache", "来自缓存"),
    cost=("Cost so far", "目前费用"),
    cost_unknown=("at least {usd} ({n:,} calls unknown)", "至少 {usd}（{n:,} 次调用费用未知）"),
    errors=("Errors by type", "各类错误"),
    failures=("No answer, by kind", "未得到答案，按类型"),
    kind=("Type", "类型"),
    count=("Count", "数量"),
    said=("What it said", "运行信息"),
    exit=("It ended with exit code {code}.", "进程结束，退出码 {code}。"),
    unknown=("unknown", "未知"),
)


@dataclass(frozen=True)
class Work:
    """The latest job and run of an experiment, whichever is younger counts; either may be missing."""

    job: Job | None
    run: RunDirectory | None
    state: str

    @property
    def alive(self) -> bool:
        return self.state in _ALIVE


def work_on(home: Path, experiment: str) -> Work:
    """What was last done about an experiment, wherever it was started."""
    run = latest_run(home, experiment)
    own = [job for job in jobs(home) if job.facts()["experiment"] == experiment]
    newest = own[0].state() if own else ""  # asked once: it may end between two questions
    if newest in _ALIVE:  # perhaps without a run yet
        return Work(own[0], own[0].run(), newest)
    if run is None:
        return Work(own[0] if own else None, None, newest)
    job = job_of(run, own)
    if own and job != own[0] and own[0].exit_code not in (0, None):
        return Work(own[0], None, newest)  # the last one came to nothing, and says why
    return Work(job, run, state_of(run))


def watch(home: Path, experiment: str) -> None:
    """The panel. It looks again every two seconds while something goes on."""
    alive = work_on(home, experiment).alive
    st.fragment(_panel, run_every=LOOK_S if alive else None, key="watch")(home, experiment, alive)


def _panel(home: Path, experiment: str, was_alive: bool) -> None:
    work = work_on(home, experiment)
    if was_alive and not work.alive:
        st.rerun()  # the whole page: it may be started again
    if work.job is None and work.run is None:
        return
    with st.container(border=True, key="run-panel"):
        with st.container(horizontal=True, vertical_alignment="center", key="run-head"):
            st.markdown(f"**{say('run')}**")
            st.text(state_words(work.state))
            _buttons(work)
        if work.run is not None:
            st.caption(escaped(work.run.id))
        _progress(work)
        _ended(work)
        if work.run is not None and has_results(work.run):
            first_results(work.run, alive=work.alive)


def _buttons(work: Work) -> None:
    if work.state == "running":
        st.button(say("pause"), key="pause", on_click=_do, args=(pause, work))
    if work.state == "paused":
        st.button(say("resume"), key="resume", type="primary", on_click=_do, args=(resume, work))
    if work.state in ("starting", "running", "paused"):
        st.button(say("cancel"), key="cancel", on_click=_do, args=(cancel, work))
    if work.run is not None and st.button(say("results"), key="to-results", type="tertiary"):
        go("results", run=work.run.id)


def _do(what: Any, work: Work) -> None:
    try:
        if work.run is not None:
            what(work.run)
        elif work.job is not None and what is cancel:
            work.job.cancel()
    except PromptlabError as error:
        st.session_state[PROBLEM] = error


def _progress(work: Work) -> None:
    """The counters of the job; of a run started at a terminal what its store holds."""
    told = work.job.latest("progress") if work.job is not None else None
    if told is None:
        if work.run is not None and has_results(work.run):
            with RunReader(work.run) as reader:
                done = sum(count for status, count in reader.counts().items() if status != "error")
                planned = sum(cell["planned"] for cell in reader.cells())
            st.progress(_share(done, planned), text=say("trials", done=done, planned=planned))
        return
    done = told["reused"] + told["finished"]
    unit = told.get("unit", "trials")
    st.progress(_share(done, told["planned"]), text=say(unit, done=done, planned=told["planned"]))
    going = work.state == "running"
    metrics = st.columns(5)
    metrics[0].metric(say("rate"), say("per_s", n=told["per_second"]) if going else "–")
    left = told["seconds_left"]
    metrics[1].metric(say("left"), _duration(left) if going and left is not None else "–")
    metrics[2].metric(say("sent"), f"{told['sent_calls']:,}")
    metrics[3].metric(say("cached"), f"{told['cached_calls']:,}")
    metrics[4].metric(say("cost"), _cost(told))
    for title in ("errors", "failures"):
        if counts := told[title]:
            st.caption(say(title))
            rows = [{say("kind"): in_chosen(kind), say("count"): count} for kind, count in counts.items()]
            st.dataframe(rows, key=f"run-{title}", hide_index=True, width=420)


def _ended(work: Work) -> None:
    """What a job said that did not end well."""
    job = work.job
    if job is None or work.alive or job.exit_code in (0, None):
        return
    if job.exit_code in (ExitCode.INTERNAL, ExitCode.USAGE):  # of the others the state says enough
        failed(say("exit", code=job.exit_code))
    told = [line for line in job.messages().splitlines() if line.startswith("promptlab:")]
    if told:
        st.caption(say("said"))
        model_text(in_chosen("\n".join(told[-10:])), key="said")


def _cost(told: dict[str, Any]) -> str:
    usd = f"{told['paid_usd']:.4f} USD"
    if told["unknown_costs"]:
        return say("cost_unknown", usd=usd, n=told["unknown_costs"]) if told["paid_usd"] else say("unknown")
    return usd


def _share(done: int, planned: int) -> float:
    return min(1.0, done / planned) if planned else 1.0


def _duration(seconds: float) -> str:
    from promptlab.ui.experiments.running import duration

    return duration(seconds)
