"""Bundles of odd runs, and bundles that were damaged at random: refused in words, never a crash."""

from __future__ import annotations

import json
import random
import shutil
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

import promptlab
from promptlab.basics.errors import PromptlabError
from promptlab.export.bundle import Packed, pack, replay

EXPERIMENT = """\
name: odd 实验
dataset: {path: data.jsonl, target: answer, choices: options, group: page, rationale: why}
task: {prompt: "{{ q }} {{ choices }}", answer: choice}
models: [{id: scripted/script.yaml, name: 模型}]
variants: [zero_shot, zero_shot_cot]
repeats: 2
scorers: [choice, {scorer: length, max: 3}, refusal]
"""
SCRIPT = """\
- {regex: "题1", reply: "I am sorry, I cannot help with that."}
- {regex: "题2", reply: "(A) or (B)"}
- {default: "答案是 (B)"}
"""
STRANGE = (None, True, -1, 1e308, 2**70, "", "../../etc", [], {}, [1], {"a": 1}, "\ud800")


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    """Repeats, groups, choices, rationales, integers beyond 64 bit, line separators, refusals."""
    folder = tmp_path_factory.mktemp("odd")
    rows = (
        {
            "q": f"题{i % 5} \u2028 {i / 3}",
            "options": ["红", "绿", "蓝"],
            "answer": "B" if i % 2 else "红",
            "page": f"p{i // 4}",
            "why": None if i % 3 else "因为",
            "extra": {"a": [1, 2.5, None]},
            "big": 2**70,
        }
        for i in range(12)
    )
    (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "script.yaml").write_text(SCRIPT)
    (folder / "exp.yaml").write_text(EXPERIMENT)
    home = folder / "home"
    run = promptlab.load(folder / "exp.yaml", home=home).run().run
    return pack(run, folder / "odd.zip", cache=home / "cache", folder=folder)


def test_groups_repeats_choices_and_failures_replay_to_the_same_table(packed: Packed, tmp_path: Path) -> None:
    found = replay(packed.path, tmp_path)
    assert (packed.trials, packed.lost) == (48, 0)
    assert (found.checked.trials, found.checked.graded, found.checked.not_graded) == (48, 48, ())
    assert found.replies == packed.replies
    assert found.digest == packed.digest
    shown = found.comparison.to_json()
    with zipfile.ZipFile(packed.path) as bundle:
        assert json.loads(bundle.read("comparison.json")) == json.loads(json.dumps(shown))
    assert {cell["refused"] > 0 and cell["unparsed"] > 0 for cell in shown["cells"]} == {True}


def changed(value: Any, draw: random.Random) -> Any:
    """One place of a JSON value made strange; JSON inside texts, too."""
    if isinstance(value, dict) and value and draw.random() < 0.85:
        key = draw.choice(list(value))
        if draw.random() < 0.15:
            return {name: each for name, each in value.items() if name != key}
        return {**value, key: changed(value[key], draw)}
    if isinstance(value, list) and value and draw.random() < 0.8:
        at = draw.randrange(len(value))
        return [*value[:at], changed(value[at], draw), *value[at + 1 :]]
    if isinstance(value, str) and value[:1] in ("{", "[") and draw.random() < 0.7:
        return json.dumps(changed(json.loads(value), draw))
    return draw.choice(STRANGE)


def damaged(source: Path, target: Path, draw: random.Random) -> None:
    """A row of one member changed, and all hashes made to fit again."""
    with zipfile.ZipFile(source) as bundle:
        members = {name: bundle.read(name) for name in bundle.namelist()}
    name = draw.choice([each for each in members if each not in ("experiment.yaml", "bundle.json")])
    lines = members[name].split(b"\n")
    at = draw.randrange(len(lines) - 1)
    lines[at] = json.dumps(changed(json.loads(lines[at]), draw)).encode()
    members[name] = b"\n".join(lines)
    contents = json.loads(members["bundle.json"])
    contents["members"][name] = {"bytes": len(members[name]), "sha256": sha256(members[name]).hexdigest()}
    members["bundle.json"] = json.dumps(contents).encode()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as bundle:
        for member, text in members.items():
            bundle.writestr(member, text)


def refusal(path: Path, out: Path) -> str | None:
    """What the replay says against a bundle; None, and its run removed again, where it says nothing."""
    try:
        found = replay(path, out)
    except PromptlabError as error:
        return str(error)
    shutil.rmtree(found.run.path)
    return None


def test_strange_rows_are_refused_in_words_and_leave_nothing_behind(packed: Packed, tmp_path: Path) -> None:
    draw = random.Random(7)
    said = []
    for _ in range(60):
        damaged(packed.path, tmp_path / "bad.zip", draw)
        said.append(refusal(tmp_path / "bad.zip", tmp_path / "out"))
        assert list((tmp_path / "out").glob("*")) == []
    refused = [each for each in said if each is not None]
    assert all(each.startswith("bad.zip ") for each in refused)
    assert len(refused) > 40  # the others changed what no number hangs on: a time, a position


def test_flipped_bytes_are_refused_in_words(packed: Packed, tmp_path: Path) -> None:
    draw = random.Random(8)
    whole = packed.path.read_bytes()
    said = []
    for _ in range(60):
        data = bytearray(whole)
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        (tmp_path / "bad.zip").write_bytes(data)
        said.append(refusal(tmp_path / "bad.zip", tmp_path / "out"))
    refused = [each for each in said if each is not None]
    assert all("bad.zip" in each for each in refused)
    assert len(refused) > 40  # the others are bits that no reader looks at, such as dates in the directory
