"""Every text of the workbench stands in both languages, with the same fields."""

from __future__ import annotations

import importlib
import pkgutil
import string
from collections.abc import Iterator

import pytest

import promptlab.ui
from promptlab.ui.language import Texts


def all_texts() -> Iterator[tuple[str, tuple[str, str]]]:
    for module in pkgutil.walk_packages(promptlab.ui.__path__, "promptlab.ui."):
        if module.name == "promptlab.ui.app":  # the script: it shows a page when it is imported
            continue
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, Texts):
                yield from ((f"{module.name}: {name}", pair) for name, pair in value.texts.items())


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize(("name", "pair"), list(dict(all_texts()).items()))
def test_a_text_says_the_same_fields_in_both_languages(name: str, pair: tuple[str, str]) -> None:
    english, chinese = pair
    assert english.strip(), name
    assert chinese.strip(), name
    assert fields(english) == fields(chinese), name
