"""Everything that an experiment file's text alone shows to be wrong, each with its place in the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from pydantic import BaseModel, ValidationError

from promptlab.basics.errors import ExperimentError, UsageError
from promptlab.datasets import AnswerType
from promptlab.experiment.explaining import explain_all
from promptlab.experiment.gates import check_gates
from promptlab.experiment.loading import Loaded, load_all
from promptlab.experiment.models import named_entries as named_models
from promptlab.experiment.models import resolve_embedding, resolve_models
from promptlab.experiment.names import default_names
from promptlab.experiment.scoring import resolve_scoring
from promptlab.experiment.unfolding import SCORER_KEYS, VARIANT_KEYS
from promptlab.experiment.variants import named_entries as named_variants
from promptlab.experiment.variants import resolve_variants
from promptlab.experiment.yaml_lines import Path_
from promptlab.scoring import default_scorers, scorers
from promptlab.techniques import techniques


def mistakes_in(text: str, path: Path) -> list[ExperimentError]:
    """The mistakes of a text that stands (or will stand) at `path`, none of them twice.

    Opens no data and calls nothing. A Python file that the text names is loaded: who does not allow that
    asks `own_code` first.
    """
    loaded = load_all(text, path)
    if isinstance(loaded, list):
        return loaded
    found = {(each.field, each.message): each for each in _mistakes(loaded)}
    return list(found.values())


def names_in(loaded: Loaded) -> dict[str, list[str]]:
    """What the experiment's variants, models, data sets and scorers are called, even if two share a name."""
    spec = loaded.spec
    given = spec.scorers
    columns = (
        [each.as_ or each.scorer for each in given]
        if given is not None
        else [str(each.get("as", each["scorer"])) for each in default_scorers(AnswerType(spec.task.answer))]
    )
    return {
        "variants": default_names(named_variants(spec)),
        "models": default_names(named_models(spec)),
        "datasets": [each.label for each in spec.datasets],
        "scorers": columns,
    }


def _mistakes(loaded: Loaded) -> Iterator[ExperimentError]:
    yield from _settings(loaded)
    names = names_in(loaded)
    cells = [
        (variant, model, dataset)
        for variant in names["variants"]
        for model in names["models"]
        for dataset in names["datasets"]
    ]
    columns = names["scorers"]

    def score() -> None:
        columns[:] = resolve_scoring(loaded, names["variants"]).columns

    checks: tuple[Callable[[], object], ...] = (
        lambda: resolve_variants(loaded),
        lambda: resolve_models(loaded),
        lambda: resolve_embedding(loaded),
        score,
        lambda: check_gates(loaded, cells, columns),
    )
    for check in checks:
        try:
            check()
        except ExperimentError as error:
            yield error


def _settings(loaded: Loaded) -> Iterator[ExperimentError]:
    """All that is wrong with the settings of techniques and scorers; an unknown name is told later."""
    for index, variant in enumerate(loaded.spec.variants):
        path: Path_ = ("variants", index)
        try:
            technique: type[BaseModel] = techniques.get(variant.technique, folder=loaded.folder)
            technique.model_validate(variant.settings, context={"folder": loaded.folder})
        except UsageError:
            continue
        except ValidationError as error:
            yield from explain_all(error, loaded.places, path, technique, {*VARIANT_KEYS, "matrix"})
    for index, each in enumerate(loaded.spec.scorers or ()):
        path = ("scorers", index)
        try:
            scorer: type[BaseModel] = scorers.get(each.scorer, folder=loaded.folder)
            scorer.model_validate(each.settings)
        except UsageError:
            continue
        except ValidationError as error:
            yield from explain_all(error, loaded.places, path, scorer, SCORER_KEYS)
