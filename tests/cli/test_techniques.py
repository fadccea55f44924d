"""`promptlab techniques`: every technique says what it does, and its entry for the file works."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from promptlab.basics.json_text import json_text
from promptlab.cli.techniques import techniques as command
from promptlab.cli.techniques_page import page
from promptlab.experiment.unfolding import VARIANT_KEYS
from promptlab.optimizers import Artifact, Program
from promptlab.techniques import Technique, techniques

DOCS = Path(__file__).resolve().parents[2] / "docs" / "techniques.md"
BUILT_IN = [name for name, cls in techniques if cls.__module__.startswith("promptlab.")]


def shown(*args: str) -> str:
    done = CliRunner().invoke(command, list(args), catch_exceptions=False)
    return done.output


def test_the_page_of_techniques_is_what_the_code_says() -> None:
    assert DOCS.read_text(encoding="utf-8") == page(), (
        "run: promptlab techniques --markdown > docs/techniques.md"
    )


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_technique_says_source_calls_records_and_limits(name: str) -> None:
    cls = techniques.get(name)
    text = inspect.getdoc(cls) or ""
    assert "all" in text.splitlines()[0] or "draws" in text or "calls" in text  # how many calls
    assert "Records" in text or "records" in text
    assert "Limit" in text
    assert cls.fidelity is not None
    told = shown(name)
    assert text.splitlines()[0] in told
    assert cls.example in told


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_entry_that_is_shown_builds(name: str, tmp_path: Path) -> None:
    (tmp_path / "passages.jsonl").write_text('{"text": "one"}\n')
    (tmp_path / "triples.csv").write_text("a,b,c\n")
    (tmp_path / "found.json").write_text(json_text(Artifact(Program()).to_json()))
    entry: dict[str, Any] = YAML(typ="safe").load(techniques.get(name).example)
    assert entry.pop("technique") == name
    built = techniques.get(name).model_validate(entry, context={"folder": tmp_path})
    assert isinstance(built, Technique)
    built.identity()


def test_no_setting_hides_behind_a_key_of_the_variant() -> None:
    for name in BUILT_IN:
        assert not set(techniques.get(name).model_fields) & VARIANT_KEYS, name


def test_the_list_has_a_line_for_each_and_settings_are_shown_in_words() -> None:
    assert len(shown().splitlines()) == len(techniques.names())
    told = shown("retrieval")
    assert "corpus_file: a file, default null" in told
    assert "inner: a technique, default chain_of_thought" in shown("self_consistency")
