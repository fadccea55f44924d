"""An edit changes what was edited and nothing else: all shipped experiments, and texts of all kinds."""

from __future__ import annotations

import copy
import difflib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptlab.basics.errors import ExperimentError
from promptlab.experiment.editing import (
    insert_value,
    make_list,
    move_value,
    remove_value,
    rename_key,
    set_value,
)
from promptlab.experiment.short_forms import value_at
from promptlab.experiment.starter import starter_text
from promptlab.experiment.yaml_lines import Path_, parse_document

SHIPPED = sorted((Path(__file__).parents[2] / "experiments").glob("*.yaml"))
FILES = {path.stem: path.read_text("utf-8") for path in SHIPPED} | {"starter": starter_text()}
ALL = pytest.mark.parametrize("text", FILES.values(), ids=FILES)
TEXT = """\
# A study.
name: study   # its name
task:
  prompt: "Is {{ q }} odd?"   # asked
  answer: yes_no

# models
models:
  - scripted/a.yaml   # the first
  - {id: openai/x, temperature: 0}  # the second

variants:
  - zero_shot
  - name: mine
    technique: few_shot
    demos: {count: 4, select: random}   # four
  # a comment at the end
limits: {}
"""


def value_of(text: str) -> Any:
    return parse_document(text, "x").value


def leaves(value: Any, path: Path_ = ()) -> list[Path_]:
    if isinstance(value, dict):
        return [leaf for key, each in value.items() for leaf in leaves(each, (*path, key))]
    if isinstance(value, list):
        return [leaf for index, each in enumerate(value) for leaf in leaves(each, (*path, index))]
    return [path]


def changed_lines(before: str, after: str) -> list[str]:
    return [
        line
        for line in difflib.ndiff(before.splitlines(), after.splitlines())
        if line.startswith(("- ", "+ "))
    ]


@ALL
def test_any_value_of_a_shipped_experiment_is_edited_and_put_back_without_a_trace(text: str) -> None:
    value = value_of(text)
    for path in leaves(value):
        old = value_at(value, path)
        if isinstance(old, str) and "\n" in old:
            continue  # of a folded text the folds are not kept
        edited = set_value(text, path, "something: else #1")
        assert value_at(value_of(edited), path) == "something: else #1"
        lines = changed_lines(text, edited)
        assert len(lines) == 2, lines
        assert lines[0].partition("   #")[2] in lines[1]
        again = set_value(edited, path, old)
        assert value_of(again) == value
        assert len(changed_lines(text, again)) in (0, 2)  # quotes may have come


@ALL
def test_a_key_is_added_to_and_removed_from_any_mapping_of_a_shipped_experiment(text: str) -> None:
    value = value_of(text)
    for path in {leaf[:-1] for leaf in leaves(value) if isinstance(leaf[-1], str)}:
        added = set_value(text, (*path, "added"), 7)
        assert value_at(value_of(added), (*path, "added")) == 7
        assert remove_value(added, (*path, "added")) == text


def test_an_edit_touches_only_its_own_line() -> None:
    edited = set_value(TEXT, ("name",), "another study")
    assert edited == TEXT.replace("name: study ", "name: another study ")
    edited = set_value(TEXT, ("models", 1, "temperature"), 0.7)
    assert edited == TEXT.replace("temperature: 0}", "temperature: 0.7}")
    edited = set_value(TEXT, ("variants", 1, "demos", "count"), 8)
    assert edited == TEXT.replace("count: 4", "count: 8")


def test_a_short_form_becomes_the_long_one_where_a_setting_is_added() -> None:
    edited = set_value(TEXT, ("variants", 0, "name"), "plain")
    assert edited == TEXT.replace("- zero_shot\n", "- {technique: zero_shot, name: plain}\n")
    edited = set_value(TEXT, ("models", 0, "temperature"), 0)
    assert edited == TEXT.replace("- scripted/a.yaml ", "- {id: scripted/a.yaml, temperature: 0} ")
    assert value_at(value_of(TEXT), ("variants", 0, "technique")) == "zero_shot"
    assert set_value(TEXT, ("variants", 0, "technique"), "few_shot") == TEXT.replace(
        "- zero_shot\n", "- {technique: few_shot}\n"
    )


def test_entries_are_appended_and_removed() -> None:
    edited = set_value(TEXT, ("variants", 2), {"technique": "zero_shot_cot", "name": "thinks, then says"})
    assert value_of(edited)["variants"][2]["name"] == "thinks, then says"
    assert len(changed_lines(TEXT, edited)) == 1
    assert remove_value(edited, ("variants", 2)) == TEXT
    without = remove_value(TEXT, ("variants", 1))
    assert "# a comment at the end" in without
    assert value_of(without)["variants"] == ["zero_shot"]
    assert value_of(remove_value(without, ("variants", 0)))["variants"] == []
    assert value_of(remove_value(TEXT, ("variants", 1, "name")))["variants"][1]["technique"] == "few_shot"


def test_new_sections_and_texts_of_several_lines_are_written_as_a_person_would() -> None:
    edited = set_value(TEXT, ("limits", "budget_usd"), 1.5)
    assert edited == TEXT.replace("limits: {}", "limits: {budget_usd: 1.5}")
    edited = set_value(TEXT, ("cache", "max_age"), "7d")
    assert edited == TEXT + "cache: {max_age: 7d}\n"
    edited = set_value(TEXT, ("task", "prompt"), "First: this.\n\n- {{ q }}?")
    assert edited == TEXT.replace(
        'prompt: "Is {{ q }} odd?"   # asked', "prompt: |-   # asked\n    First: this.\n\n    - {{ q }}?"
    )
    assert value_of(edited)["task"]["prompt"] == "First: this.\n\n- {{ q }}?"
    assert set_value(edited, ("task", "prompt"), "One line.") == TEXT.replace(
        '"Is {{ q }} odd?"   # asked', "One line."
    )


def test_what_several_places_share_is_not_changed_behind_ones_back() -> None:
    shared = "a: &x {b: 1}\nc: *x\n"
    with pytest.raises(ExperimentError, match="cannot be changed here"):
        set_value(shared, ("c", "b"), 2)


@settings(max_examples=150)
@given(st.text(max_size=60), st.sampled_from(leaves(value_of(TEXT))))
def test_any_text_can_stand_anywhere(new: str, path: Path_) -> None:
    try:
        value_of(f"- {new!r}")
        edited = set_value(TEXT, path, new)
    except ExperimentError:  # characters that no YAML may hold
        assert any(not each.isprintable() for each in new)
        return
    assert value_at(value_of(edited), path) == new
    assert all(comment in edited for comment in ("# A study.", "# models", "# a comment at the end"))


@settings(max_examples=60)
@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.text("ab: #{[\n中", max_size=8)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(st.text("abc", min_size=1), inner, max_size=3)
        ),
        max_leaves=6,
    ),
    st.sampled_from([("added",), ("task", "added"), ("models", 1, "added"), ("variants", 2), ("name",)]),
)
def test_any_value_can_be_added_and_is_read_back(new: Any, path: Path_) -> None:
    assert value_at(value_of(set_value(TEXT, path, new)), path) == new


def places(value: Any, path: Path_ = ()) -> list[Path_]:
    """Every place in a value, mappings and lists too."""
    found = [path] if path else []
    if isinstance(value, dict):
        found += [each for key, inner in value.items() for each in places(inner, (*path, key))]
    elif isinstance(value, list):
        found += [each for index, inner in enumerate(value) for each in places(inner, (*path, index))]
    return found


@ALL
def test_setting_what_stands_there_changes_no_byte(text: str) -> None:
    value = value_of(text)
    for path in places(value):
        assert set_value(text, path, copy.deepcopy(value_at(value, path))) == text
    assert (
        set_value(text, ("variants", 0, "technique"), value_at(value, ("variants", 0, "technique"))) == text
    )


@ALL
def test_all_that_a_form_can_add_is_added_and_removed_without_a_trace(text: str) -> None:
    """A matrix, gates, an embedding, a further entry of each list: as lines of their own, nothing else."""
    value = value_of(text)
    added: list[tuple[Path_, Any]] = [
        (("matrix", "models.temperature"), {"cold": 0, "warm": 1}),
        (("gates",), [{"min": 0.4}]),
        (("embedding",), "openai/text-embedding-3-small"),
        (("judged",), {"rates": {"CNY": {"usd": 0.14}}}),
        *(
            ((key, len(value[key])), {"name": "more"})
            for key in ("models", "variants", "datasets")
            if key in value
        ),
    ]
    for path, new in added:
        edited = set_value(text, path, new)
        assert value_at(value_of(edited), path) == new
        assert len(changed_lines(text, edited)) == 1
        own = path if path[0] in value else path[:1]
        assert remove_value(edited, own) == text


@ALL
def test_a_list_that_is_set_again_changes_only_the_entries_that_differ(text: str) -> None:
    value = value_of(text)
    variants = copy.deepcopy(value["variants"])
    edited = set_value(text, ("variants",), [*variants, "zero_shot_cot"])
    assert len(changed_lines(text, edited)) == 1
    if len(variants) > 1:
        fewer = set_value(text, ("variants",), variants[1:])
        assert value_of(fewer)["variants"] == variants[1:]
        assert not [line for line in changed_lines(text, fewer) if line.startswith("+")]


def test_a_key_gets_another_name_in_its_place() -> None:
    text = "matrix:\n  temperature: {cold: 0, warm: 1}   # two\n  demos: [1, 2]\n"
    assert rename_key(text, ("matrix", "temperature", "cold"), "none: at all") == text.replace(
        "cold", '"none: at all"'
    )
    assert rename_key(text, ("matrix", "temperature"), "top_p") == text.replace("temperature", "top_p")
    assert rename_key(text, ("matrix", "demos"), "demos") == text
    with pytest.raises(ExperimentError, match="there already"):
        rename_key(text, ("matrix", "temperature", "cold"), "warm")


def test_a_short_form_inside_of_settings_becomes_the_long_one() -> None:
    text = "variants:\n  - {technique: self_consistency, inner: few_shot, demos: 4}   # votes\n"
    assert set_value(text, ("variants", 0, "inner", "demos", "count"), 2) == text.replace(
        "inner: few_shot", "inner: {technique: few_shot, demos: {count: 2}}"
    )
    assert set_value(text, ("variants", 0, "demos", "select"), "random") == text.replace(
        "demos: 4", "demos: {count: 4, select: random}"
    )
    text = "matrix: {demos: {few: 2, many: 8}}\n"
    assert set_value(text, ("matrix", "demos", "few", "order"), "shuffled") == text.replace(
        "few: 2", "few: {count: 2, order: shuffled}"
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "dataset: {path: a, target: b}   # data\nx: 1\n",
            "datasets:\n  - {path: a, target: b}   # data\nx: 1\n",
        ),
        (
            "dataset:   # data\n  # from there\n  path: a   # here\n\n  split:\n    test: 3\n# end\n",
            "datasets:   # data\n  # from there\n  - path: a   # here\n\n    split:\n      test: 3\n# end\n",
        ),
        ("{x: 1, dataset: {path: a}}\n", "{x: 1, datasets: [{path: a}]}\n"),
    ],
)
def test_a_single_data_set_becomes_a_list_with_all_its_lines(before: str, after: str) -> None:
    assert make_list(before, "dataset", "datasets") == after


@settings(max_examples=60)
@given(st.lists(st.sampled_from(["a", "b: c", "#", "中", "1", 2, True, None]), max_size=5))
def test_a_list_is_set_to_any_other(new: list[Any]) -> None:
    text = "x:\n  - a   # first\n  - b   # second\n  - 1\ny: [a, b, 1]   # end\n"
    for key in ("x", "y"):
        edited = set_value(text, (key,), new)
        assert repr(value_of(edited)[key]) == repr(new)
        assert "# end" in edited
        if new[:1] == ["a"] and len(new) > 1:
            assert "- a   # first" in edited


LISTED = """\
variants:   # how it is asked
  # the baseline
  - zero_shot   # short

  # two kinds of demos:
  # drawn once
  - name: mine
    technique: few_shot   # by hand

    # fixed by the seed
    demos: {count: 4, select: random}
    # up to here
  - {technique: self_consistency, samples: 3}   # votes
  # no more of them
models: [a/b, {id: c/d, name: e}]   # two
"""


def test_an_entry_moves_with_its_own_comments_and_the_others_keep_theirs() -> None:
    down = move_value(LISTED, ("variants", 0), 1)
    assert (
        down
        == """\
variants:   # how it is asked
  # two kinds of demos:
  # drawn once
  - name: mine
    technique: few_shot   # by hand

    # fixed by the seed
    demos: {count: 4, select: random}
    # up to here

  # the baseline
  - zero_shot   # short
  - {technique: self_consistency, samples: 3}   # votes
  # no more of them
models: [a/b, {id: c/d, name: e}]   # two
"""
    )
    assert move_value(LISTED, ("variants", 2), 0) == move_value(
        move_value(LISTED, ("variants", 2), 1), ("variants", 1), 0
    )
    assert move_value(LISTED, ("models", 1), 0) == LISTED.replace(
        "[a/b, {id: c/d, name: e}]", "[{id: c/d, name: e}, a/b]"
    )


@ALL
def test_any_entry_of_a_shipped_experiment_moves_and_comes_back_without_a_trace(text: str) -> None:
    for path, entries in lists(value_of(text)):
        for at in range(len(entries) - 1):
            moved = move_value(text, (*path, at), len(entries) - 1)
            assert value_at(value_of(moved), path) == [*entries[:at], *entries[at + 1 :], entries[at]]
            assert sorted(moved) == sorted(text), "not a character more or less"
            assert move_value(moved, (*path, len(entries) - 1), at) == text


def lists(value: Any, path: Path_ = ()) -> list[tuple[Path_, list[Any]]]:
    """All lists in it and where they are."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [each for key, child in inner for each in lists(child, (*path, key))]
    return [*found, (path, value)] if isinstance(value, list) else found


def test_a_new_entry_stands_anywhere_and_leaves_the_others_their_comments() -> None:
    for at in range(4):
        more = insert_value(LISTED, ("variants", at), {"name": "new", "technique": "zero_shot_cot"})
        assert [line for line in changed_lines(LISTED, more) if line[0] in "+-"] == [
            "+   - {name: new, technique: zero_shot_cot}"
        ]
        assert value_of(more)["variants"][at]["name"] == "new"
        assert remove_value(more, ("variants", at)) == LISTED
    assert "  - zero_shot_cot\n  # the baseline\n" in insert_value(LISTED, ("variants", 0), "zero_shot_cot")
    assert insert_value(LISTED, ("models", 1), "new") == LISTED.replace("[a/b, ", "[a/b, new, ")


def test_a_list_set_with_a_new_one_in_the_middle_writes_only_that() -> None:
    variants = value_of(LISTED)["variants"]
    more = set_value(LISTED, ("variants",), [variants[0], "zero_shot_cot", *variants[1:]])
    assert changed_lines(LISTED, more) == ["+   - zero_shot_cot"]
    assert value_of(more)["variants"] == [variants[0], "zero_shot_cot", *variants[1:]]


def test_what_an_anchor_holds_together_does_not_come_apart() -> None:
    text = "x:\n  - &one {a: 1}\n  - *one\n  - {b: 2}\n"
    moved = move_value(text, ("x", 2), 0)
    assert value_of(moved)["x"] == [{"b": 2}, {"a": 1}, {"a": 1}]
    assert value_of(move_value(text, ("x", 1), 0))["x"] == [{"a": 1}, {"a": 1}, {"b": 2}]
