"""Think-on-Graph against a script: what is rated, what stays in the beam, when it ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bench import Bench, build, names, text_task, texts

from promptlab.models.transports.scripted import Expect
from promptlab.techniques.think_on_graph import ratings

FACTS = """Ada,wrote,Notes
Ada,born in,London
Ada,born in,Paris
Ada,knew,Babbage
Babbage,built,Engine
Babbage,lived in,London
Engine,made of,brass
"""
ROWS = [
    {"id": "a", "q": "Who wrote Notes?", "answer": "Ada", "split": "train"},
    {"id": "t", "q": "What was the machine of Ada's friend made of?", "answer": "brass", "split": "test"},
]


def bench(folder: Path, name: str = "think_on_graph", **settings: Any) -> Bench:
    (folder / "facts.csv").write_text(FACTS)
    graph = {"technique": "think_on_graph", "facts_file": "facts.csv", **settings}
    if name == "think_on_graph":
        technique = build(name, folder, facts_file="facts.csv", **settings)
    else:
        technique = build(name, folder, context=graph)
    return Bench(folder, technique, text_task(), ROWS)


def test_relations_then_entities_are_rated_until_the_facts_are_enough(tmp_path: Path) -> None:
    answer, context, door = bench(tmp_path, width=2).solve(
        [
            Expect("knew: 0.9\nborn in: 0.4\nwrote: 0.1", name="relations", contains="Ada stands in"),
            Expect("London: 0.2\nParis: 0", name="entities", contains=["born in", "London\nParis"]),
            Expect(
                "Not yet.\nno", name="enough", contains=["(Ada, knew, Babbage)", "(Ada, born in, London)"]
            ),
            Expect("built: 1", name="relations", contains="Babbage stands in", lacks="knew\n"),
            Expect("none helps", name="relations", contains="London stands in"),
            Expect("yes", name="enough", contains="(Babbage, built, Engine)", lacks="(Ada, born in, London)"),
            Expect("brass", name="answer", contains="(Ada, knew, Babbage)\n(Babbage, built, Engine)\n\nWhat"),
        ]
    )
    assert answer.reply.text == "brass"
    notes = context.trace.notes
    assert (notes["entities"], notes["ended_by"]) == (["Ada"], "enough")
    assert notes["steps"][0]["relations"] == [["Ada", "knew", 0.9], ["Ada", "born in", 0.4]]
    assert notes["steps"][0]["enough"] == "no"
    assert notes["steps"][1]["paths"] == [[["Ada", "knew", "Babbage"], ["Babbage", "built", "Engine"]]]
    assert "wrote: " not in texts(door, 1)[-1][1]  # two ways stay, the third is not looked at


def test_without_enough_at_the_last_step_the_model_answers_by_itself(tmp_path: Path) -> None:
    _, context, door = bench(tmp_path, depth=1).solve(["knew: 0.9", "hm", "brass"])
    assert names(context) == ["relations", "enough", "answer"]
    assert context.trace.notes["ended_by"] == "depth"
    assert context.trace.notes["steps"][0]["enough"] == "unreadable"
    assert texts(door, 2) == [("user", ROWS[1]["q"])]


@pytest.mark.parametrize("reply", ["", "抱歉", "knew", "knew: 7", "0.9 " * 25_000])
def test_ratings_that_cannot_be_read_lead_nowhere_and_the_record_says_so(tmp_path: Path, reply: str) -> None:
    _, context, _ = bench(tmp_path).solve([reply, "brass"])
    assert names(context) == ["relations", "answer"]
    assert context.trace.notes["ended_by"] == "nothing leads on"


def test_entities_without_readable_ratings_count_alike(tmp_path: Path) -> None:
    _, context, _ = bench(tmp_path).solve(["born in: 1", "?", "yes", "brass"])
    found = [path[-1][2] for path in context.trace.notes["steps"][0]["paths"]]
    assert found == ["London", "Paris"]


def test_a_question_without_a_known_entity_is_asked_without_the_graph(tmp_path: Path) -> None:
    (tmp_path / "facts.csv").write_text("Bach,composed,fugues\n")
    technique = build("think_on_graph", tmp_path, facts_file="facts.csv")
    _, context, _ = Bench(tmp_path, technique, text_task(), ROWS).solve(["brass"])
    assert context.trace.notes["ended_by"] == "no entity is linked"


def test_as_context_its_facts_stand_before_another_technique(tmp_path: Path) -> None:
    found = bench(tmp_path, "zero_shot_cot")
    _, context, door = found.solve(["knew: 1", "yes", "Hm.", "brass"])
    assert names(context) == ["context/relations", "context/enough", "reason", "answer"]
    assert "(Ada, knew, Babbage)\n\nWhat was the machine" in texts(door, 2)[0][1]
    technique = found.cell.technique
    assert technique.calls_in_all(found.cell.task).high == 3 * 7 + 2


def test_a_line_is_about_the_longest_name_in_it() -> None:
    told = "1. born in (city): 0.5\n2. born: 0.25\n* died in: about 1.0\nborn in: 0.9"
    assert ratings(told, ["born", "born in", "died in", "knew"]) == {
        "born": 0.25,
        "born in": 0.5,
        "died in": 1.0,
    }
