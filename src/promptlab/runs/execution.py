"""One command's work on a run: find or make it, run what is missing, grade what is not graded."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from promptlab.basics.errors import UsageError
from promptlab.experiment import Plan
from promptlab.experiment.matching import matched_variants
from promptlab.experiment.planning import add_variants
from promptlab.experiment.variants import Variant
from promptlab.runs.answers import cell_specs, count_without_score
from promptlab.runs.checking import Approve, Tell, check
from promptlab.runs.claiming import claim, differs, extension, note
from promptlab.runs.directory import RunDirectory, describe
from promptlab.runs.events import Listen, event
from promptlab.runs.finished import tokens_per_trial
from promptlab.runs.interrupting import Interruptible, wait_for
from promptlab.runs.judges import Surroundings, judge_missing
from promptlab.runs.judging import BoundJudge, Judged, bind
from promptlab.runs.labels import keep_labels
from promptlab.runs.opening import open_client
from promptlab.runs.optimizing import Workplace
from promptlab.runs.programs import code_scorers, run_missing
from promptlab.runs.progress import Progress
from promptlab.runs.regrade import grade_missing
from promptlab.runs.store import RunStore

if TYPE_CHECKING:
    from promptlab.runs.engine import Ending


@dataclass(frozen=True)
class Options:
    """How one command runs: `fresh` starts a new run and ledger, `use_cache` false reads nothing from it."""

    fresh: bool = False
    use_cache: bool = True
    may_interrupt: bool = True


@dataclass
class RunResult:
    """What one command did to a run."""

    run: RunDirectory
    status: Ending
    progress: Progress
    sent_calls: int = 0
    stopped_cells: dict[str, str] = field(default_factory=dict)
    budget_message: str = ""
    seconds: float = 0.0
    judged: Judged = field(default_factory=Judged)


def execute(
    plan: Plan,
    home: Path,
    options: Options = Options(),
    *,
    tell: Tell = lambda message: None,
    watch: Callable[[Progress], None] | None = None,
    approve: Approve | None = None,
    listen: Listen | None = None,
) -> RunResult:
    """Continues the latest run of the plan's experiment, or starts one; runs what is missing.

    `tell` gets messages for people, `watch` the live counters once, before the first trial; `listen` gets
    what happens (see `runs.events`). `approve` is asked before anything is sent whose expected cost is above
    `limits.confirm_usd`, unless a budget keeps it below. Raises UsageError before the first call for a
    missing key or a price that a budget needs, StorageError where the disk fails. What was finished by then
    is kept.
    """
    if not plan.spec.match_tokens:
        return _execute(plan, home, options, tell, watch, approve, listen)
    watch = None if watch is None else _once(watch)
    result = _execute(plan, home, options, tell, watch, approve, listen)
    added = _matched(plan, result.run, tell) if result.status in ("complete", "failed") else {}
    if not added:
        return result
    add_variants(plan, added)
    more = _execute(plan, home, replace(options, fresh=False), tell, watch, approve, listen)
    more.progress.add(result.progress)
    more.sent_calls += result.sent_calls
    more.seconds += result.seconds
    more.stopped_cells = {**result.stopped_cells, **more.stopped_cells}
    return more


def _once(watch: Callable[[Progress], None]) -> Callable[[Progress], None]:
    """`watch` for the first part that runs: a display shows one set of counters."""
    seen: list[Progress] = []

    def first(progress: Progress) -> None:
        if not seen:
            watch(progress)
        seen.append(progress)

    return first


def _matched(plan: Plan, run: RunDirectory, tell: Tell) -> dict[str, Variant]:
    """The variants that `match_tokens` adds, by what the finished trials took."""
    if plan.selection.variants is not None or plan.selection.models is not None:
        tell("match_tokens needs all variants and models: with --variant or --model nothing is added")
        return {}
    tokens = tokens_per_trial(run, {cell.hash: cell.variant.name for cell in plan.cells})
    silent = {variant.name for variant in plan.variants} - tokens.keys()
    if silent:
        tell(f"match_tokens leaves out {', '.join(sorted(silent))}: the tokens are not known")
    return matched_variants(plan.variants, tokens)


def _execute(
    plan: Plan,
    home: Path,
    options: Options,
    tell: Tell,
    watch: Callable[[Progress], None] | None,
    approve: Approve | None,
    listen: Listen | None,
) -> RunResult:
    """One plan from its run's claim to its last grade."""
    started = time.monotonic()
    facts = describe(plan)
    run, lock = claim(plan, home, facts, fresh=options.fresh, tell=tell)
    discard = not run.store.exists()  # until it is sure that something will be run
    try:
        with RunStore(run.store) as store:
            store.forget_requests()
            cells = store.set_plan(plan)
            judges = {name: bind(each, cell_specs(store)) for name, each in plan.scoring.judges.items()}
            rows = store.set_scorers({**plan.scoring.scorers, **judges})
            broken: UsageError | None = None
            missing = _missing(plan, store, cells)
            progress = Progress(planned=sum(plan.trials_in(cell) for cell in plan.chosen))
            result = RunResult(run, "complete", progress)
            store.set_meta({"scorers": [(name, rows[name]) for name in plan.scoring.columns]})
            code = code_scorers(plan.scoring.scorers)
            lacking = missing or any(count_without_score(store, rows[name]) for name in (*judges, *code))
            if lacking:
                check(
                    plan,
                    home,
                    fresh=options.fresh,
                    use_cache=options.use_cache,
                    trials=missing > 0,
                    tell=tell,
                    approve=approve,
                )
            if missing:
                discard = False
                note(run, plan, facts, status="running", **extension(run, plan, store, cells))
                if watch is not None:
                    watch(progress)
            if lacking and listen is not None:
                listen(event("started", run=run.id, experiment=plan.spec.name, planned=progress.planned))
            if missing:
                result = _run(plan, home, options, store, progress, run, tell, listen)
                if listen is not None:
                    listen(event("progress", run=run.id, **progress.counters(), endpoints=[]))
            else:
                discard = False
                progress.reused = progress.planned
            ran = run_missing(
                store,
                code,
                rows,
                allow_unsafe=plan.spec.allow_unsafe_code,
                may_interrupt=options.may_interrupt,
                tell=tell,
                watch=watch,
                listen=_named(listen, run),
            )
            if ran.interrupted:
                result.status = "interrupted"
            try:
                grade_missing(store, plan.scoring.scorers, rows)
            except UsageError as error:
                broken = error  # of the user's own scorer; the run is kept as far as it is
            if judges and result.status in ("complete", "failed"):
                _judge(plan, home, options, store, result, judges, rows, tell, watch, listen)
            if listen is not None and lacking:
                listen(event("ended", run=run.id, status=result.status, sent_calls=result.sent_calls))
            if plan.spec.human_labels is not None:
                keep_labels(run, store, plan.loaded.folder / plan.spec.human_labels, partial=True)
            if missing or result.judged.touched or ran.graded:
                run.update_manifest(status=result.status, ended=time.time())
            elif differs(run, plan, facts):
                note(run, plan, facts)
            if broken is not None:
                raise broken
        result.seconds = time.monotonic() - started
        return result
    finally:
        lock.release()
        if discard:
            shutil.rmtree(run.path, ignore_errors=True)


def _missing(plan: Plan, store: RunStore, cells: dict[str, int]) -> int:
    """How many of the chosen trials are not finished, by count alone: the feed finds out which."""
    finished = store.count_finished(
        {cells[cell.hash]: plan.samples_in(cell.dataset) for cell in plan.chosen}, plan.spec.repeats
    )
    return sum(plan.trials_in(cell) for cell in plan.chosen) - finished


def _named(listen: Listen | None, run: RunDirectory) -> Listen | None:
    """`listen`, for whoever does not know the run's name."""
    return None if listen is None else lambda happened: listen({**happened, "run": run.id})


def _judge(
    plan: Plan,
    home: Path,
    options: Options,
    store: RunStore,
    result: RunResult,
    judges: Mapping[str, BoundJudge],
    rows: Mapping[str, int],
    tell: Tell,
    watch: Callable[[Progress], None] | None,
    listen: Listen | None,
) -> None:
    """The chosen cells' answers, judged. What a judge could not grade leaves the run unfinished."""
    cells = {row: spec["hash"] for row, spec in cell_specs(store).items()}
    chosen = {cell.hash for cell in plan.chosen}
    first = plan.selection.limit
    around = Surroundings(
        home,
        plan.spec.name,
        plan.limits(),
        seed=plan.spec.seed,
        use_cache=options.use_cache,
        max_age_s=plan.max_age_s(),
        may_interrupt=options.may_interrupt,
        tell=tell,
        watch=watch,
        listen=_named(listen, result.run),
    )
    judged = result.judged = judge_missing(
        result.run,
        store,
        judges,
        rows,
        around,
        takes=lambda each: cells[each.cell] in chosen and (first is None or each.position < first),
    )
    result.sent_calls += judged.sent_calls
    result.progress.sent_calls = result.sent_calls
    result.budget_message = judged.budget_message
    result.stopped_cells.update({f"the judge {name}": why for name, why in judged.stopped.items()})
    result.progress.errors.update(judged.errors)
    if judged.status != "complete":
        result.status = judged.status


def _run(
    plan: Plan,
    home: Path,
    options: Options,
    store: RunStore,
    progress: Progress,
    run: RunDirectory,
    tell: Tell,
    listen: Listen | None,
) -> RunResult:
    from promptlab.runs.engine import Engine

    async def work() -> RunResult:
        client = open_client(
            home,
            plan.spec.name,
            plan.limits(),
            seed=plan.spec.seed,
            tell=tell,
            use_cache=options.use_cache,
            max_age_s=plan.max_age_s(),
            fresh=options.fresh,
        )
        reuse = options.use_cache and not options.fresh
        workplace = Workplace(home, run, tell, reuse, progress, listen)
        engine = Engine(plan, store, client, progress=progress, listen=listen, workplace=workplace)
        holder.append(engine)
        try:
            status = await engine.run()
        finally:
            progress.sent_calls = client.stats.sent_calls
            await client.close()
        return RunResult(
            run, status, progress, client.stats.sent_calls, engine.stopped_cells, engine.budget_message
        )

    def dropped() -> RunResult:
        return RunResult(run, "interrupted", progress, progress.sent_calls)

    holder: list[Interruptible] = []
    return wait_for(work(), holder, tell, dropped, may_interrupt=options.may_interrupt)
