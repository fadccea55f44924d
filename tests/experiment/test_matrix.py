"""A matrix is what a person would have written out by hand, and every mistake in one is named at its line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from promptlab.basics.errors import ExperimentError
from promptlab.experiment import make_plan
from promptlab.experiment.matrix import MAX_COMBINATIONS
from promptlab.experiment.schema import experiment_schema

HEAD = """\
name: letters
dataset: {path: data.jsonl, target: label, id: id, split: split}
task: {prompt: "Is this a vowel? {{ text }}", answer: label}
"""
MODEL = "models: [{id: scripted/script.yaml, name: s}]\n"
ZERO = "variants: [zero_shot]\n"

Cells = Callable[[str], dict[tuple[str, str, str], str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [
        {"id": f"s{i}", "text": letter, "label": "yes" if letter in "aeiou" else "no", "split": split}
        for i, (letter, split) in enumerate(zip("abcdefgheo", ["train"] * 4 + ["test"] * 6, strict=True))
    ]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "script.yaml").write_text("- {default: 'yes'}\n")
    return tmp_path


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(experiment_schema())


@pytest.fixture
def cells(folder: Path, schema: jsonschema.Draft202012Validator) -> Cells:
    """(variant, model, data set) -> the hash that is part of its trials' identity."""

    def of(text: str) -> dict[tuple[str, str, str], str]:
        path = folder / "exp.yaml"
        path.write_text(text, encoding="utf-8")
        schema.validate(YAML(typ="safe").load(text))
        with make_plan(path, folder / "home") as plan:
            return {(c.variant.name, c.model.name, c.dataset.name): c.hash for c in plan.cells}

    return of


# what: (a matrix, the same by hand)
BY_HAND: dict[str, tuple[str, str]] = {
    "a field of one model, named": (
        MODEL + ZERO + "matrix: {models.0.temperature: {cold: 0, warm: 1}}\n",
        "models: [{id: scripted/script.yaml, name: 's[cold]', temperature: 0},"
        " {id: scripted/script.yaml, name: 's[warm]', temperature: 1}]\n" + ZERO,
    ),
    "a field of all variants, by value": (
        MODEL + "variants: [zero_shot, {technique: few_shot, demos: 2}]\nmatrix: {temperature: [0, 0.7]}\n",
        MODEL + "variants: [{technique: zero_shot, temperature: 0, name: 'zero_shot[temperature=0]'},"
        " {technique: zero_shot, temperature: 0.7, name: 'zero_shot[temperature=0.7]'},"
        " {technique: few_shot, demos: {count: 2}, temperature: 0, name: 'few_shot[temperature=0]'},"
        " {technique: few_shot, demos: {count: 2}, temperature: 0.7, name: 'few_shot[temperature=0.7]'}]\n",
    ),
    "fields set together, and two axes": (
        MODEL
        + ZERO
        + "matrix:\n  temperature: {cold: 0, warm: 1}\n  prompt:\n"
        + "    - {name: short, prompt: 'Vowel? {{ text }}'}\n"
        + "    - {name: strict, prompt: 'Vowel? {{ text }}', system: 'Yes or no.', max_tokens: 5}\n",
        MODEL
        + "variants:\n"
        + "".join(
            f"  - {{technique: zero_shot, name: 'zero_shot[{heat}, {name}]', temperature: {t},"
            f" prompt: 'Vowel? {{{{ text }}}}'{more}}}\n"
            for heat, t in (("cold", 0), ("warm", 1))
            for name, more in (("short", ""), ("strict", ", system: 'Yes or no.', max_tokens: 5"))
        ),
    ),
    "inside a variant, and one combination excluded": (
        MODEL
        + "variants:\n  - zero_shot\n  - technique: few_shot\n    matrix:\n"
        + "      demos: [{name: two, count: 2}, {name: 三个, value: 3}]\n"
        + "      temperature: [0, 1]\n"
        + "      exclude: [{demos: two, temperature: 1}]\n",
        MODEL
        + "variants:\n  - zero_shot\n"
        + "  - {technique: few_shot, demos: 2, temperature: 0, name: 'few_shot[two, temperature=0]'}\n"
        + "  - {technique: few_shot, demos: 3, temperature: 0, name: 'few_shot[三个, temperature=0]'}\n"
        + "  - {technique: few_shot, demos: 3, temperature: 1, name: 'few_shot[三个, temperature=1]'}\n",
    ),
    "over what names the entry": (
        MODEL + "variants: [{matrix: {technique: [zero_shot, zero_shot_cot], temperature: [0, 1]}}]\n",
        MODEL
        + "variants:\n"
        + "".join(
            f"  - {{technique: {technique}, temperature: {t}, name: '{technique}[temperature={t}]'}}\n"
            for technique in ("zero_shot", "zero_shot_cot")
            for t in (0, 1)
        ),
    ),
    "the task's prompt, where a variant has none": (
        MODEL
        + "variants: [zero_shot, {technique: zero_shot, name: own, prompt: 'a? {{ text }}'}]\n"
        + "matrix: {task.prompt: {de: 'Vokal? {{ text }}', zh: '元音？{{ text }}'}}\n",
        MODEL
        + "variants:\n"
        + "  - {technique: zero_shot, name: 'zero_shot[de]', prompt: 'Vokal? {{ text }}'}\n"
        + "  - {technique: zero_shot, name: 'zero_shot[zh]', prompt: '元音？{{ text }}'}\n"
        + "  - {technique: zero_shot, name: own, prompt: 'a? {{ text }}'}\n",
    ),
    "it replaces what stands in the file": (
        "models: [{id: scripted/script.yaml, name: s, temperature: 2}]\n"
        + ZERO
        + "matrix: {models.temperature: {cold: 0}, variants.0.prompt: {short: 'V? {{ text }}'}}\n",
        "models: [{id: scripted/script.yaml, name: 's[cold]', temperature: 0}]\n"
        "variants: [{technique: zero_shot, name: 'zero_shot[short]', prompt: 'V? {{ text }}'}]\n",
    ),
    "two variants of one technique keep their own names": (
        MODEL
        + "variants: [{technique: few_shot, demos: {count: 1}}, {technique: few_shot, demos: {count: 2}}]\n"
        + "matrix: {temperature: {cold: 0}}\n",
        MODEL
        + "variants:\n"
        + "  - {technique: few_shot, demos: 1, temperature: 0, name: 'few_shot(demos.count=1)[cold]'}\n"
        + "  - {technique: few_shot, demos: 2, temperature: 0, name: 'few_shot(demos.count=2)[cold]'}\n",
    ),
}


@pytest.mark.parametrize("what", BY_HAND)
def test_a_matrix_asks_what_the_same_entries_by_hand_ask(what: str, cells: Cells) -> None:
    matrix, by_hand = BY_HAND[what]
    unfolded = cells(HEAD + matrix)
    assert unfolded == cells(HEAD + by_hand)
    assert len(set(unfolded.values())) == len(unfolded) > 0


def test_a_data_set_can_vary_too(cells: Cells) -> None:
    found = cells(HEAD + MODEL + ZERO + "matrix: {dataset.limit: {some: 6, all: 10}}\n")
    assert [dataset for _, _, dataset in found] == ["data[some]", "data[all]"]


def test_a_scorer_can_vary_too(folder: Path) -> None:
    path = folder / "exp.yaml"
    tail = "scorers: [contains]\nmatrix: {scorers.0.case: {exactly: true, loosely: false}}\n"
    path.write_text(HEAD + MODEL + ZERO + tail)
    with make_plan(path, folder / "home") as plan:
        assert plan.scoring.shown == ("contains[exactly]", "contains[loosely]")


def test_what_was_unfolded_is_listed(folder: Path) -> None:
    path = folder / "exp.yaml"
    tail = "matrix: {temperature: [0, 1], top_p: [0.5, 1], exclude: [{temperature: 0, top_p: 1}]}\n"
    path.write_text(HEAD + MODEL + ZERO + tail)
    with make_plan(path, folder / "home") as plan:
        (each,) = plan.loaded.unfolded
    assert (each.list, each.stem, each.excluded) == ("variants", "zero_shot", 1)
    assert each.names[0] == "zero_shot[temperature=0, top_p=0.5]"
    assert len(each.names) == 3


def with_matrix(matrix: str) -> str:
    return HEAD + MODEL + ZERO + "matrix:\n  " + matrix + "\n"


# what is wrong: (file, line, what the message must hold)
WRONG: dict[str, tuple[str, int, list[str]]] = {
    "not a mapping": (HEAD + MODEL + ZERO + "matrix: [1]\n", 6, ["matrix:", "mapping of fields"]),
    "empty": (HEAD + MODEL + ZERO + "matrix: {}\n", 6, ["names no field"]),
    "a value of the wrong type": (
        with_matrix("temperature: {cold: 0, hot: hot}"),
        7,
        ["matrix.temperature.hot: must be a number", "'hot'"],
    ),
    "a value out of range": (with_matrix("temperature: [0, 9]"), 7, ["matrix.temperature.1", "9"]),
    "a setting the technique lacks": (
        with_matrix("samples: [1, 2]"),
        7,
        ["matrix.samples.0: unknown key 'samples'"],
    ),
    "a typo in a field": (with_matrix("temprature: [0, 1]"), 7, ["'temprature'", "'temperature'"]),
    "a template that names no column": (
        with_matrix("prompt: {a: 'V? {{ txt }}'}"),
        7,
        ["matrix.prompt.a", "{{ txt }}", "Did you mean 'text'"],
    ),
    "a value instead of values": (with_matrix("temperature: 0.7"), 7, ["mapping of names to values", "0.7"]),
    "no values": (with_matrix("temperature: []"), 7, ["mapping of names to values"]),
    "a long text without a name": (
        with_matrix("prompt: ['Is this a vowel? {{ text }}']"),
        7,
        ["matrix.prompt.0", "needs a name", "name: short"],
    ),
    "two equal names": (with_matrix("temperature: [0, 0]"), 7, ["matrix.temperature.1", "'0' twice"]),
    "two values alike under two names": (
        with_matrix("temperature: {a: 0, b: 0}"),
        5,
        ["'zero_shot[b]' asks exactly what 'zero_shot[a]' asks"],
    ),
    "two axes over one field": (
        with_matrix("temperature: [0, 1]\n  variants.0.temperature: [0, 1]"),
        8,
        ["'temperature' sets that too"],
    ),
    "what holds for all cells": (
        with_matrix("repeats: [1, 2]"),
        7,
        ["'repeats' holds for the whole", "B.yaml"],
    ),
    "the experiment's seed": (with_matrix("seed: [1, 2]"), 7, ["variants.seed"]),
    "a field of models": (with_matrix("api_base: [a, b]"), 7, ["models.api_base"]),
    "the answer type": (with_matrix("task.answer: [text, label]"), 7, ["task.answer", "cannot vary"]),
    "a list without a field": (with_matrix("models.0: [a, b]"), 7, ["name a field", "`models.0.id`"]),
    "an entry that is not there": (
        with_matrix("models.3.top_p: [1]"),
        7,
        ["models has 1 entries", "last is 0"],
    ),
    "a list that is not there": (with_matrix("scorers.rule: [a]"), 7, ["no scorers in the file"]),
    "a name that varies": (with_matrix("variants.name: [a, b]"), 7, ["'name' cannot vary"]),
    "include": (with_matrix("temperature: [0]\n  include: [{x: 1}]"), 8, ["no `include`"]),
    "into what is no mapping": (
        HEAD
        + MODEL
        + "variants:\n  - technique: few_shot\n    demos: 2\n    matrix: {demos.select: [random]}\n",
        8,
        ["variants.0.matrix.demos.select", "'demos' is no mapping", "2"],
    ),
    "a task that nobody asks": (
        HEAD
        + MODEL
        + "variants: [{technique: zero_shot, prompt: '{{ text }}'}]\nmatrix: {task.prompt: {a: b}}\n",
        6,
        ["task.prompt", "every variant says that itself"],
    ),
    "exclude: an unknown axis": (
        with_matrix("temperature: [0, 1]\n  exclude: [{temprature: 0}]"),
        8,
        ["matrix.exclude.0.temprature", "Did you mean 'temperature'"],
    ),
    "exclude: an unknown value": (
        with_matrix("temperature: [0, 1]\n  exclude: [{temperature: 2}]"),
        8,
        ["matrix.exclude.0.temperature", "no such value", "2"],
    ),
    "exclude: everything": (
        with_matrix("temperature: [0]\n  exclude: [{temperature: 0}]"),
        8,
        ["leaves no variants"],
    ),
    "exclude: across lists": (
        with_matrix(
            "temperature: [0, 1]\n  models.top_p: [1]\n  exclude: [{temperature: 0, models.top_p: 1}]"
        ),
        9,
        ["leaves nothing out", "always crossed"],
    ),
    "exclude: no list": (with_matrix("temperature: [0, 1]\n  exclude: {temperature: 0}"), 8, ["a list of"]),
    "names that collide": (
        HEAD + MODEL + "variants: [zero_shot, {technique: zero_shot, name: 'zero_shot[a]'}]\n"
        "matrix: {variants.0.temperature: {a: 0}}\n",
        5,
        ["two variants are named 'zero_shot[a]'"],
    ),
    "a baseline that has become several": (
        with_matrix("temperature: [0, 1]") + "baseline: zero_shot\n",
        8,
        ["no variant is named 'zero_shot'", "makes 2 of it", "'zero_shot[temperature=0]'"],
    ),
    "too many": (
        with_matrix("temperature: [0, 1]\n  top_p: [" + ", ".join(f"0.{i:04}" for i in range(1, 600)) + "]"),
        8,
        [f"more than {MAX_COMBINATIONS:,} variants"],
    ),
    "a mistake in an entry that is not the first after unfolding": (
        HEAD + MODEL + "variants:\n  - zero_shot\n  - zero_shoot\nmatrix: {temperature: [0, 1]}\n",
        7,
        ["variants.1", "'zero_shoot'", "'zero_shot'"],
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_mistake_in_a_matrix_is_named_at_its_line(what: str, folder: Path) -> None:
    text, line, expected = WRONG[what]
    path = folder / "exp.yaml"
    path.write_text(text)
    with pytest.raises(ExperimentError) as caught:
        make_plan(path, folder / "home")
    message = str(caught.value)
    assert "\n" not in message
    assert f"exp.yaml:{line}:" in message, message
    for part in expected:
        assert part in message, message
