"""Scorers that are added to a stored run: `NAME`, `NAME:key=value,…`, or a YAML mapping."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from promptlab.basics.errors import ExperimentError, UsageError
from promptlab.experiment.explaining import Places, explain
from promptlab.experiment.judges import ResolvedJudge, check_judges
from promptlab.experiment.loading import Loaded
from promptlab.experiment.scoring import build_scorers, split_judges
from promptlab.experiment.spec import ScorerSpec
from promptlab.experiment.unfolding import unfold_scorer
from promptlab.experiment.yaml_lines import Document, parse_document
from promptlab.models import Limits
from promptlab.scoring import Scorer

_SHORT = re.compile(r"(?P<name>[^:{}]+\.py:\w+|[^:{}]+)(?::(?P<settings>.*))?", re.DOTALL)
_NEXT_SETTING = re.compile(r",\s*(?=\w+=)")


@dataclass(frozen=True)
class AddedScorer:
    """One scorer beside those of the file. `entry` is how the file would say it; `judge` where it is one."""

    name: str
    entry: dict[str, Any]
    scorer: Scorer
    judge: ResolvedJudge | None
    loaded: Loaded

    def check(self, limits: Limits) -> None:
        """UsageError for a judge without a key, or without a price that a budget needs."""
        if self.judge is not None:
            try:
                check_judges(self.loaded, [self.judge], limits)
            except ExperimentError as error:
                raise _told(self.name, error) from error


def parse_scorer(text: str) -> dict[str, Any]:
    """The entry that `text` stands for. UsageError where it is none."""
    shown = f"--scorer {text!r}"
    if text.lstrip().startswith("{"):
        entry = _yaml(text, shown)
    else:
        match = _SHORT.fullmatch(text.strip())
        if match is None:
            raise UsageError(
                f"{shown} names no scorer.",
                remedy="Write NAME, NAME:key=value,key=value or {scorer: NAME, …}.",
            )
        entry = {**_settings(match["settings"] or "", shown), "scorer": match["name"].strip()}
    if not isinstance(entry, dict) or not isinstance(entry.get("scorer"), str):
        raise UsageError(f"{shown} has no `scorer:`.", remedy="Write {scorer: NAME, key: value}.")
    return entry


def add_scorers(
    loaded: Loaded, entries: Sequence[Mapping[str, Any]], variants: Sequence[str]
) -> list[AddedScorer]:
    """The entries, built and checked against the experiment they are added to. UsageError."""
    found = []
    for entry in entries:
        name = str(entry.get("as") or entry["scorer"])
        alone = replace(loaded, places=Places(Document("", "", {}, {})))
        try:
            path = ("scorers", 0)
            try:
                spec = ScorerSpec.model_validate(unfold_scorer(dict(entry), alone.places, path))
            except ValidationError as error:
                detail = error.errors(include_url=False)[0]
                raise explain(detail, alone.places, path, ScorerSpec) from None
            built = build_scorers(alone, [spec])
            _, judges = split_judges(alone, built, variants)
        except ExperimentError as error:
            raise _told(name, error) from error
        found.append(AddedScorer(name, dict(entry), built[name], judges.get(name), alone))
    return found


def _told(name: str, error: ExperimentError) -> UsageError:
    """The error at the flag, which has no lines."""
    field = re.sub(r"^scorers\.0\.?", "", error.field)
    got = "" if error.value is None else f" (got {error.value!r})"
    where = f"--scorer {name}: {f'{field}: ' if field else ''}"
    return UsageError(f"{where}{error.message}{got}.", remedy=error.remedy)


def _settings(text: str, shown: str) -> dict[str, Any]:
    if text.lstrip().startswith("{"):
        settings = _yaml(text, shown)
        return settings if isinstance(settings, dict) else {}
    found = {}
    for part in _NEXT_SETTING.split(text) if text.strip() else ():
        key, equals, value = part.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"{shown}: {part!r} is no setting.", remedy="Write key=value, or {key: value}.")
        found[key.strip()] = _value(value.strip())
    return found


def _value(text: str) -> Any:
    """As YAML reads it; plain text stays text, also where it holds a colon."""
    try:
        value = parse_document(text, "").value
    except ExperimentError:
        return text
    return text if isinstance(value, dict) and not text.startswith("{") else value


def _yaml(text: str, shown: str) -> Any:
    try:
        return parse_document(text, shown).value
    except ExperimentError as error:
        raise UsageError(f"{shown}: {error.message}.", remedy=error.remedy) from error
