"""Techniques that look something up, and structured prompts: what is shown, recorded, and refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bench import Bench, build, names, text_task, texts
from pydantic import ValidationError

from promptlab.basics.errors import ExperimentError
from promptlab.datasets import AnswerType, PromptMessage, Task
from promptlab.models.transports.scripted import Expect
from promptlab.techniques import Technique
from promptlab.techniques.graph import Graph
from promptlab.techniques.knowledge_graph import BEFORE_FACTS
from promptlab.techniques.structured_prompt import RolePrompt
from promptlab.techniques.tools import ToolError, calculate

PASSAGES = [
    "The river Aru is 40 km long. It springs in the hills.",
    "Lake Bol is deep. Trout live in Lake Bol.",
    "Market days are Tuesday and Friday.",
]
ROWS: list[dict[str, Any]] = [
    {"id": "a", "q": "How deep is the sea?", "p": ["x"], "gold": ["1"], "answer": "deep", "split": "train"},
    {
        "id": "t",
        "q": "How long is the river Aru?",
        "p": PASSAGES,
        "gold": ["1", "9"],
        "answer": "40",
        "split": "test",
    },
]
TRIPLES = "Aru,flows into,Bol\nBol,lies in,Cann\nCann,has capital,Dorum\nAru,springs in,Hills\nEgg,is,round\n"


def bench(folder: Path, technique: Technique, answer: AnswerType = AnswerType.TEXT) -> Bench:
    return Bench(folder, technique, text_task("{{ q }}", answer), ROWS)


# Retrieval


def test_retrieval_shows_the_nearest_passages_of_a_corpus_and_records_their_ids(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("\n\n".join(PASSAGES))
    technique = build("retrieval", tmp_path, corpus_file="c.txt", k=2, relevant="gold")
    _, context, door = bench(tmp_path, technique).solve(["40 km"])
    sent = texts(door)[0][1]
    assert sent.startswith("Passages:\n\n[1] The river Aru is 40 km long.")
    assert 'reply "unknown"' in sent
    assert sent.endswith("How long is the river Aru?")
    assert context.trace.notes["retrieved"][0]["id"] == "1"
    assert context.trace.notes["recall_at_2"] == 0.5
    assert context.trace.notes["searched_by"] == "TF-IDF over character n-grams (no embedding model)"


def test_retrieval_in_the_samples_own_passages_and_nothing_found_is_said(tmp_path: Path) -> None:
    technique = build("retrieval", passages="p", k=1, by="bm25", refusal="")
    _, context, _ = bench(tmp_path, technique).solve(["40 km"])
    assert [each["id"] for each in context.trace.notes["retrieved"]] == ["1"]
    rows = [ROWS[0], {**ROWS[1], "p": ["zzz"]}]
    _, context, door = Bench(tmp_path, technique, text_task(), rows).solve(["?"])
    assert context.trace.notes["retrieved"] == []
    assert "(none was found)" in texts(door)[0][1]


def test_long_documents_are_cut_and_named_by_their_piece(tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text(f'{{"id": "d", "text": "{"word " * 50}river Aru"}}')
    technique = build("retrieval", tmp_path, corpus_file="c.jsonl", k=1, words=20, by="bm25")
    _, context, _ = bench(tmp_path, technique).solve(["x"])
    assert context.trace.notes["retrieved"][0]["id"] == "d#3"


@pytest.mark.parametrize("content", ["", '{"text": 3}', "{bad"])
def test_a_corpus_that_is_none_is_found_before_any_call(tmp_path: Path, content: str) -> None:
    (tmp_path / "c.jsonl").write_text(content)
    with pytest.raises(ExperimentError, match=r"c\.jsonl"):
        bench(tmp_path, build("retrieval", tmp_path, corpus_file="c.jsonl")).cell.check()


def test_retrieval_needs_exactly_one_source_a_known_column_and_a_model_for_embeddings(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="one of `corpus_file"):
        build("retrieval")
    with pytest.raises(ExperimentError, match="column"):
        bench(tmp_path, build("retrieval", passages="nope")).cell.check()
    with pytest.raises(ExperimentError, match="embedding"):
        bench(tmp_path, build("retrieval", passages="p", by="embedding")).cell.check()


# ReAct


def test_react_thinks_acts_and_observes_until_it_finishes(tmp_path: Path) -> None:
    technique = build("react", tools=["calculator", "lookup"], passages="p")
    answer, context, door = bench(tmp_path, technique, AnswerType.NUMBER).solve(
        [
            Expect(
                "Thought: find it\nAction: lookup[river Aru]\nObservation: made up",
                name="step 1",
                sampling={"stop": ["\nObservation"]},
            ),
            Expect(
                "Thought: sum\nAction: calculator[40 * 2]",
                contains="Observation: The river Aru is 40 km long",
            ),
            Expect("Thought: done\nAction: finish[80 km]", contains="Observation: 80", lacks="made up"),
        ]
    )
    assert answer.value == "80"
    assert names(context) == ["step 1", "step 2", "step 3"]
    assert context.trace.notes["steps"][1]["observation"] == "80"
    assert "- lookup[" in texts(door)[0][1]


def test_an_unknown_tool_and_a_bad_input_are_observations(tmp_path: Path) -> None:
    _, context, _ = bench(tmp_path, build("react")).solve(
        ["Action: google[Aru]", "Action: calculator[open('x')]", "Action: finish[40]"]
    )
    first, second, _ = context.trace.notes["steps"]
    assert first["observation"] == "There is no action 'google'. There are: calculator, finish."
    assert "cannot be calculated" in second["observation"]


def test_a_malformed_step_costs_exactly_one_more_call(tmp_path: Path) -> None:
    answer, context, _ = bench(tmp_path, build("react")).solve(["I think it is 40.", "Action: finish[40]"])
    assert names(context) == ["step 1", "step 1 again"]
    assert answer.value == "40"
    error, context, _ = bench(tmp_path, build("react")).fails(["I think it is 40.", ""])
    assert error.kind == "unparsed"
    assert len(context.trace.calls) == 2


def test_react_without_a_finish_is_a_failure_after_seven_steps(tmp_path: Path) -> None:
    error, context, _ = bench(tmp_path, build("react")).fails(["Action: calculator[1 + 1]"] * 7)
    assert "7 steps" in str(error)
    assert len(context.trace.notes["steps"]) == 7


def test_react_searches_a_local_corpus(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("\n\n".join(PASSAGES))
    technique = build("react", tmp_path, tools=["search"], corpus_file="c.txt")
    _, context, _ = bench(tmp_path, technique).solve(["Action: search[trout]", "Action: finish[Bol]"])
    assert "Trout live" in context.trace.notes["steps"][0]["observation"]
    with pytest.raises(ExperimentError, match="corpus_file"):
        bench(tmp_path, build("react", tools=["search"])).cell.check()


@pytest.mark.parametrize(
    ("text", "value"), [("(3 + 4) * 2", "14"), ("1,000 / 8 =", "125"), ("2 ^ 10", "1024"), ("-3 × 2", "-6")]
)
def test_the_calculator_calculates(text: str, value: str) -> None:
    assert calculate(text) == value


@pytest.mark.parametrize(
    "text", ["9**9**9", "1/0", "x", "__import__('os')", "(" * 150, "1" * 300, "", "2**0.5j"]
)
def test_the_calculator_refuses_everything_else(text: str) -> None:
    with pytest.raises(ToolError):
        calculate(text)


# Graphs


def test_the_nearest_triples_of_the_linked_entities_stand_before_the_question(tmp_path: Path) -> None:
    (tmp_path / "g.csv").write_text(TRIPLES)
    technique = build("knowledge_graph", tmp_path, facts_file="g.csv", k=2)
    _, context, door = bench(tmp_path, technique).solve(["?"])
    facts = context.trace.notes["facts"]
    assert context.trace.notes["entities"] == ["Aru"]
    assert {tuple(each) for each in facts} == {("Aru", "flows into", "Bol"), ("Aru", "springs in", "Hills")}
    assert texts(door)[0][1].startswith(f"{BEFORE_FACTS}\n(Aru, ")
    assert "no embedding model" in context.trace.notes["searched_by"]


def test_the_controls_show_no_facts_or_random_ones(tmp_path: Path) -> None:
    (tmp_path / "g.csv").write_text(TRIPLES)
    none = build("knowledge_graph", tmp_path, facts_file="g.csv", facts="none")
    assert texts(bench(tmp_path, none).solve(["?"])[2]) == [("user", "How long is the river Aru?")]
    drawn = build("knowledge_graph", tmp_path, facts_file="g.csv", facts="random", k=3)
    first = bench(tmp_path, drawn).solve(["?"])[1].trace.notes["facts"]
    assert len(first) == 3
    assert bench(tmp_path, drawn).solve(["?"])[1].trace.notes["facts"] == first


def test_where_nothing_is_linked_all_triples_are_searched_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "g.csv").write_text("Rivers,carry,water\nEgg,has,shell\n")
    technique = build("knowledge_graph", tmp_path, facts_file="g.csv", k=1)
    _, context, _ = bench(tmp_path, technique).solve(["?"])
    assert context.trace.notes["facts"] == [["Rivers", "carry", "water"]]
    assert context.trace.notes["linked"] == "nothing: all triples searched"


def test_mind_map_words_paths_and_neighbours_and_then_asks_for_the_chain(tmp_path: Path) -> None:
    (tmp_path / "g.csv").write_text(TRIPLES)
    rows = [ROWS[0], {**ROWS[1], "q": "What links Aru and Cann?"}]
    technique = build("mind_map", tmp_path, facts_file="g.csv")
    _, context, door = Bench(tmp_path, technique, text_task(), rows).solve(
        [
            Expect(
                "Aru reaches Cann.", name="paths", contains="(Aru, flows into, Bol)\n(Bol, lies in, Cann)"
            ),
            Expect("Cann has Dorum.", name="neighbours", contains="(Cann, has capital, Dorum)", lacks="Egg"),
            Expect(
                "Bol",
                name="answer",
                contains=["Evidence from paths:\nAru reaches Cann.", "chain of inference"],
            ),
        ]
    )
    assert context.trace.notes["entities"] == ["Aru", "Cann"]
    assert len(context.trace.notes["paths"][0]) == 2
    assert texts(door, 2)[0][1].index("Cann has Dorum.") < texts(door, 2)[0][1].index("What links")


def test_mind_map_without_entities_asks_the_question_alone(tmp_path: Path) -> None:
    (tmp_path / "g.csv").write_text("Egg,is,round\n")
    _, context, door = bench(tmp_path, build("mind_map", tmp_path, facts_file="g.csv")).solve(["40"])
    assert names(context) == ["answer"]
    assert texts(door) == [("user", "How long is the river Aru?")]


def test_entities_are_linked_by_words_the_longest_first_and_in_chinese_too() -> None:
    graph = Graph((("New York", "is in", "USA"), ("York", "is in", "England"), ("长江", "流经", "武汉")))
    assert graph.linked("Is new york in the usa?") == ["New York", "USA"]
    assert graph.linked("长江有多长？") == ["长江"]
    assert graph.path("York", "USA", 4) is None


@pytest.mark.parametrize("content", ["", "a,b\n", "a,,c\n"])
def test_a_file_without_triples_is_found_before_any_call(tmp_path: Path, content: str) -> None:
    (tmp_path / "g.csv").write_text(content)
    with pytest.raises(ExperimentError, match=r"g\.csv"):
        bench(tmp_path, build("knowledge_graph", tmp_path, facts_file="g.csv")).cell.check()


# Structured prompts


def test_a_structured_prompt_is_the_system_message_with_the_tasks_own_as_background(tmp_path: Path) -> None:
    task = Task(
        (PromptMessage("system", "You add."), PromptMessage("user", "{{ q }}")), AnswerType.TEXT, "Short."
    )
    technique = build("structured_prompt", prompt_sections={"role": "Hydrologist"})
    _, _, door = Bench(tmp_path, technique, task, ROWS).solve(["40"])
    (role, system), user = texts(door)
    assert role == "system"
    assert system.startswith("# Role: Hydrologist\n\n## Profile\n- Author: ")
    assert [line for line in system.split("\n") if line.startswith("##")] == [
        "## Profile", "### Skill", "## Background", "## Goal", "## Rules", "## Workflow", "## Initialization",
    ]  # fmt: skip
    assert "## Background\nYou add." in system
    assert user == ("user", "How long is the river Aru?\n\nShort.")
    assert "greet" not in system.lower()


def test_the_greeting_is_a_switch(tmp_path: Path) -> None:
    _, _, door = bench(tmp_path, build("structured_prompt", greeting=True)).solve(["40"])
    assert "greet the user" in texts(door)[0][1]


@pytest.mark.parametrize("style", ["markdown", "yaml", "json"])
def test_every_style_is_read_back_as_the_same_prompt(style: Any) -> None:
    prompt = RolePrompt(
        role='An "expert": 100 %',
        background="背景：无",
        rules=["- not # a heading", "2. numbered?", 'see <Goal> & "quotes" \\ too'],
        skill=["one"],
    )
    assert RolePrompt.parse(prompt.rendered(style), style) == prompt


def test_a_reference_that_resolves_to_no_section_is_refused() -> None:
    with pytest.raises(ValidationError, match="<Goals> refers to no section"):
        build("structured_prompt", prompt_sections={"rules": ["Reach <Goals>."]})
