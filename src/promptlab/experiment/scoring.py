"""The scorers of an experiment file, and the family of comparisons they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from promptlab.basics.errors import UsageError
from promptlab.basics.registry import did_you_mean
from promptlab.datasets import AnswerType
from promptlab.experiment.explaining import explain
from promptlab.experiment.judges import ResolvedJudge, resolve_judge
from promptlab.experiment.loading import Loaded
from promptlab.experiment.spec import ScorerSpec
from promptlab.experiment.unfolding import SCORER_KEYS
from promptlab.experiment.yaml_lines import Path_
from promptlab.scoring import AnswerForm, Scorer, default_scorers, extracted_scorer, scorers, strict_scorer
from promptlab.scoring.code_tests import CodeTests
from promptlab.scoring.judging import Asks


@dataclass(frozen=True)
class Scoring:
    """Scorers by column name, the first the headline; what the comparison's family is built from.

    `strict` and `extracted` name the pair that tells format and ability apart; the one that the file does
    not ask for is added, since every verdict needs both. None where the target is no answer but its tests.
    `judges` are the scorers that ask a model; `columns` names all.
    """

    scorers: dict[str, Scorer]
    judges: dict[str, ResolvedJudge]
    columns: tuple[str, ...]
    shown: tuple[str, ...]
    strict: str | None
    extracted: str | None
    primary: str | None
    baseline: str | None
    min_effect: float


def resolve_scoring(loaded: Loaded, variants: list[str]) -> Scoring:
    """Every scorer of the file, built and checked against the answer type."""
    spec = loaded.spec
    answer = AnswerType(spec.task.answer)
    given = (
        spec.scorers if spec.scorers is not None else [ScorerSpec(**each) for each in default_scorers(answer)]
    )
    if not given:
        raise loaded.error(("scorers",), "the list is empty", remedy="Name one, or leave `scorers` out.")
    found = build_scorers(loaded, given)
    shown = tuple(found)
    strict = extracted = None
    if not any(isinstance(each, CodeTests) and each.tests is None for each in found.values()):
        strict = _companion(found, "exact_match", strict_scorer())
        extracted = _companion(found, "extracted", extracted_scorer(answer))
    if spec.primary is not None and spec.primary not in found:
        raise loaded.error(
            ("primary",), f"no scorer is named {spec.primary!r}", remedy=did_you_mean(spec.primary, found)
        )
    if spec.baseline is not None and spec.baseline not in variants:
        made = [name for each in loaded.unfolded if each.stem == spec.baseline for name in each.names]
        raise loaded.error(
            ("baseline",),
            f"no variant is named {spec.baseline!r}",
            remedy=f"The matrix makes {len(made):,} of it: name one, {made[0]!r} for example."
            if made
            else did_you_mean(spec.baseline, variants),
        )
    plain, judges = split_judges(loaded, found, variants)
    return Scoring(
        plain, judges, tuple(found), shown, strict, extracted, spec.primary, spec.baseline, spec.min_effect
    )


def build_scorers(loaded: Loaded, given: Sequence[ScorerSpec]) -> dict[str, Scorer]:
    """Each scorer by its column's name, built and checked. ExperimentError, also for two of one name."""
    answer = AnswerType(loaded.spec.task.answer)
    found: dict[str, Scorer] = {}
    for index, each in enumerate(given):
        name = each.as_ or each.scorer
        if name in found:
            raise loaded.error(
                ("scorers", index), f"two scorers are named {name!r}", remedy="Add `as: NAME`."
            )
        built = found[name] = _build(loaded, each, ("scorers", index), answer)
        if isinstance(built, CodeTests) and built.k > loaded.spec.repeats:
            raise loaded.error(
                ("scorers", index, "k"),
                f"pass@{built.k} needs {built.k} repeats, and there are {loaded.spec.repeats}",
                remedy=f"Set `repeats: {built.k}` or more, with a temperature above 0.",
            )
    return found


def split_judges(
    loaded: Loaded, found: Mapping[str, Scorer], variants: Sequence[str]
) -> tuple[dict[str, Scorer], dict[str, ResolvedJudge]]:
    """Those that grade an answer by itself, and the judges with their models."""
    plain = {name: each for name, each in found.items() if not isinstance(each, Asks)}
    judges = {
        name: resolve_judge(loaded, each, ("scorers", index), variants)
        for index, (name, each) in enumerate(found.items())
        if isinstance(each, Asks)
    }
    return plain, judges


def _build(loaded: Loaded, each: ScorerSpec, path: Path_, answer: AnswerType) -> Scorer:
    try:
        cls = scorers.get(each.scorer, folder=loaded.folder)
        built = cls.model_validate(each.settings)
        built.check(AnswerForm(answer, tuple(loaded.spec.task.labels or ())))
    except UsageError as error:
        raise loaded.error(path, error.message.rstrip("."), remedy=error.remedy) from error
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        raise explain(detail, loaded.places, path, cls, SCORER_KEYS) from None
    return built


def _companion(found: dict[str, Scorer], name: str, wanted: Scorer) -> str:
    """The column that already holds `wanted`, else a new one under `name`."""
    for known, scorer in found.items():
        if scorer == wanted:
            return known
    while name in found:
        name += "_"
    found[name] = wanted
    return name
