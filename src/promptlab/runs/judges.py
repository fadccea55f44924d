"""One command's judging: what lacks a judge's score is judged, with a client of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from promptlab.models import Limits
from promptlab.runs.annotations import Annotations
from promptlab.runs.answers import count_without_score
from promptlab.runs.control import obeying
from promptlab.runs.directory import RunDirectory
from promptlab.runs.events import Listen, told
from promptlab.runs.interrupting import Interruptible, wait_for
from promptlab.runs.judging import BoundJudge, Judged, Judging
from promptlab.runs.opening import open_client
from promptlab.runs.progress import Progress
from promptlab.runs.rows import StoredAnswer
from promptlab.runs.store import RunStore


@dataclass(frozen=True)
class Surroundings:
    """What a client needs to know of the experiment and the command."""

    home: Path
    experiment: str
    limits: Limits
    seed: int = 0
    use_cache: bool = True
    max_age_s: float | None = None
    may_interrupt: bool = True
    tell: Callable[[str], None] = lambda message: None
    watch: Callable[[Progress], None] | None = None
    listen: Listen | None = None


def judge_missing(
    run: RunDirectory,
    store: RunStore,
    judges: Mapping[str, BoundJudge],
    rows: Mapping[str, int],
    around: Surroundings,
    *,
    takes: Callable[[StoredAnswer], bool] = lambda answer: True,
) -> Judged:
    """Judges every stored answer that lacks one of these scores and that `takes` takes.

    The budget is the experiment's own. Raises UsageError and StorageError.
    """
    lacking = sum(count_without_score(store, rows[name]) for name in judges)
    if not lacking:
        return Judged()
    progress = Progress(planned=lacking, unit="judgements")
    if around.watch is not None:
        around.watch(progress)
    holder: list[Interruptible] = []
    latest: list[Judged] = [Judged()]

    async def work() -> Judged:
        client = open_client(
            around.home,
            around.experiment,
            around.limits,
            seed=around.seed,
            tell=around.tell,
            use_cache=around.use_cache,
            max_age_s=around.max_age_s,
        )
        judging = Judging(store, kept, client, judges, rows, around.limits, takes=takes, progress=progress)
        holder.append(judging)
        latest[0] = judging.result
        try:
            return await obeying(store, judging, judging.run(), partial(told, around.listen, progress))
        finally:
            judging.result.sent_calls = client.stats.sent_calls
            await client.close()

    def dropped() -> Judged:
        latest[0].status = "interrupted"
        return latest[0]

    with Annotations.open(run) as kept:
        return wait_for(work(), holder, around.tell, dropped, may_interrupt=around.may_interrupt)
