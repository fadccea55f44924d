"""The judges of an experiment file: their models resolved, their opponents checked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from promptlab.basics.registry import did_you_mean
from promptlab.experiment.explaining import explain
from promptlab.experiment.loading import Loaded
from promptlab.experiment.models import check_model_key, check_model_price, resolve_model, resolve_models
from promptlab.experiment.spec import ModelSpec
from promptlab.experiment.yaml_lines import Path_
from promptlab.models import Limits, Model
from promptlab.scoring.judging import Asks


@dataclass(frozen=True)
class ResolvedJudge:
    """A judge with its model. `against` is the opponent of a pairwise one; `path` its place in the file."""

    judge: Asks
    model: Model
    against: str | None
    key_env: str | None
    path: Path_


def resolve_judge(loaded: Loaded, judge: Asks, path: Path_, variants: Sequence[str]) -> ResolvedJudge:
    """ExperimentError for an unknown model or opponent. Calls nothing and reads no key."""
    model, key_env = _model(loaded, judge, (*path, "model"))
    return ResolvedJudge(judge, model, _against(loaded, judge, path, variants), key_env, path)


def check_judges(loaded: Loaded, judges: Iterable[ResolvedJudge], limits: Limits) -> None:
    """ExperimentError for a judge without a key, or without a price that a budget needs."""
    for each in judges:
        check_model_key(loaded, each.model, each.key_env, each.path)
        check_model_price(loaded, each.model, limits, each.path)


def _model(loaded: Loaded, judge: Asks, path: Path_) -> tuple[Model, str | None]:
    given = judge.model
    if isinstance(given, str):
        known = resolve_models(loaded)
        for index, each in enumerate(known):
            if given in (each.name, each.id):
                return each, loaded.spec.models[index].api_key_env
        if "/" not in given:
            names = [each.name for each in known]
            raise loaded.error(
                path,
                f"{given!r} is none of the experiment's models and no model id",
                remedy=f"{did_you_mean(given, names)} Or give a full entry: `model: {{id: openai/…}}`.",
            )
        spec = ModelSpec(id=given)
    else:
        try:
            spec = ModelSpec.model_validate(given)
        except ValidationError as error:
            detail = error.errors(include_url=False)[0]
            raise explain(detail, loaded.places, path, ModelSpec) from None
    return resolve_model(loaded, spec, spec.name or spec.id, path), spec.api_key_env


def _against(loaded: Loaded, judge: Asks, path: Path_, variants: Sequence[str]) -> str | None:
    if not judge.pairwise:
        return None
    place = (*path, "against")
    if len(variants) < 2:
        raise loaded.error(path, "a pairwise judge needs a second variant", remedy="Use `kind: rubric`.")
    against = judge.against or loaded.spec.baseline or variants[0]
    if against not in variants:
        raise loaded.error(place, f"no variant is named {against!r}", remedy=did_you_mean(against, variants))
    return against
