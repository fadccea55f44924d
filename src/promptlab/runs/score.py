"""`score`: more scores for a stored run. The candidates are not asked again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from promptlab.basics.errors import StorageError, UsageError
from promptlab.datasets import AnswerType
from promptlab.experiment.added import AddedScorer, add_scorers, parse_scorer
from promptlab.experiment.judges import check_judges
from promptlab.experiment.loading import Loaded, load_text
from promptlab.experiment.plan import limits_of, max_age_s
from promptlab.experiment.scoring import resolve_scoring
from promptlab.runs.answers import cell_specs, count_without_score, without_score
from promptlab.runs.directory import EXPERIMENT, FROM_BUNDLE, RunDirectory
from promptlab.runs.judge_estimate import estimate_judge
from promptlab.runs.judges import Surroundings, judge_missing
from promptlab.runs.judging import BoundJudge, Judged, bind
from promptlab.runs.labels import keep_labels
from promptlab.runs.programs import code_scorers, run_missing
from promptlab.runs.progress import Progress
from promptlab.runs.ratings import Kind, keep_as_labels
from promptlab.runs.reading import ADDED, has_results
from promptlab.runs.regrade import grade_missing, reread_outdated
from promptlab.runs.store import RunStore
from promptlab.sandbox import check_sandbox

if TYPE_CHECKING:
    from promptlab.runs.engine import Ending
    from promptlab.runs.estimating import Estimate


@dataclass
class ScoreResult:
    """What `score` did: replies `read` again and answers that are others now (`changed`), people's `labels`
    taken in, answers `graded` by each scorer, and what the judges did."""

    run: RunDirectory
    read: int = 0
    changed: int = 0
    labels: int = 0
    graded: dict[str, int] = field(default_factory=dict)
    judged: Judged = field(default_factory=Judged)

    @property
    def status(self) -> Ending:
        return self.judged.status


def score(
    run: RunDirectory,
    home: Path,
    added: Sequence[str] = (),
    *,
    human: Path | Kind | None = None,
    use_cache: bool = True,
    may_interrupt: bool = True,
    tell: Callable[[str], None] = lambda message: None,
    watch: Callable[[Progress], None] | None = None,
    approve: Callable[[Estimate], None] | None = None,
) -> ScoreResult:
    """Reads replies again whose extraction rule has a newer version, then grades whatever lacks a score of
    the run's scorers and of those in `added` (see `parse_scorer`), which stay with the run.

    `human` is a file of people's labels (see `runs.labels`), or the kind of their ratings
    (`runs.ratings`). Relative paths in the stored experiment are taken from the working directory.
    `approve` is asked before judges spend more than `limits.confirm_usd`;
    it raises UsageError to refuse. Raises UsageError before the first call, StorageError where the disk
    fails.
    """
    if not has_results(run):
        raise UsageError(f"run {run.id} has no results yet.", remedy="Run its experiment first.")
    lock = run.lock()
    if lock is None:
        raise UsageError(f"another process works on run {run.id}.", remedy="Wait until it has ended.")
    try:
        with RunStore(run.store) as store:
            around = partial(
                Surroundings,
                home,
                use_cache=use_cache,
                may_interrupt=may_interrupt,
                tell=tell,
                watch=watch,
            )
            return _score(run, store, added, human, around, approve)
    finally:
        lock.release()


def _score(
    run: RunDirectory,
    store: RunStore,
    added: Sequence[str],
    human: Path | Kind | None,
    around: Callable[..., Surroundings],
    approve: Callable[[Estimate], None] | None,
) -> ScoreResult:
    loaded = _experiment(run)
    limits = limits_of(loaded.spec)
    cells = cell_specs(store)
    variants = list(dict.fromkeys(spec["names"][0] for spec in cells.values()))
    scoring = resolve_scoring(loaded, variants)
    more = _added(store, loaded, added, scoring.columns, variants)
    scorers = {**scoring.scorers, **{each.name: each.scorer for each in more if each.judge is None}}
    resolved = {**scoring.judges, **{each.name: each.judge for each in more if each.judge is not None}}
    judges: dict[str, BoundJudge] = {name: bind(each, cells) for name, each in resolved.items()}
    rows = store.set_scorers({**scorers, **judges})
    result = ScoreResult(run)
    code = code_scorers(scorers)
    # Whoever made a bundle allowed it on a machine of their own.
    allow_unsafe = loaded.spec.allow_unsafe_code and FROM_BUNDLE not in run.manifest()
    if any(count_without_score(store, rows[name]) for name in code):
        check_sandbox(allow_unsafe=allow_unsafe)
    if isinstance(human, Path):
        result.labels = keep_labels(run, store, human)
    elif human is not None:
        result.labels = keep_as_labels(run, human)
    if any(count_without_score(store, rows[name]) for name in judges):
        check_judges(loaded, scoring.judges.values(), limits)
        for each in more:
            each.check(limits)
        _question(loaded, store, judges, rows, approve)
    result.read, result.changed = reread_outdated(store)
    kept = [{"name": each.name, "row": rows[each.name], "entry": each.entry} for each in more]
    store.set_meta({ADDED: kept, "scorers": [(name, rows[name]) for name in scoring.columns]})
    surroundings = around(loaded.spec.name, limits, seed=loaded.spec.seed, max_age_s=max_age_s(loaded.spec))
    ran = run_missing(
        store,
        code,
        rows,
        allow_unsafe=allow_unsafe,
        may_interrupt=surroundings.may_interrupt,
        tell=surroundings.tell,
        watch=surroundings.watch,
    )
    for name, scorer in scorers.items():
        result.graded[name] = ran.graded[name] or grade_missing(store, {name: scorer}, rows)
    if ran.interrupted:
        result.judged.status = "interrupted"
        return result
    result.judged = judge_missing(run, store, judges, rows, surroundings)
    return result


def _question(
    loaded: Loaded,
    store: RunStore,
    judges: dict[str, BoundJudge],
    rows: dict[str, int],
    approve: Callable[[Estimate], None] | None,
) -> None:
    """Asks before more is spent than `limits.confirm_usd`, unless a budget keeps it below. UsageError where
    a judge's question cannot be asked of the first sample."""
    from promptlab.runs.estimating import Estimate

    limits = loaded.spec.limits
    bounded = limits.budget_usd is not None and limits.budget_usd <= limits.confirm_usd
    parts = []
    for name, bound in judges.items():
        first = next(without_score(store, rows[name]), None)
        if first is None:
            continue
        asked = bound.question(name, first[0])
        answers = count_without_score(store, rows[name])
        answer = AnswerType(loaded.spec.task.answer)
        parts.append(estimate_judge(name, bound, answers, asked, answer, limits_of(loaded.spec).rates))
    cost = Estimate((), tuple(parts))
    if approve is not None and not bounded and cost.known_usd.expected > limits.confirm_usd:
        approve(cost)


def _experiment(run: RunDirectory) -> Loaded:
    """The experiment as the run keeps it, its paths taken from the working directory."""
    path = run.path / EXPERIMENT
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(
            f"{path} cannot be read: {error}.", remedy="Run its experiment again: it is written then."
        ) from error
    return load_text(text, Path.cwd() / EXPERIMENT)


def _added(
    store: RunStore, loaded: Loaded, given: Sequence[str], known: Sequence[str], variants: Sequence[str]
) -> list[AddedScorer]:
    """What was added before and what is added now; a name given again replaces the earlier one."""
    entries = {each["name"]: each["entry"] for each in store.meta(ADDED) or [] if each["name"] not in known}
    now = add_scorers(loaded, [parse_scorer(text) for text in given], variants)
    names = [each.name for each in now]
    for each in now:
        if each.name in known or names.count(each.name) > 1:
            where = "the experiment" if each.name in known else "this command"
            raise UsageError(
                f"--scorer {each.name}: {where} has a scorer of that name already.",
                remedy="Give it another one: as=NAME.",
            )
        entries.pop(each.name, None)
    return [*add_scorers(loaded, list(entries.values()), variants), *now]
