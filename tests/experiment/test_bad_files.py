"""Every wrong experiment file ends in one message that names file, line, field, value and fix."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from promptlab.basics.errors import ExperimentError, UsageError
from promptlab.experiment import make_plan

GOOD = """\
name: letters
datasets:
  - path: data.jsonl
    target: label
    id: id
    split: split
task:
  prompt: "Is this a vowel? {{ text }}"
  answer: label
models:
  - scripted/script.yaml
variants:
  - zero_shot
  - {technique: few_shot, demos: {count: 2}}
limits: {concurrency: 4}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rows = [
        {"id": f"s{i}", "text": letter, "label": "yes" if letter in "aeiou" else "no", "split": split}
        for i, (letter, split) in enumerate(zip("abcdefgheo", ["train"] * 4 + ["test"] * 6, strict=True))
    ]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "none.jsonl").write_text("")
    (tmp_path / "script.yaml").write_text("- {contains: vowel, reply: 'yes'}\n")
    for name in ("OPENAI_API_KEY", "RELAY_URL", "RELAY_KEY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def plan(folder: Path, content: str | bytes) -> None:
    path = folder / "exp.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with make_plan(path, folder / ".promptlab") as made:
        made.check_keys()


def test_the_good_file_is_fine(folder: Path) -> None:
    plan(folder, GOOD)


def swapped(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


# what is wrong: (file, the line it is on, what the message must hold)
WRONG: dict[str, tuple[str, int | None, list[str]]] = {
    "typo in a top key": (swapped("limits:", "limit:"), 15, ["unknown key 'limit'", "Did you mean 'limits'"]),
    "typo in a nested key": (
        swapped("concurrency", "concurency"),
        15,
        ["limits.concurency", "'concurrency'"],
    ),
    "typo in a data set key": (swapped("target:", "taget:"), 4, ["taget", "Did you mean 'target'"]),
    "typo in a technique": (swapped("- zero_shot\n", "- zero_shoot\n"), 13, ["'zero_shoot'", "'zero_shot'"]),
    "typo in a setting": (swapped("demos:", "demso:"), 14, ["demso", "Did you mean 'demos'"]),
    "typo in a nested setting": (swapped("count: 2", "cuont: 2"), 14, ["variants.1.demos.cuont", "'count'"]),
    "wrong type": (swapped("concurrency: 4", "concurrency: many"), 15, ["a whole number", "'many'"]),
    "number in quotes": (
        swapped("concurrency: 4", "concurrency: '4'"),
        15,
        ["whole number", "without quotes"],
    ),
    "out of range": (swapped("concurrency: 4", "concurrency: 0"), 15, ["limits.concurrency", "greater than"]),
    "unknown answer type": (
        swapped("answer: label", "answer: lable"),
        9,
        ["task.answer", "Did you mean 'label'"],
    ),
    "unknown column for target": (swapped("target: label", "target: lable"), 4, ["lable", "label"]),
    "variable no column has": (swapped("{{ text }}", "{{ txet }}"), 8, ["{{ txet }}", "Did you mean 'text'"]),
    "template syntax": (swapped("{{ text }}", "{{ text "), 8, ["task.prompt", "template syntax"]),
    "unsafe template": (swapped("{{ text }}", "{{ ''.__class__.__mro__ }}"), 8, ["task.prompt", "unsafe"]),
    "template without end": (
        swapped("{{ text }}", "{% for i in range(10**9) %}x{% endfor %}{{ text }}"),
        8,
        ["task.prompt", "range()"],
    ),
    "yaml tag": (
        swapped("name: letters", "name: !!python/object/apply:os.system [ls]"),
        1,
        ["tag", "python"],
    ),
    "alias bomb": (
        "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        + "".join(
            f"{b}: &{b} [{', '.join(['*' + a] * 10)}]\n" for a, b in zip("abcdef", "bcdefg", strict=True)
        ),
        None,
        ["aliases"],
    ),
    "100 MB file": ("#" + "x" * 100_000_000, None, ["100,000,001 bytes"]),
    "not utf-8": (GOOD.encode().replace(b"letters", b"l\xe9tters"), 1, ["not UTF-8", "0xe9"]),
    "empty": ("", None, ["empty", "promptlab init"]),
    "only comments": ("# nothing\n", None, ["empty"]),
    "a list": ("- name: x\n", 1, ["a list", "mapping"]),
    "a text": ("hello\n", 1, ["'hello'"]),
    "broken yaml": (swapped("  answer: label", " answer: label"), None, ["not valid YAML"]),
    "unquoted braces": (swapped('"Is this a vowel? {{ text }}"', "{{ text }}"), 8, ["task.prompt"]),
    "tab": (swapped("  answer: label", "\tanswer: label"), 9, ["not valid YAML"]),
    "key twice": (GOOD + "name: again\n", 16, ["'name' stands twice"]),
    "no name": (swapped("name: letters\n", ""), None, ["'name' is missing"]),
    "no models": (swapped("models:\n  - scripted/script.yaml\n", "models: []\n"), 10, ["models"]),
    "not a list": (
        swapped("  - zero_shot\n", "  zero_shot: {}\n").replace(
            "  - {technique: few_shot, demos: {count: 2}}\n", ""
        ),
        12,
        ["variants", "a list"],
    ),
    "missing data file": (swapped("data.jsonl", "dta.jsonl"), 3, ["dta.jsonl"]),
    "missing script": (swapped("script.yaml", "nothing.yaml"), 11, ["nothing.yaml"]),
    "no key variable": (swapped("scripted/script.yaml", "openai/gpt-4o-mini"), 11, ["OPENAI_API_KEY"]),
    "no relay variable": (
        swapped(
            "- scripted/script.yaml", '- {id: openai/x, api_base: "${RELAY_URL}", api_key_env: RELAY_KEY}'
        ),
        11,
        ["RELAY_URL", "not set"],
    ),
    "literal key": (
        swapped("- scripted/script.yaml", "- {id: openai/x, api_key: sk-secret-value}"),
        11,
        ["models.0.api_key", "api_key_env"],
    ),
    "unknown provider": (swapped("scripted/script.yaml", "opnai/gpt-4o"), 11, ["opnai", "openai"]),
    "no train rows": (swapped("    split: split\n", "    split: {test: 10}\n"), 6, ["train"]),
    "empty train split": (
        swapped("path: data.jsonl", "path: {train: none.jsonl, test: data.jsonl}").replace(
            "    split: split\n", ""
        ),
        3,
        ["none.jsonl"],
    ),
    "no train rows for a technique inside": (
        swapped("    split: split\n", "    split: {test: 10}\n").replace(
            "{technique: few_shot, demos: {count: 2}}",
            "{technique: self_consistency, inner: {technique: auto_cot}}",
        ),
        6,
        ["train"],
    ),
    "unknown demo set": (
        swapped("{count: 2}", "{set: last_leter}"),
        14,
        ["variants.1.demos", "no demo set 'last_leter'", "'last_letter'"],
    ),
    "unknown demo set of a technique inside": (
        swapped(
            "{technique: few_shot, demos: {count: 2}}",
            "{technique: self_consistency, inner: {technique: few_shot, demos: {set: nothing}}}",
        ),
        14,
        ["inner", "no demo set 'nothing'", "word_problems"],
    ),
    "unknown set of decompositions": (
        swapped("technique: few_shot, demos: {count: 2}", "technique: least_to_most, decompose_set: scna"),
        14,
        ["variants.1.decompose_set", "'scna'", "'scan'"],
    ),
    "missing demo file": (swapped("{count: 2}", "{demo_file: mine.yaml}"), 14, ["mine.yaml"]),
    "more demos than a set holds": (
        swapped("{count: 2}", "{set: last_letter, count: 99}"),
        14,
        ["variants.1.demos.count", "99", "set last_letter has"],
    ),
    "a set and a file": (
        swapped("{count: 2}", "{set: scan, demo_file: data.jsonl}"),
        14,
        ["variants.1.demos", "keep one"],
    ),
    "unknown model that votes": (
        swapped("technique: few_shot, demos: {count: 2}", "technique: ensemble, models: [scripted]"),
        14,
        ["variants.1.models", "no such model", "scripted/script.yaml"],
    ),
    "more demos than rows": (swapped("count: 2", "count: 5"), 14, ["5", "4"]),
    "equal names": (
        swapped(
            "- zero_shot\n", "- {name: a, technique: zero_shot}\n  - {name: a, technique: zero_shot_cot}\n"
        ),
        14,
        ["two variants are named 'a'", "line 13"],
    ),
    "equal variants": (
        swapped("- zero_shot\n", "- {name: a, technique: zero_shot}\n  - {name: b, technique: zero_shot}\n"),
        14,
        ["exactly"],
    ),
    "equal default names": (
        swapped("- zero_shot\n", "- zero_shot\n  - zero_shot\n"),
        14,
        ["two variants are named"],
    ),
    "equal models": (
        swapped("- scripted/script.yaml\n", "- scripted/script.yaml\n  - scripted/script.yaml\n"),
        12,
        ["two models"],
    ),
    "unknown scorer": (GOOD + "scorers: [exact_mach]\n", 16, ["exact_mach", "exact_match"]),
    "unknown primary": (GOOD + "primary: exactly\n", 16, ["primary", "exactly"]),
    "unknown baseline": (GOOD + "baseline: zero_shott\n", 16, ["baseline", "'zero_shot'"]),
    "not built yet": (GOOD + "vary: [optimizer_seed]\n", 16, ["vary.0", "not built yet"]),
    "hub source": (swapped("path: data.jsonl", "hub: org/name"), 3, ["not built yet"]),
    "two prompts": (
        swapped("  answer: label", "  prompt_file: p.txt\n  answer: label"),
        None,
        ["prompt and prompt_file"],
    ),
    "no prompt": (swapped('  prompt: "Is this a vowel? {{ text }}"\n', ""), None, ["task", "`prompt`"]),
    "missing prompt file": (
        swapped('prompt: "Is this a vowel? {{ text }}"', "prompt_file: p.txt"),
        8,
        ["p.txt"],
    ),
    "both dataset and datasets": (GOOD + "dataset: {path: data.jsonl}\n", 16, ["dataset"]),
    "deep nesting": ("name: " + "[" * 2000 + "]" * 2000 + "\n", None, ["deep"]),
    "refused sampling": (
        swapped("- zero_shot\n", "- {technique: zero_shot, temperature: hot}\n"),
        13,
        ["temperature", "a number", "'hot'"],
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_file_is_one_message(what: str, folder: Path) -> None:
    content, line, expected = WRONG[what]
    with pytest.raises(UsageError) as caught:
        plan(folder, content)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 700, message
    assert caught.value.exit_code == 2
    for part in expected:
        assert part in message, message
    if isinstance(caught.value, ExperimentError):
        assert message.startswith(str(folder / "exp.yaml")), message
    if line is not None:
        assert f"exp.yaml:{line}:" in message, message


def test_a_missing_file_names_its_neighbours(folder: Path) -> None:
    (folder / "quickstart.yaml").write_text(GOOD)
    with pytest.raises(ExperimentError, match=r"no such file.*Did you mean 'quickstart\.yaml'"):
        make_plan(folder / "quikstart.yaml", folder / ".promptlab")


def test_the_secret_is_not_in_the_message(folder: Path) -> None:
    with pytest.raises(ExperimentError) as caught:
        plan(folder, swapped("- scripted/script.yaml", "- {id: openai/x, api_key: sk-secret-value}"))
    assert "sk-secret-value" not in str(caught.value)
