"""Further techniques against a script: exact calls, what each contains, what happens on bad replies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bench import Bench, build, names, texts

from promptlab.models.transports.scripted import Expect
from promptlab.retrieval import demo_set
from promptlab.techniques.contrastive_cot import incoherent

INSTRUCTION = "Reply with the number only."


@pytest.mark.parametrize(
    ("name", "settings", "contains"),
    [
        ("emotion_prompt", {}, "This is very important to my career."),
        ("analogical", {"examples": 2}, "recall 2 problems"),
        ("meta_prompt", {}, "Given: [what is known]"),
    ],
)
def test_one_call_with_the_cue_between_question_and_instruction(
    tmp_path: Path, name: str, settings: dict[str, Any], contains: str
) -> None:
    _, context, door = Bench(tmp_path, build(name, **settings)).solve(["The answer is 8."])
    sent = texts(door)[-1][1]
    assert sent.startswith("What is 7 + 1?\n\n")
    assert sent.endswith(INSTRUCTION)
    assert contains in sent
    assert names(context) == ["answer"]


def test_thread_of_thought_walks_through_and_then_states_the_answer(tmp_path: Path) -> None:
    _, context, door = Bench(tmp_path, build("thread_of_thought")).solve(["Parts.", "8"])
    assert names(context) == ["reason", "answer"]
    assert texts(door, 1)[-2] == ("assistant", "Parts.")
    assert INSTRUCTION not in texts(door, 0)[-1][1]


def test_the_expert_answers_with_its_identity_as_system_message(tmp_path: Path) -> None:
    _, context, door = Bench(tmp_path, build("expert_prompt")).solve(["You are a clerk.", "8"])
    assert texts(door, 1)[0] == ("system", "You add.\n\nYou are a clerk.")
    assert context.trace.notes["identity"] == "You are a clerk."
    _, _, door = Bench(tmp_path, build("expert_prompt")).solve(["", "8"])
    assert texts(door, 1)[0] == ("system", "You add.")


def test_step_back_puts_the_general_question_and_its_answer_before_the_question(tmp_path: Path) -> None:
    _, context, door = Bench(tmp_path, build("step_back")).solve(["What is a sum?", "All together.", "8"])
    assert texts(door, 1)[-1] == ("user", "What is a sum?")
    assert texts(door, 2)[-1][1].startswith("What is a sum?\nAll together.\n\nWhat is 7 + 1?")
    assert names(context) == ["step back", "principle", "answer"]
    assert Bench(tmp_path, build("step_back")).fails([" "])[0].kind == "unparsed"


def test_generated_knowledge_is_drawn_and_stands_before_any_technique(tmp_path: Path) -> None:
    knowledge = {"technique": "generated_knowledge", "count": 3}
    technique = build("zero_shot_cot", context=knowledge)
    _, context, door = Bench(tmp_path, technique).solve(
        [*(Expect(said, sampling={"temperature": 0.7}) for said in ("A.", "", "A.")), "Hm.", "8"]
    )
    assert names(context)[:3] == ["context/knowledge"] * 3
    assert [request.draw.ordinal for request in door.requests[:3]] == [0, 1, 2]
    assert texts(door, 3)[-1][1].startswith("Knowledge:\n- A.\n\nWhat is 7 + 1?")
    assert door.requests[4].sampling["temperature"] == 0
    assert technique.calls_in_all(Bench(tmp_path, technique).cell.task).high == 5


def test_system_2_attention_answers_the_rewritten_prompt_alone(tmp_path: Path) -> None:
    _, _, door = Bench(tmp_path, build("system2_attention")).solve(["7 + 1 = ?", "8"])
    assert texts(door, 1) == [("system", "You add."), ("user", f"7 + 1 = ?\n\n{INSTRUCTION}")]
    assert Bench(tmp_path, build("system2_attention")).fails([""])[0].kind == "unparsed"


def test_chain_of_verification_checks_without_sight_of_the_draft(tmp_path: Path) -> None:
    technique = build("chain_of_verification", checks=2)
    _, context, _ = Bench(tmp_path, technique).solve(
        [
            Expect("DRAFT", name="draft"),
            Expect("1. Is 7 odd?\n2. Is 1 odd?\n3. More?", name="plan", contains="DRAFT"),
            Expect("yes", name="check", contains="Is 7 odd?", lacks="DRAFT"),
            Expect("also", name="check", contains="Is 1 odd?", lacks=["DRAFT", "Is 7 odd?"]),
            Expect("8", name="answer", contains=["DRAFT", "Is 7 odd? yes", "Is 1 odd? also", INSTRUCTION]),
        ]
    )
    assert context.trace.notes["planned_checks"] == 3
    answer, context, _ = Bench(tmp_path, technique).solve(["8", "none"])
    assert answer.reply.text == "8"
    assert context.trace.notes["ended_by"] == "no check was planned"


def test_an_ensemble_votes_over_different_prompts(tmp_path: Path) -> None:
    technique = build(
        "ensemble", members=["zero_shot", "zero_shot_cot", {"technique": "few_shot", "demos": 1}]
    )
    answer, context, door = Bench(tmp_path, technique).solve(["9", "Hm.", "8", "8"])
    assert answer.value == "8"
    assert names(context)[1] == "member 2 (zero_shot_cot)/reason"
    assert context.trace.notes["members"] == ["9", "8", "8"]
    assert context.trace.notes["member 3 (few_shot)"]["demos"] == ["a"]
    assert {request.sampling["temperature"] for request in door.requests} == {0}
    assert technique.needs_train()


def test_a_skeletons_points_are_written_apart_and_joined(tmp_path: Path) -> None:
    answer, context, door = Bench(tmp_path, build("skeleton")).solve(
        [
            Expect("1. One\n2. Two", name="skeleton"),
            Expect("First.", name="point"),
            Expect("Second.", lacks="First."),
        ]
    )
    assert answer.reply.text == "1. First.\n2. Second."
    assert context.trace.notes["outline"] == ["One", "Two"]
    assert "Write point 2 only" in texts(door, 2)[-1][1]
    assert Bench(tmp_path, build("skeleton")).fails(["no"])[0].kind == "unparsed"


def test_contrastive_demos_show_a_wrong_explanation_made_of_the_right_one(tmp_path: Path) -> None:
    _, _, door = Bench(tmp_path, build("contrastive_cot")).solve(["8"])
    first = demo_set("word_problems")[0]
    told = texts(door)[2][1]
    assert told.startswith(f"{first.rationale} The answer is 58.\nWrong explanation: ")
    assert incoherent("2 and 3 make 5") == "3 and 5 make 2"
    assert incoherent("no objects") is None
    assert incoherent("7 and 7") is None


def test_the_control_votes_over_the_nearest_targets_and_asks_nobody(tmp_path: Path) -> None:
    technique = build("knn_vote", demos={"count": 3, "select": "bm25", "order": "nearest_first"})
    answer, context, _ = Bench(tmp_path, technique).solve([])
    assert answer.reply.text == "4"  # one vote each: the first of the nearest
    assert context.trace.notes["votes"] == {"4": 1, "6": 1, "10": 1}
    assert context.trace.calls == []


def test_auto_cot_reasons_out_demos_of_different_clusters_without_their_targets(tmp_path: Path) -> None:
    technique = build("auto_cot", clusters=2)
    said = "One and one. The answer is 99."
    _, context, door = Bench(tmp_path, technique).solve(
        [
            Expect(said, name="rationale", sampling={"temperature": 0}),
            Expect(said, name="rationale"),
            Expect("8", contains=said),
        ]
    )
    assert len(context.trace.notes["demos"]) == 2
    assert ("assistant", said) in texts(door, 2)
    assert "Let's think step by step." in texts(door, 2)[-1][1]
    again = Bench(tmp_path, technique).solve([said, said, "8"])[2]
    assert again.requests[0].messages == door.requests[0].messages
    assert Bench(tmp_path, technique).fails(["", ""])[0].kind == "unparsed"


def test_tree_of_thoughts_keeps_the_best_valued_paths(tmp_path: Path) -> None:
    technique = build("tree_of_thoughts", depth=2, width=2, keep=1, samples=2)
    values = ["impossible", "likely", "I am sure\nsure", "Sure."]
    answer, context, door = Bench(tmp_path, technique).solve(
        [
            Expect("1. add\n2. count", name="propose", contains="(none yet)"),
            *(Expect(value, name="value", sampling={"temperature": 0.7}) for value in values),
            Expect("1. say 8", name="propose", contains="1. count", lacks="add\n"),
            *(Expect("no word", name="value") for _ in range(2)),
            Expect("8", name="answer", contains=["1. count\n2. say 8", INSTRUCTION]),
        ]
    )
    assert answer.reply.text == "8"
    assert context.trace.notes["levels"][0] == [
        {"step": "add", "value": 1.001},
        {"step": "count", "value": 40.0},
    ]
    assert [request.draw.ordinal for request in door.requests[1:5]] == [0, 1, 0, 1]
    assert Bench(tmp_path, technique).fails(["nothing"])[0].kind == "unparsed"


def test_a_directional_stimulus_stands_with_the_question(tmp_path: Path) -> None:
    _, context, door = Bench(tmp_path, build("directional_stimulus")).solve(["seven;\none", "8"])
    assert texts(door, 1)[-1] == ("user", f"What is 7 + 1?\n\nHint: seven; one\n\n{INSTRUCTION}")
    assert names(context) == ["hint", "answer"]
    _, _, door = Bench(tmp_path, build("directional_stimulus")).solve(["", "8"])
    assert "Hint" not in texts(door, 1)[-1][1]


def test_reflexion_tries_again_with_all_reflections_until_its_own_judge_is_content(tmp_path: Path) -> None:
    answer, context, _ = Bench(tmp_path, build("reflexion")).solve(
        [
            Expect("9", name="answer"),
            Expect("Hm.\nwrong", name="judge", contains="9", sampling={"temperature": 0}),
            Expect("FIRST", name="reflect"),
            Expect("7", name="answer", contains="FIRST"),
            Expect("Wrong.", name="judge"),
            Expect("SECOND", name="reflect"),
            Expect("8", name="answer", contains=["FIRST", "SECOND", INSTRUCTION]),
            Expect("All right: right", name="judge"),
        ]
    )
    assert answer.reply.text == "8"
    assert [each["verdict"] for each in context.trace.notes["attempts"]] == ["wrong", "wrong", "right"]
    answer, context, _ = Bench(tmp_path, build("reflexion")).solve(["9", "no idea"])
    assert context.trace.notes["attempts"][0]["verdict"] == "unreadable"
    assert answer.reply.text == "9"
    assert len(Bench(tmp_path, build("reflexion", attempts=1)).solve(["9", "wrong"])[1].trace.calls) == 2


@pytest.mark.parametrize("reply", ["", "x" * 100_000, "抱歉，我不知道。", "\n" * 1000, "1. " * 3_000])
def test_no_reply_however_odd_breaks_a_technique(tmp_path: Path, reply: str) -> None:
    """An empty, endless or foreign reply ends as an answer that cannot be read, or a typed failure."""
    from promptlab.basics.errors import NoAnswer
    from promptlab.models.request import Completion, Request
    from promptlab.techniques import TrialContext, techniques

    class Door:
        async def complete(self, request: Request) -> Completion:
            return Completion(reply)

    import asyncio

    (tmp_path / "g.csv").write_text("seven,is,odd\n")
    (tmp_path / "c.txt").write_text("Seven is odd.")
    (tmp_path / "o.json").write_text('{"signature": {"instructions": "Add."}, "demos": []}')
    needed = {
        "optimized": {"from": "o.json"},
        "retrieval": {"corpus_file": "c.txt"},
        "knowledge_graph": {"facts_file": "g.csv"},
        "mind_map": {"facts_file": "g.csv"},
        "think_on_graph": {"facts_file": "g.csv"},
        "few_shot": {"demos": 2},
        "knn_vote": {"demos": {"count": 2, "select": "knn"}},
        "auto_cot": {"clusters": 2},
    }

    async def work(name: str) -> None:
        bench = Bench(tmp_path, build(name, tmp_path, **needed.get(name, {})))
        await bench.cell.prepare()
        found = bench.dataset.find("t", "test")
        assert found is not None
        context = TrialContext.over(bench.cell, Door(), found, 0)
        try:
            answer = await context.solve()
        except NoAnswer:
            return
        context.read(answer)

    for name, cls in techniques:
        if cls.__module__.startswith("promptlab."):
            asyncio.run(work(name))
