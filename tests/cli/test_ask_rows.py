"""`promptlab ask --data`: a row of a data set by hand, and the experiment that asks all of them so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from real_command import RealCommand

from promptlab.playground import Draft, ModelChoice, Prompt, experiment_text, read_looks
from promptlab.playground.rows import row_source

QUESTION = "What is {{ q }}?"
ROWS = 10
TRAINED = """\
name: trained
dataset: {path: trained.jsonl, target: answer, split: {column: part}}
task: {prompt: "{{ q }}", answer: number}
models: [scripted/script.yaml]
variants: [zero_shot]
"""


@pytest.fixture
def command(tmp_path: Path) -> RealCommand:
    command = RealCommand(
        tmp_path, XDG_CACHE_HOME=str(tmp_path / "cache"), PROMPTLAB_HOME=str(tmp_path / "home")
    )
    rows = ({"id": f"s{i}", "q": f"{i} + {i}", "answer": str(2 * i)} for i in range(ROWS))
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "script.yaml").write_text("- {default: 'It is {{ prompt }}'}\n")
    return command


def at(provider: Any) -> tuple[str, ...]:
    return ("--model", "openai_like/fake", "--api-base", provider.openai)


def test_what_was_asked_of_a_row_the_experiment_that_was_saved_does_not_pay_again(
    command: RealCommand, fake_provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("ask", QUESTION, *at(fake_provider), "--temperature", "0.5", "--system", "Be {{ q }}.")
    _, told = command.run(
        *asked, "--data", "data.jsonl", "--split", "test", "--row", "2", "--save", "exp.yaml"
    )
    assert "wrote exp.yaml" in told
    assert "data: test row 2 of " in told
    assert "looks at test samples so far: 1" in told
    assert fake_provider.requests == 1
    written = (command.folder / "exp.yaml").read_text()
    monkeypatch.chdir(command.folder)
    choice = ModelChoice("openai_like/fake", {"id": "openai_like/fake", "api_base": fake_provider.openai})
    source = row_source("data.jsonl")
    prompt = Prompt(QUESTION, "Be {{ q }}.", answer=source.answer)
    draft = Draft("exp", prompt, source, [(choice, {"temperature": 0.5})], [("zero_shot", {})])
    assert written == experiment_text(draft, Path())
    for accepted in ("validate", "estimate"):
        command.run(accepted, "exp.yaml")
    command.compare()
    assert fake_provider.requests == ROWS
    assert "1 of them was looked at in the playground" in " ".join(
        command.run("compare", "exp.yaml")[0].split()
    )


def test_a_row_is_of_dev_unless_another_split_is_named_and_every_look_is_counted(
    command: RealCommand,
) -> None:
    asked = ("ask", QUESTION, "-m", "scripted/script.yaml", "--data", "data.jsonl", "--json")
    (first,) = json.loads(command.run(*asked)[0])
    assert (first["data"]["split"], first["data"]["row"]) == ("dev", 1)
    number = int(first["data"]["sample"][1:])
    assert first["reply"] == f"It is What is {number} + {number}?"
    assert first["data"]["targets"] == [str(2 * number)]
    (other,) = json.loads(command.run(*asked, "--split", "train", "--row", "random")[0])
    assert other["data"]["split"] == "train"
    (typed,) = json.loads(command.run(*asked, "--var", "q=1 + 1")[0])
    assert typed["reply"] == "It is What is 1 + 1?"
    home = command.folder / "home"
    assert read_looks(home).total == 3
    assert read_looks(home, "test").total == 0


def test_the_data_set_of_an_experiment_brings_its_answer_type_and_its_rows_for_demos(
    command: RealCommand,
) -> None:
    (command.folder / "two.yaml").write_text(
        "name: two\ndatasets:\n  - {path: data.jsonl, target: answer, id: id, name: a}\n"
        "  - {path: data.jsonl, target: answer, id: id, name: b}\n"
        'task: {prompt: "{{ q }}", answer: number}\nmodels: [scripted/script.yaml]\nvariants: [zero_shot]\n'
    )
    asked = ("ask", QUESTION, "-m", "scripted/script.yaml", "-t", "few_shot", "--set", "demos.count=2")
    _, told = command.run(*asked, "--data", "two.yaml", code=2)
    assert "two.yaml has 2 data sets. Name one: two.yaml#a, two.yaml#b." in told
    shown = command.run(*asked, "--data", "two.yaml#b", "--json", "--show-messages", "--save", "b.yaml")[0]
    (found,) = json.loads(shown)
    assert found["data"]["dataset"] == "b"
    assert len(found["calls"][0]["messages"]) == 5
    spec = (command.folder / "b.yaml").read_text()
    assert "name: b" in spec
    assert "count: 2" in spec
    command.run("validate", "b.yaml")


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("--row", "2"), "--row says something about a data set. Name it: --data FILE"),
        (("--save", "x.yaml"), "--save says something about a data set"),
        (("--data", "nowhere.csv"), "there is no file nowhere.csv"),
        (("--data", "data.jsonl", "--row", "99"), "Say 1 to "),
        (("--data", "data.jsonl", "--row", "first"), "Say 1 to "),
        (("--data", "data.jsonl", "--target", "anwser"), "Did you mean 'answer'?"),
        (("--data", "data.jsonl", "--system", "{{ z }}"), "{{ z }} has no value. data has q"),
        (("--data", "data.jsonl", "--save", "there.yaml"), "there.yaml is there already"),
        (("--data", "data.jsonl", "--save", "x.json"), "--save x.json is no YAML file"),
        (("--data", "data.jsonl", "--save", "x.yaml", "--var", "z=1"), "data has no such column"),
        (("--data", "bare.jsonl", "--save", "x.yaml", "--var", "q=1"), "Name its column: --target COLUMN"),
        (("--data", "broken.jsonl"), "broken.jsonl"),
        (
            ("--data", "trained.yaml", "--save", "x.yaml"),
            "trained has no test rows, and an experiment reports",
        ),
        (("--data", "tested.jsonl"), "tested has no dev or train rows. It has some here: --split test."),
    ],
)
def test_what_is_wrong_with_a_row_or_the_file_to_write_is_one_line_and_nothing_is_asked(
    command: RealCommand, args: tuple[str, ...], told: str
) -> None:
    (command.folder / "there.yaml").write_text("mine\n")
    (command.folder / "bare.jsonl").write_text("".join(f'{{"question": "{i} ?"}}\n' for i in range(9)))
    (command.folder / "tested.jsonl").write_text('{"q": "1", "answer": "2", "split": "test"}\n')
    (command.folder / "trained.jsonl").write_text('{"q": "1", "answer": "2", "part": "train"}\n')
    (command.folder / "trained.yaml").write_text(TRAINED)
    (command.folder / "broken.jsonl").write_text('{"q": 1}\n{"q": \n')
    asked = QUESTION if "--data" in args else "What?"
    shown, problem = command.run("ask", asked, "-m", "scripted/script.yaml", *args, code=2)
    assert shown == ""
    assert told in problem
    assert problem.count("\n") == 1
    assert (command.folder / "there.yaml").read_text() == "mine\n"
    assert not (command.folder / "x.yaml").exists()
    assert read_looks(command.folder / "home").total == 0


def test_a_file_that_is_there_is_overwritten_on_purpose(command: RealCommand) -> None:
    (command.folder / "there.yaml").write_text("mine\n")
    asked = ("ask", QUESTION, "-m", "scripted/script.yaml", "--data", "data.jsonl")
    command.run(*asked, "--save", "there.yaml", "--force")
    command.run("validate", "there.yaml")
