"""DSPy's optimizers by our names for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from promptlab.optimizers.dspy.engine import load_dspy

if TYPE_CHECKING:
    from promptlab.optimizers.dspy_technique import DSPy

_NO_END = 10**9  # failed calls that a library forgives: ours end it


@dataclass(frozen=True)
class Given:
    """What an optimizer works on: the program, train and dev as DSPy has them, the metrics, who writes."""

    student: Any
    train: list[Any]
    dev: list[Any]
    metric: Callable[..., Any]
    feedback: Callable[..., Any]
    writer: Any
    threads: int


def optimized(settings: DSPy, given: Given) -> Any:
    """The program that DSPy's optimizer of that name makes of the student."""
    return _MAKERS[settings.optimizer](settings, given)


def _labeled(settings: DSPy, given: Given) -> Any:
    dspy = load_dspy()
    return dspy.LabeledFewShot(k=settings.labeled_demos).compile(given.student, trainset=given.train)


def _bootstrapped(settings: DSPy, given: Given) -> Any:
    dspy = load_dspy()
    made = dspy.BootstrapFewShot(metric=given.metric, max_errors=_NO_END, **_demos(settings))
    return made.compile(given.student, trainset=given.train)


def _random(settings: DSPy, given: Given) -> Any:
    dspy = load_dspy()
    made = dspy.BootstrapFewShotWithRandomSearch(
        metric=given.metric,
        num_candidate_programs=settings.candidates,
        num_threads=given.threads,
        max_errors=_NO_END,
        stop_at_score=100,
        **_demos(settings),
    )
    return made.compile(given.student, trainset=given.train, valset=given.dev)


def _mipro(settings: DSPy, given: Given) -> Any:
    dspy = load_dspy()
    seed = settings.search_seed
    made = dspy.MIPROv2(
        metric=given.metric,
        prompt_model=given.writer,
        task_model=dspy.settings.lm,
        auto=None,
        num_candidates=settings.candidates,
        num_threads=given.threads,
        max_errors=_NO_END,
        seed=seed,
        **_demos(settings),
    )
    return made.compile(
        given.student,
        trainset=given.train,
        valset=given.dev,
        num_trials=settings.trials,
        minibatch=False,
        seed=seed,
    )


def _gepa(settings: DSPy, given: Given) -> Any:
    dspy = load_dspy()
    made = dspy.GEPA(
        metric=given.feedback,
        max_metric_calls=settings.budget_calls,
        reflection_lm=given.writer,
        num_threads=given.threads,
        seed=settings.search_seed,
    )
    return made.compile(given.student, trainset=given.train, valset=given.dev)


def _copro(settings: DSPy, given: Given) -> Any:
    dspy = load_dspy()
    made = dspy.COPRO(prompt_model=given.writer, metric=given.metric, breadth=settings.candidates, depth=3)
    shown = {"num_threads": given.threads, "display_progress": False}
    return made.compile(given.student, trainset=given.dev, eval_kwargs=shown)


def _simba(settings: DSPy, given: Given) -> Any:
    dspy = load_dspy()
    made = dspy.SIMBA(
        metric=given.metric,
        bsize=min(32, len(given.train)),
        num_candidates=settings.candidates,
        max_steps=settings.trials,
        max_demos=settings.labeled_demos,
        prompt_model=given.writer,
        num_threads=1,
    )
    return made.compile(given.student, trainset=given.train, seed=settings.search_seed)


def _rules(settings: DSPy, given: Given) -> Any:
    dspy = load_dspy()
    made = dspy.InferRules(
        metric=given.metric,
        num_candidates=settings.candidates,
        num_threads=given.threads,
        max_errors=_NO_END,
        **_demos(settings),
    )
    return made.compile(given.student, trainset=given.train, valset=given.dev)


def _demos(settings: DSPy) -> dict[str, int]:
    return {
        "max_bootstrapped_demos": settings.bootstrapped_demos,
        "max_labeled_demos": settings.labeled_demos,
    }


_MAKERS: dict[str, Callable[[DSPy, Given], Any]] = {
    "labeled_few_shot": _labeled,
    "bootstrap_few_shot": _bootstrapped,
    "bootstrap_few_shot_with_random_search": _random,
    "mipro_v2": _mipro,
    "gepa": _gepa,
    "copro": _copro,
    "simba": _simba,
    "infer_rules": _rules,
}
