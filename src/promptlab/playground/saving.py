"""What was tried by hand, as an experiment: a file of its own, or one more variant in one that is there."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from promptlab.basics.errors import UsageError
from promptlab.basics.files import write_atomically
from promptlab.datasets import AnswerType
from promptlab.experiment import Loaded, load_text
from promptlab.playground.candidates import PLAIN, ModelChoice
from promptlab.playground.prompt import Prompt
from promptlab.playground.rows import RowSource

_WIDTH = 4096  # lines are not broken: a prompt stays as it was written
_NAME = re.compile(r"[^\w.-]+")


@dataclass(frozen=True)
class Draft:
    """An experiment as the playground stands: its prompt, data, models and (technique, settings) pairs."""

    name: str
    prompt: Prompt
    source: RowSource
    models: Sequence[tuple[ModelChoice, Mapping[str, Any]]]
    techniques: Sequence[tuple[str, Mapping[str, Any]]]
    limits: Mapping[str, Any] = field(default_factory=dict)


def file_name(name: str) -> str:
    """The file's name for an experiment's."""
    return f"{_NAME.sub('_', name).strip('_.') or 'experiment'}.yaml"


def experiment_text(draft: Draft, folder: Path) -> str:
    """The YAML of an experiment in `folder`, checked as far as the file alone allows. ExperimentError."""
    prompt = draft.prompt
    task: dict[str, Any] = {"system": prompt.system} if prompt.system.strip() else {}
    task["prompt"] = prompt.prompt
    task["answer"] = prompt.answer.value
    if prompt.labels and prompt.answer is AnswerType.LABEL:
        task["labels"] = list(prompt.labels)
    if prompt.instruction:
        task["answer_instruction"] = prompt.instruction
    value: dict[str, Any] = {
        "name": draft.name,
        "datasets": [draft.source.entry_at(folder)],
        "task": task,
        "models": [_model_entry(choice, sampling) for choice, sampling in draft.models],
        "variants": [_technique_entry(name, settings) for name, settings in draft.techniques],
        "seed": draft.source.seed,
    }
    if draft.limits:
        value["limits"] = dict(draft.limits)
    text = "# Written from what was tried by hand.\n" + _dumped(value)
    load_text(text, folder / file_name(draft.name))
    return text


def variant_entry(
    name: str, prompt: Prompt, technique: str, settings: Mapping[str, Any], loaded: Loaded
) -> dict[str, Any]:
    """An entry under `variants:` of that experiment: the technique, and what the prompt says otherwise."""
    task = loaded.spec.task
    entry: dict[str, Any] = {"name": name, "technique": technique, **settings}
    if prompt.system != (task.system or ""):
        entry["system"] = prompt.system
    if prompt.prompt != task.prompt:
        entry["prompt"] = prompt.prompt
    if prompt.instruction != task.answer_instruction:
        entry["answer_instruction"] = prompt.instruction
    return entry


def add_variant(text: str, entry: Mapping[str, Any], path: Path) -> str:
    """The file's text with one more variant; nothing else in it changes, comments and layout included.

    Raises ExperimentError where the file, or the file with it, is no experiment (a name that is taken).
    """
    from ruamel.yaml import YAML

    loaded = load_text(text, path)
    root = YAML(typ="safe", pure=True).compose(text)
    node = next(value for key, value in root.value if key.value == "variants")
    if node.flow_style:
        end = node.end_mark.index - 1  # before the bracket
        before = text[:end].rstrip()
        comma = " " if before.endswith(",") else ", " if node.value else ""
        changed = before + comma + _flow(entry) + text[len(before) :].lstrip(" ")
    else:
        dash = text.rfind("-", 0, node.value[0].start_mark.index)
        indent = " " * (dash - text.rfind("\n", 0, dash) - 1)
        end = text.find("\n", _last(node.value[-1]).index - 1)
        end = len(text) if end < 0 else end
        block = _dumped([dict(entry)]).rstrip("\n").replace("\n", f"\n{indent}")
        changed = f"{text[:end]}\n{indent}{block}{text[end:] or chr(10)}"
    added = load_text(changed, path)
    if len(added.spec.variants) <= len(loaded.spec.variants):
        raise UsageError(f"{path}: the variant was not added.", remedy="Add it to the file by hand.")
    _check_names(added)
    return changed


def save(path: Path, text: str, *, over: bool = False) -> None:
    """Writes an experiment file. UsageError where one is there and `over` is not said."""
    if path.exists() and not over:
        raise UsageError(f"{path} is there already.", remedy="Give the experiment another name.")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text.encode())


def _check_names(loaded: Loaded) -> None:
    from promptlab.experiment.variants import resolve_variants

    resolve_variants(loaded)


def _model_entry(choice: ModelChoice, sampling: Mapping[str, Any]) -> Any:
    entry = {**choice.entry, **sampling}
    if choice.label != entry["id"] and "name" not in entry:
        entry = {"name": choice.label, **entry}
    return entry["id"] if len(entry) == 1 else entry


def _technique_entry(name: str, settings: Mapping[str, Any]) -> Any:
    return {"technique": name, **settings} if settings or name != PLAIN else PLAIN


def _last(node: Any) -> Any:
    """Where a node's last value ends: the end mark of a block stands only after what follows it."""
    if isinstance(node.value, str) or node.flow_style:
        return node.end_mark
    last = node.value[-1]
    return _last(last[1] if isinstance(last, tuple) else last)


def _dumped(value: Any) -> str:
    from ruamel.yaml import YAML

    yaml = YAML(typ="rt", pure=True)
    yaml.width = _WIDTH
    yaml.allow_unicode = True
    if not isinstance(value, list):
        yaml.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    yaml.dump(_readable(value), stream)
    return stream.getvalue()


def _flow(value: Any) -> str:
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe", pure=True)
    yaml.width = _WIDTH
    yaml.allow_unicode = True
    yaml.default_flow_style = True
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    stream = io.StringIO()
    yaml.dump(dict(value), stream)
    return stream.getvalue().strip()


def _readable(value: Any) -> Any:
    """Texts of several lines as blocks, where YAML can hold them so."""
    from ruamel.yaml.scalarstring import LiteralScalarString

    if isinstance(value, Mapping):
        return {key: _readable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_readable(each) for each in value]
    if isinstance(value, str) and "\n" in value and not re.search(r"[ \t]\n|\r|^\s|[^\S\n]$", value):
        return LiteralScalarString(value)
    return value
