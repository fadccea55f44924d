"""Short forms of an experiment file: one value for a mapping, as `zero_shot` for its technique."""

from __future__ import annotations

from typing import Any

from promptlab.experiment.yaml_lines import Path_, dotted

# By the list in which an entry stands, by a key of the whole file, and by a key at any other place.
_ENTRIES = {"models": "id", "variants": "technique", "scorers": "scorer", "members": "technique"}
_OF_THE_FILE = {"embedding": "id", "task": "prompt"}
_BELOW: dict[str, tuple[type, str]] = {
    "demos": (int, "count"),
    "split": (str, "column"),
    "generate": (str, "source"),
    "inner": (str, "technique"),
    "context": (str, "technique"),
}


def main_key(value: Any, path: Path_) -> str | None:
    """The key for which a single value stands at that place of the file; None where it is no short form."""
    if not path or isinstance(value, (bool, dict, list)) or value is None:
        return None
    last = path[-1]
    if len(path) == 1:
        return _OF_THE_FILE.get(str(last)) if isinstance(value, str) else None
    of_a_list = path[-2] == "members" or (len(path) == 2 and path[-2] in _ENTRIES)
    if isinstance(last, int) and of_a_list and isinstance(value, str):
        return _ENTRIES[str(path[-2])]
    if len(path) > 2 and path[-3] == "matrix":  # the values of an axis stand for those of its field
        last = str(path[-2]).rpartition(".")[2]
    kind, key = _BELOW.get(str(last), (type(None), None))
    return key if isinstance(value, kind) else None


def long_form(value: Any, path: Path_) -> Any:
    """The mapping for which `value` stands; `value` itself where it is none of the short forms."""
    key = main_key(value, path)
    return value if key is None else {key: value}


def value_at(value: Any, path: Path_) -> Any:
    """What stands there in a file's value, through short forms too. LookupError: nothing."""
    for depth, part in enumerate(path):
        value = long_form(value, path[:depth])
        try:
            value = value[part]
        except (LookupError, TypeError):
            raise LookupError(dotted(path[: depth + 1])) from None
    return value
