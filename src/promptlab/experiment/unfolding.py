"""Short forms of the experiment file to long ones, and the matrix to its entries."""

from __future__ import annotations

from typing import Any

from promptlab.experiment.explaining import Places
from promptlab.experiment.matrix import Unfolded, unfold_matrix
from promptlab.experiment.spec import NOT_BUILT_SOURCES, VariantSpec
from promptlab.experiment.yaml_lines import Path_

VARIANT_KEYS = frozenset(VariantSpec.model_fields) - {"settings"}
SCORER_KEYS = frozenset({"scorer", "as"})
_SECRET_KEYS = ("api_key", "apikey", "key", "token", "secret", "password", "authorization")


def unfold(value: dict[str, Any], places: Places) -> tuple[dict[str, Any], tuple[Unfolded, ...]]:
    """The experiment in long form, and what its matrix made of which entry. `places` learns what moved."""
    return _Unfolder(places).unfold(value)


def unfold_scorer(item: Any, places: Places, path: Path_) -> Any:
    """One scorer's entry in long form; it may stand outside of a file."""
    return _Unfolder(places).scorer(item, path)


class _Unfolder:
    """Short forms to long ones; what only looks like an experiment is refused here."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._wrong = places.error

    def unfold(self, value: dict[str, Any]) -> tuple[dict[str, Any], tuple[Unfolded, ...]]:
        result = dict(value)
        if isinstance(varied := result.get("vary"), list) and "optimizer_seed" in varied:
            raise self._wrong(
                ("vary", varied.index("optimizer_seed")),
                "'optimizer_seed' is planned but not built yet",
                remedy="Vary completion, demos or order.",
            )
        if "dataset" in result:
            if "datasets" in result:
                raise self._wrong(
                    ("dataset",), "`dataset` and `datasets` both stand here", remedy="Keep one."
                )
            result["datasets"] = [result.pop("dataset")]
            self._places.moved[("datasets", 0)] = ("dataset",)
            self._places.moved[("datasets",)] = ("dataset",)
        unfolded = unfold_matrix(result, self._places)
        self._each(result, "datasets", self._dataset)
        self._each(result, "models", self._model)
        self._each(result, "variants", self._variant)
        self._each(result, "scorers", self.scorer)
        if "embedding" in result:
            result["embedding"] = self._model(result["embedding"], ("embedding",))
        if isinstance(result.get("task"), str):
            result["task"] = {"prompt": result["task"]}
        return result, unfolded

    def _each(self, result: dict[str, Any], key: str, unfold: Any) -> None:
        items = result.get(key)
        if isinstance(items, list):
            result[key] = [unfold(item, (key, index)) for index, item in enumerate(items)]
        elif items is not None and key in result:
            if not isinstance(items, (str, dict)):
                return  # the type error names it better
            raise self._wrong(
                (key,), "this must be a list", value=items, remedy="Put `- ` before each entry."
            )

    def _dataset(self, item: Any, path: Path_) -> Any:
        if isinstance(item, str):
            raise self._wrong(
                path, "presets are not built yet", value=item, remedy="Write `path: FILE` (jsonl, csv, ...)."
            )
        if isinstance(item, dict):
            for key in item:
                if key in NOT_BUILT_SOURCES:
                    raise self._wrong(
                        (*path, key), "this source is not built yet", remedy="Use `path: FILE`."
                    )
        return item

    def _model(self, item: Any, path: Path_) -> Any:
        if isinstance(item, str):
            return {"id": item}
        if not isinstance(item, dict):
            return item
        for key in item:
            if key.lower() in _SECRET_KEYS:
                raise self._wrong(
                    (*path, key),
                    "a key never stands in the file",
                    remedy="Put it into an environment variable or .env and name it: `api_key_env: MY_KEY`.",
                )
        for name, text in (
            (item.get("headers") or {}).items() if isinstance(item.get("headers"), dict) else ()
        ):
            if name.lower() in ("authorization", "x-api-key", "api-key") and "${" not in str(text):
                raise self._wrong(
                    (*path, "headers", name),
                    "a key never stands in the file",
                    remedy="Write `${MY_KEY}` and set that variable, or use `api_key_env`.",
                )
        return item

    def _variant(self, item: Any, path: Path_) -> Any:
        if isinstance(item, str):
            return {"technique": item}
        if not isinstance(item, dict):
            return item
        return _settings_apart(item, VARIANT_KEYS)

    def scorer(self, item: Any, path: Path_) -> Any:
        if isinstance(item, str):
            return {"scorer": item}
        if not isinstance(item, dict):
            return item
        if isinstance(item.get("model"), dict):  # a judge's
            item = {**item, "model": self._model(item["model"], (*path, "model"))}
        return _settings_apart(item, SCORER_KEYS)


def _settings_apart(item: dict[str, Any], keys: frozenset[str]) -> dict[str, Any]:
    """What is not one of `keys` belongs to the technique or the scorer."""
    settings = {key: item[key] for key in item if key not in keys}
    return {**{key: item[key] for key in item if key in keys}, "settings": settings}
