"""Changing one value in an experiment file, as text: everything else stays, comments and layout included.

The form and the YAML are two views of one text. An edit replaces, adds or removes exactly the characters of
what was edited. What comes out is read again: where it does not say what was meant, the whole file is written
by ruamel's round trip instead, which keeps comments too; where that cannot say it, nothing is changed.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Callable, Sequence
from typing import Any

from promptlab.basics.errors import ExperimentError
from promptlab.experiment.short_forms import long_form, value_at
from promptlab.experiment.splicing import Splicer
from promptlab.experiment.yaml_lines import Path_, dotted, parse_document
from promptlab.experiment.yaml_writing import LINE_CHARS

_FILE = "the experiment"
_MISSING = object()


def set_value(text: str, path: Path_, value: Any) -> str:
    """`text` with that value at that place of the file; keys on the way that are not there are added.

    A value that stands there already changes nothing, and of a list or mapping only what differs is
    written. A short form on the way (`- zero_shot`) becomes the long one. In a list, an index after its last
    entry appends. ExperimentError where the text is no YAML, or the place is shared by an alias.
    """
    try:
        old = value_at(parse_document(text, _FILE).value, path)
    except LookupError:
        old = _MISSING
    if old is not _MISSING and repr(old) == repr(value):
        return text
    if isinstance(old, dict) and isinstance(value, dict) and old and value:
        for key in old.keys() - value.keys():
            text = remove_value(text, (*path, key))
        for key, each in value.items():
            text = set_value(text, (*path, key), each)
        return text
    if isinstance(old, list) and isinstance(value, list) and old and value:
        return _set_list(text, path, old, value)
    return checked_edit(
        text, path, lambda splicer: splicer.set(path, value), lambda whole: _put(whole, path, value)
    )


def remove_value(text: str, path: Path_) -> str:
    """`text` without that key or entry; as it was where there is none."""
    try:
        value_at(parse_document(text, _FILE).value, path)
    except LookupError:
        return text
    return checked_edit(text, path, lambda splicer: splicer.remove(path), lambda whole: _take(whole, path))


def insert_value(text: str, path: Path_, value: Any) -> str:
    """`text` with one more entry of a list before the one at `path`; an index after the last appends."""
    entries = value_at(parse_document(text, _FILE).value, path[:-1])
    if path[-1] == len(entries):
        return set_value(text, path, value)

    def change(whole: Any) -> Any:
        value_at(whole, path[:-1]).insert(path[-1], value)
        return whole

    return checked_edit(text, path, lambda splicer: splicer.insert(path, value), change)


def move_value(text: str, path: Path_, to: int) -> str:
    """`text` with that entry of a list at the index `to`. The comments right above an entry go with it."""
    at = int(path[-1])
    while at != to:
        text = _with_next(text, (*path[:-1], at if to > at else at - 1))
        at += 1 if to > at else -1
    return text


def rename_key(text: str, path: Path_, name: str) -> str:
    """`text` with another name for the last key of `path`, in its place. ExperimentError for one there is."""
    owner = value_at(parse_document(text, _FILE).value, path[:-1])
    if name == path[-1]:
        return text
    if name in owner:
        raise ExperimentError(f"{name!r} is there already", field=dotted(path))
    return checked_edit(
        text, path, lambda splicer: splicer.rename(path, name), lambda whole: _renamed(whole, path, name)
    )


def make_list(text: str, key: str, plural: str) -> str:
    """`dataset: X` as `datasets: [X]`: the value of a key of the file becomes the first entry of a list."""

    def change(whole: Any) -> Any:
        whole[plural] = [whole.pop(key)]
        return whole

    return checked_edit(text, (key,), lambda splicer: splicer.listed(key, plural), change)


def checked_edit(
    text: str, path: Path_, splice: Callable[[Splicer], str], change: Callable[[Any], Any]
) -> str:
    """What `splice` makes of the text, if it reads as what `change` makes of its value; else ruamel's way.

    ExperimentError where neither can say it.
    """
    meant = change(copy.deepcopy(parse_document(text, _FILE).value))
    attempts: list[Callable[[], str]] = [lambda: splice(Splicer(text)), lambda: _rewritten(text, change)]
    for attempt in attempts:
        try:
            found = attempt()
            if parse_document(found, _FILE).value == meant:
                return found
        except (ExperimentError, LookupError, ValueError, TypeError, StopIteration):
            continue
    raise ExperimentError(
        "this cannot be changed here without changing something else",
        field=dotted(path),
        remedy="Change it in the YAML; an anchor (&) or a merged value may be shared by several places.",
    )


def _with_next(text: str, path: Path_) -> str:
    """That entry of a list and the one behind it have changed places."""

    def change(whole: Any) -> Any:
        entries, at = value_at(whole, path[:-1]), int(path[-1])
        entries.insert(at, entries.pop(at + 1))
        return whole

    return checked_edit(text, path, lambda splicer: splicer.swap(path), change)


def _set_list(text: str, path: Path_, old: Sequence[Any], new: Sequence[Any]) -> str:
    """Entry by entry, so that those which stay keep their comments."""
    start = next(
        (at for at, (a, b) in enumerate(zip(old, new, strict=False)) if repr(a) != repr(b)),
        min(len(old), len(new)),
    )
    most = min(len(old), len(new)) - start
    same_end = next(
        (n for n in range(most) if repr(old[-1 - n]) != repr(new[-1 - n])),
        most,
    )
    both = most - same_end
    for at in range(len(old) - same_end - 1, start + both - 1, -1):
        text = remove_value(text, (*path, at))
    for at in range(start, start + both):
        text = set_value(text, (*path, at), new[at])
    for at in range(start + both, len(new) - same_end):
        text = insert_value(text, (*path, at), new[at])
    return text


def _rewritten(text: str, change: Callable[[Any], Any]) -> str:
    from ruamel.yaml import YAML

    yaml = YAML(typ="rt", pure=True)
    yaml.preserve_quotes = True
    yaml.width = LINE_CHARS
    out = io.StringIO()
    yaml.dump(change(yaml.load(text)), out)
    return out.getvalue()


def _put(value: Any, path: Path_, new: Any, at: Path_ = ()) -> Any:
    """The value with the change, for comparison; a ruamel round-trip value keeps its comments."""
    if not path:
        return new
    value = long_form(value, at)
    part = path[0]
    if isinstance(part, int):
        value = [] if value is None else value
        if part == len(value):
            value.append(_put(None, path[1:], new, (*at, part)))
        else:
            value[part] = _put(value[part], path[1:], new, (*at, part))
        return value
    value = {} if value is None else value
    value[part] = _put(value.get(part), path[1:], new, (*at, part))
    return value


def _take(value: Any, path: Path_, at: Path_ = ()) -> Any:
    value = long_form(value, at)
    if len(path) == 1:
        del value[path[0]]
        return value
    value[path[0]] = _take(value[path[0]], path[1:], (*at, path[0]))
    return value


def _renamed(value: Any, path: Path_, name: str) -> Any:
    owner = value_at(value, path[:-1])
    items = [(name if key == path[-1] else key, each) for key, each in owner.items()]
    owner.clear()
    owner.update(items)
    return value
