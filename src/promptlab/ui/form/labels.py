"""What a key of the experiment file is called on a form, and a value in one line."""

from __future__ import annotations

import json
from typing import Any

from promptlab.experiment.form import FormField
from promptlab.ui.form.words import EXPLAINED, labels
from promptlab.ui.language import language
from promptlab.ui.shown import escaped

MOST_SUMMARY_CHARS = 90


def label(field: FormField) -> str:
    """Its name in words and its key, for where Streamlit reads Markdown."""
    if field.key not in labels.texts:
        return escaped(field.key)
    if labels(field.key).lower().replace(" ", "_") == field.key:
        return labels(field.key)
    return f"{labels(field.key)} · {escaped(field.key)}"


def explained(field: FormField) -> str:
    """What its schema says of it, for where Streamlit reads Markdown; empty where it says nothing."""
    told = field.description
    return escaped(EXPLAINED.get(field.key, told) if told and language() == "zh" else told)


def in_short(value: Any, most: int = MOST_SUMMARY_CHARS) -> str:
    """A value in one line, for people: `count 4, select random`."""
    text = " ".join(_told(value, 0).split())
    return text if len(text) <= most else text[: most - 1] + "…"


def _told(value: Any, depth: int) -> str:
    """`depth` 0: the whole; what is inside of it stands in brackets."""
    if isinstance(value, dict):
        told = ", ".join(
            f"{key} {_told(each, depth + 1)}" if each not in (None, "") else str(key)
            for key, each in value.items()
        )
        return f"({told})" if depth else told
    if isinstance(value, list):
        if not depth:
            return "; ".join(_told(each, 0) for each in value)
        return f"[{', '.join(_told(each, depth) for each in value)}]"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
