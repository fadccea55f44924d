"""Every text of the workbench stands in both languages, with the same fields."""

from __future__ import annotations

import importlib
import pkgutil
import string
from collections.abc import Iterator

import pytest

import promptlab.ui
from promptlab.experiment.form import FormField, Registered, experiment_fields, names_of, settings_of
from promptlab.ui.form.words import EXPLAINED, labels
from promptlab.ui.language import Texts
from promptlab.ui.streamlit_words import WORDS


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


def form_fields() -> Iterator[FormField]:
    """All of every form, to any depth."""
    registries: tuple[Registered, ...] = ("technique", "scorer", "source")
    settings = (each for kind in registries for name in names_of(kind) for each in settings_of(kind, name))
    waiting = [*experiment_fields().values(), *settings]
    while waiting:
        field = waiting.pop()
        yield field
        waiting += [*field.fields, *field.forms, *([field.item] if field.item else [])]


def test_every_field_of_a_form_has_a_name_and_what_is_said_of_it_in_chinese() -> None:
    # Parts of the file, which have headings of their own.
    parts = {"", "datasets", "matrix", "scorers", "task", "variants"}
    found = list(form_fields())
    assert {field.key for field in found} - labels.texts.keys() <= parts
    assert {field.key for field in found if field.description} - {""} == EXPLAINED.keys()


@pytest.mark.parametrize("place", WORDS)
def test_streamlits_words_can_be_exchanged_back(place: str) -> None:
    words = WORDS[place]
    assert len(set(words.values())) == len(words), "one Chinese word stands for one English word"
    assert all(english.count("{}") == chinese.count("{}") for english, chinese in words.items())
