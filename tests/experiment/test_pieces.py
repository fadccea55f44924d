"""What no field can show is edited as its own piece of YAML, and stands where and as it was typed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from promptlab.basics.errors import ExperimentError
from promptlab.experiment.pieces import piece_at, set_piece
from promptlab.experiment.short_forms import value_at
from promptlab.experiment.yaml_lines import Path_, parse_document

SHIPPED = sorted((Path(__file__).parents[2] / "experiments").glob("*.yaml"))
TEXT = """\
models:
  - id: openai/x   # the model
    extra_body:    # for the provider
      # how it routes
      provider: {order: [a, b]}   # a first
      list:
        - 1
        - 2
    headers: {A: b}   # one
  - openai/y
name: study
"""


def value_of(text: str) -> Any:
    return parse_document(text, "x").value


def parts(value: Any, path: Path_ = ()) -> list[Path_]:
    """Every place in a value."""
    found = [path] if path else []
    if isinstance(value, dict):
        found += [each for key, inner in value.items() for each in parts(inner, (*path, key))]
    elif isinstance(value, list):
        found += [each for index, inner in enumerate(value) for each in parts(inner, (*path, index))]
    return found


@pytest.mark.parametrize("file", SHIPPED, ids=lambda path: path.stem)
def test_every_piece_of_a_shipped_experiment_reads_as_its_value_and_goes_back_as_it_was(file: Path) -> None:
    text = file.read_text("utf-8")
    value = value_of(text)
    for path in parts(value):
        piece = piece_at(text, path)
        assert value_of(piece) == value_at(value, path)
        assert set_piece(text, path, piece) == text


def test_a_piece_keeps_its_comments_and_those_around_it() -> None:
    path = ("models", 0, "extra_body")
    piece = piece_at(TEXT, path)
    assert piece.startswith("provider: {order: [a, b]}   # a first\nlist:\n  - 1")
    edited = set_piece(TEXT, path, piece.replace("  - 2", "  - 3   # three"))
    assert edited == TEXT.replace("        - 2\n", "        - 3   # three\n")


def test_a_block_takes_the_place_of_a_line_and_a_line_that_of_a_block() -> None:
    edited = set_piece(TEXT, ("models", 0, "headers"), "A: b\nC:\n  d")
    assert edited == TEXT.replace(
        "    headers: {A: b}   # one\n", "    headers:   # one\n      A: b\n      C:\n        d\n"
    )
    assert set_piece(TEXT, ("models", 0, "extra_body", "list"), "[1, 2, 3]") == TEXT.replace(
        "list:\n        - 1\n        - 2\n", "list: [1, 2, 3]\n"
    )
    edited = set_piece(TEXT, ("models", 1), "id: openai/z\nseed: 1")
    assert edited == TEXT.replace("  - openai/y\n", "  - id: openai/z\n    seed: 1\n")


def test_a_piece_is_added_where_nothing_stood() -> None:
    edited = set_piece(TEXT, ("limits", "rates"), "CNY: {usd: 0.14}   # by hand")
    assert value_of(edited)["limits"] == {"rates": {"CNY": {"usd": 0.14}}}
    edited = set_piece(TEXT, ("models", 1, "price"), "input: 1\noutput: 2")
    assert value_of(edited)["models"][1] == {"id": "openai/y", "price": {"input": 1, "output": 2}}


def test_what_is_no_yaml_changes_nothing() -> None:
    with pytest.raises(ExperimentError, match="not valid YAML"):
        set_piece(TEXT, ("name",), "[a")
    with pytest.raises(ExperimentError, match="empty"):
        set_piece(TEXT, ("name",), "\n")
