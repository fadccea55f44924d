"""Everything that an experiment file's text alone shows to be wrong, each with its place in the file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from promptlab.basics.errors import ExperimentError, UsageError
from promptlab.basics.registry import Registry
from promptlab.datasets import AnswerType
from promptlab.experiment.explaining import Places, explain_all
from promptlab.experiment.gates import check_gates
from promptlab.experiment.loading import Loaded, load_all
from promptlab.experiment.models import named_entries as named_models
from promptlab.experiment.models import resolve_embedding, resolve_models
from promptlab.experiment.names import default_names
from promptlab.experiment.scoring import resolve_scoring
from promptlab.experiment.unfolding import SCORER_KEYS, VARIANT_KEYS
from promptlab.experiment.variants import named_entries as named_variants
from promptlab.experiment.variants import resolve_variants
from promptlab.experiment.yaml_lines import Document, Path_
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


def mistakes_of_settings(
    technique: str, settings: Mapping[str, Any], document: Document, path: Path_, folder: Path
) -> list[ExperimentError]:
    """What is wrong with a technique's settings, which stand at `path` of the document."""
    return _wrong_settings(techniques, technique, settings, Places(document), path, folder, {"technique"})


def _settings(loaded: Loaded) -> Iterator[ExperimentError]:
    """All that is wrong with the settings of techniques and scorers; an unknown name is told later."""
    places, folder = loaded.places, loaded.folder
    for index, each in enumerate(loaded.spec.variants):
        path: Path_ = ("variants", index)
        also = {*VARIANT_KEYS, "matrix"}
        yield from _wrong_settings(techniques, each.technique, each.settings, places, path, folder, also)
    for index, graded in enumerate(loaded.spec.scorers or ()):
        path = ("scorers", index)
        yield from _wrong_settings(scorers, graded.scorer, graded.settings, places, path, folder, SCORER_KEYS)


def _wrong_settings(
    registry: Registry[Any],
    name: str,
    settings: Mapping[str, Any],
    places: Places,
    path: Path_,
    folder: Path,
    also: Iterable[str],
) -> list[ExperimentError]:
    try:
        found: type[BaseModel] = registry.get(name, folder=folder)
        found.model_validate(dict(settings), context={"folder": folder})
    except UsageError:
        return []
    except ValidationError as error:
        return explain_all(error, places, path, found, also)
    return []
