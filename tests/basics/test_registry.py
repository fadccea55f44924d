"""Registries: names to classes, with the nearest name for a typo."""

from __future__ import annotations

from pathlib import Path

import pytest

from promptlab.basics.errors import UsageError
from promptlab.basics.registry import Registry, did_you_mean


class Base:
    pass


class Good(Base):
    pass


def registry() -> Registry[Base]:
    made: Registry[Base] = Registry("thing", Base, {}, group="promptlab.nothing")
    made.add("good", Good)
    return made


def test_a_typo_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(UsageError, match=r"unknown thing 'god'\. Did you mean 'good'"):
        registry().get("god")


def test_two_classes_cannot_have_one_name() -> None:
    with pytest.raises(UsageError, match="two things are named 'good'"):
        registry().add("good", type("Other", (Base,), {}))


def test_a_class_in_a_file_is_found_beside_the_experiment(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("class Mine: pass\n")
    with pytest.raises(UsageError, match="is not a Base"):
        registry().get("mine.py:Mine", folder=tmp_path)
    with pytest.raises(UsageError, match=r"no class 'Mein'. Did you mean 'Mine'"):
        registry().get("mine.py:Mein", folder=tmp_path)
    with pytest.raises(UsageError, match="there is no file"):
        registry().get("yours.py:Mine", folder=tmp_path)
    (tmp_path / "broken.py").write_text("import nosuchmodule\n")
    with pytest.raises(UsageError, match="nosuchmodule"):
        registry().get("broken.py:Mine", folder=tmp_path)


def test_an_edited_file_is_loaded_anew(tmp_path: Path) -> None:
    made: Registry[object] = Registry("thing", object, {}, group="promptlab.nothing")
    for value in (1, 2):
        (tmp_path / "mine.py").write_text(f"class Mine:\n    value = {value}\n")
        assert made.get("mine.py:Mine", folder=tmp_path).value == value  # type: ignore[attr-defined]


def test_without_a_near_name_the_known_ones_are_listed() -> None:
    assert did_you_mean("zzz", ["b", "a"]) == "Known: a, b."
    assert did_you_mean("zzz", []) == "There is none."
