"""Techniques of several calls against a script: order, content, draws, stop rules, failures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bench import Bench, build, names, text_task, texts
from pydantic import ValidationError

from promptlab.basics.errors import ExperimentError
from promptlab.datasets import AnswerType
from promptlab.models.transports.scripted import Expect
from promptlab.techniques.least_to_most import ASK_PARTS, subproblems
from promptlab.techniques.plan_and_solve import TRIGGERS

LETTERS = 'Take the last letters of each words in "think machine learning" and concatenate them.'
LETTER_ROWS = [
    {"id": "a", "q": "One?", "answer": "1", "split": "train"},
    {"id": "b", "q": "Two?", "answer": "2", "split": "train"},
    {"id": "t", "q": LETTERS, "answer": "keg", "split": "test"},
]


def letters(folder: Path, **settings: Any) -> Bench:
    task = text_task(instruction="Reply with the letters only.")
    return Bench(folder, build("least_to_most", decompose_set="last_letter", **settings), task, LETTER_ROWS)


# Self-consistency


def test_self_consistency_draws_apart_at_its_temperature_and_takes_the_majority(tmp_path: Path) -> None:
    technique = build("self_consistency", samples=4, inner="zero_shot")
    answer, context, door = Bench(tmp_path, technique).solve(
        [Expect(said, sampling={"temperature": 0.7}) for said in ("8", "9", "8", "no idea")]
    )
    assert answer.value == "8"
    assert [request.draw.ordinal for request in door.requests] == [0, 1, 2, 3]
    assert len({request.messages for request in door.requests}) == 1
    assert names(context) == [f"sample {n}/answer" for n in range(1, 5)]
    assert context.trace.notes["votes"] == {"8": 2, "9": 1}
    assert context.trace.notes["agreement"] == 0.5
    assert context.trace.notes["samples"] == ["8", "9", "8", "(unparsed)"]


def test_draws_at_temperature_0_are_no_vote(tmp_path: Path) -> None:
    bench = Bench(tmp_path, build("self_consistency"))
    bench.cell.sampling = {"temperature": 0}
    with pytest.raises(ExperimentError, match="all the same"):
        bench.cell.check()


def test_the_first_seen_wins_a_tie_and_votes_are_over_parsed_answers(tmp_path: Path) -> None:
    technique = build("self_consistency", samples=4, inner="zero_shot")
    answer, _, _ = Bench(tmp_path, technique).solve(["The answer is 9.", "8", "It is 8.0", "9"])
    assert answer.value == "9"


def test_no_draw_with_an_answer_is_a_failure_not_an_answer(tmp_path: Path) -> None:
    error, context, _ = Bench(tmp_path, build("self_consistency", samples=2, inner="zero_shot")).fails(
        ["no idea", ""]
    )
    assert error.kind == "unparsed"
    assert context.trace.notes["samples"] == ["(unparsed)", "(unparsed)"]


def test_self_consistency_runs_over_any_technique_and_a_failed_draw_does_not_vote(tmp_path: Path) -> None:
    inner = {"technique": "least_to_most", "max_subproblems": 3}
    technique = build("self_consistency", samples=2, inner=inner)
    script = [
        Expect("no list", name="decompose", sampling={"temperature": 0.7}),
        Expect("1. What is 7?", name="decompose", sampling={"temperature": 0.7}),
        Expect("Seven.", name="subproblem", sampling={"temperature": 0.7}),
        Expect("8", name="answer", sampling={"temperature": 0.7}),
    ]
    answer, context, door = Bench(tmp_path, technique).solve(script)
    assert answer.value == "8"
    assert names(context)[1] == "sample 2/decompose"
    assert [request.draw.ordinal for request in door.requests] == [0, 1, 0, 0]
    assert context.trace.notes["sample 2"]["subproblems"] == [{"question": "What is 7?", "answer": "Seven."}]
    assert technique.planned_calls(Bench(tmp_path, technique).cell.task).high == 2 * 5


def test_self_consistency_over_two_stages_reads_each_chains_own_answer(tmp_path: Path) -> None:
    technique = build("self_consistency", samples=2, inner="zero_shot_cot")
    answer, _, door = Bench(tmp_path, technique).solve(["Long.", "8", "Longer.", "8"])
    assert answer.value == "8"
    assert ("assistant", "Longer.") in texts(door, 3)


# Least-to-most


def test_least_to_most_asks_each_part_with_all_earlier_replies_and_the_original_last(tmp_path: Path) -> None:
    one = 'Take the last letters of each words in "think" and concatenate them.'
    two = 'Take the last letters of each words in "think machine" and concatenate them.'
    answer, context, door = letters(tmp_path).solve(
        [
            Expect(f"1. {one}\n2. {two}\n3. {LETTERS}", name="decompose", contains=ASK_PARTS),
            Expect("It gives FIRST.", name="subproblem", lacks=["It gives SECOND", "Reply with the letters"]),
            Expect("It gives SECOND.", name="subproblem", contains="It gives FIRST."),
            Expect("keg", name="answer", matches="(?s)It gives FIRST.*It gives SECOND"),
        ]
    )
    assert answer.reply.text == "keg"
    assert names(context) == ["decompose", "subproblem", "subproblem", "answer"]
    assert texts(door, 3)[-5:] == [
        ("user", one),
        ("assistant", "It gives FIRST."),
        ("user", two),
        ("assistant", "It gives SECOND."),
        ("user", f"{LETTERS}\n\nReply with the letters only."),
    ]
    for call in range(4):
        assert sum(text.count(LETTERS) for _, text in texts(door, call)) == (0 if call in (1, 2) else 1)
    assert door.requests[3].sampling["temperature"] == 0
    assert context.trace.notes["demo_set"] == "last_letter"
    assert context.trace.notes["subproblems"][1] == {"question": two, "answer": "It gives SECOND."}


def test_quoted_parts_on_one_line_are_parts_and_the_whole_list_of_words_is_the_problem(
    tmp_path: Path,
) -> None:
    _, _, door = letters(tmp_path).solve(
        ['"think", "think, machine", "think, machine, learning"', "k", "ke", "keg"]
    )
    assert texts(door, 1)[-1] == ("user", "think")
    assert texts(door, 2)[-1] == ("user", "think, machine")


def test_the_solving_demos_are_the_same_in_every_call_and_the_decomposing_ones_in_none_of_them(
    tmp_path: Path,
) -> None:
    _, _, door = letters(tmp_path).solve(["1. think", "k", "keg"])
    solving = texts(door, 1)[:-1]
    assert texts(door, 2)[: len(solving)] == solving
    assert not any(ASK_PARTS in text for _, text in solving)
    assert sum(ASK_PARTS in text for _, text in texts(door, 0)) == 4


@pytest.mark.parametrize("reply", ["", "I would rather not.", "   \n"])
def test_a_decomposition_without_parts_is_a_failure_after_one_call(tmp_path: Path, reply: str) -> None:
    error, context, _ = letters(tmp_path).fails([reply])
    assert error.kind == "unparsed"
    assert names(context) == ["decompose"]


def test_a_decomposition_that_never_ends_is_cut_and_the_cut_is_recorded(tmp_path: Path) -> None:
    long = "\n".join(f"{n}. Part {n}?" for n in range(1, 400))
    _, context, _ = letters(tmp_path, max_subproblems=2).solve([long, "x", "y", "keg"])
    assert context.trace.notes["cut"] == 399
    assert names(context).count("subproblem") == 2


def test_parts_that_cannot_stand_alone_are_asked_after_the_problem(tmp_path: Path) -> None:
    _, _, door = Bench(tmp_path, build("least_to_most")).solve(["1. What is 7?\n2. What is 7 + 1?", "7", "8"])
    assert texts(door, 1)[-1] == ("user", "What is 7 + 1?\n\nWhat is 7?")
    assert texts(door, 2)[-3:] == [
        ("user", "What is 7?"),
        ("assistant", "7"),
        ("user", "What is 7 + 1?\n\nReply with the number only."),
    ]
    assert texts(door, 2)[0] == ("system", "You add.")


def test_few_shot_demos_stand_inside_least_to_most_in_the_solving_calls_only(tmp_path: Path) -> None:
    technique = build("least_to_most", demos=2)
    _, context, door = Bench(tmp_path, technique).solve(["1. What is 7?", "7", "8"])
    assert ("user", "What is 2 + 2?") not in texts(door, 0)
    assert texts(door, 1)[1:5] == texts(door, 2)[1:5]
    assert texts(door, 2)[1:3] == [("user", "What is 2 + 2?"), ("assistant", "4")]
    assert context.trace.notes["demos"] == ["a", "b"]


def test_the_single_pass_is_one_call(tmp_path: Path) -> None:
    _, context, door = letters(tmp_path, mode="single_pass").solve(["1. k 2. e 3. g The answer is keg."])
    assert names(context) == ["answer"]
    assert texts(door)[-1][1].startswith(LETTERS)


def test_an_unknown_demo_set_is_named_with_the_nearest(tmp_path: Path) -> None:
    bench = Bench(tmp_path, build("least_to_most", decompose_set="last_leter"))
    with pytest.raises(ExperimentError, match="last_letter"):
        bench.cell.check()
    with pytest.raises(ValidationError, match=r"no demo set 'word_problem'.*word_problems"):
        build("chain_of_thought", demos={"set": "word_problem"})


def test_a_list_of_a_hundred_kilobytes_is_read_in_no_time() -> None:
    for text in ("\n" * 100_000, "1." + " " * 100_000, "- " * 50_000, '"' * 100_000, "1. a\n" * 20_000):
        assert isinstance(subproblems(text), list)


# Plan-and-solve


def test_plan_and_solve_is_one_call_where_the_reply_states_the_answer(tmp_path: Path) -> None:
    answer, context, door = Bench(tmp_path, build("plan_and_solve")).solve(["Plan. So the answer is 8."])
    assert texts(door)[-1] == ("user", f"What is 7 + 1?\n\n{TRIGGERS['ps']}")
    assert answer.reply.text.endswith("8.")
    assert context.trace.notes["second_call"] is False


def test_plan_and_solve_asks_again_only_where_no_answer_phrase_came(tmp_path: Path) -> None:
    bench = Bench(tmp_path, build("plan_and_solve", plan="ps+"))
    answer, context, door = bench.solve(["First add 7, then 1.", "8"])
    assert texts(door, 1)[-1][1].startswith("Therefore, the answer (arabic numerals) is")
    assert texts(door, 1)[-2] == ("assistant", "First add 7, then 1.")
    assert names(context) == ["reason", "answer"]
    assert answer.reply.text == "8"


def test_an_empty_plan_is_a_failure(tmp_path: Path) -> None:
    error, _, _ = Bench(tmp_path, build("plan_and_solve")).fails([" "])
    assert error.kind == "unparsed"


# Prompt chain

CHAIN = [
    {"name": "draft", "prompt": "Translate: {{ q }}"},
    {"name": "critique", "prompt": "What is wrong with {{ draft }}?"},
    {"name": "final", "prompt": "{{ q }} / {{ draft }} / {{ critique }}"},
]


def test_a_chain_fills_each_step_with_the_replies_before_it(tmp_path: Path) -> None:
    answer, context, door = Bench(tmp_path, build("prompt_chain", steps=CHAIN)).solve(["D", "C", "8"])
    assert [texts(door, n)[-1][1] for n in range(3)] == [
        "Translate: 7 + 1",
        "What is wrong with D?",
        "7 + 1 / D / C\n\nReply with the number only.",
    ]
    assert texts(door, 1)[0] == ("system", "You add.")
    assert names(context) == ["draft", "critique", "final"]
    assert (context.trace.notes["draft"], answer.reply.text) == ("D", "8")


def test_a_bare_chain_finds_facts_first(tmp_path: Path) -> None:
    _, context, door = Bench(tmp_path, build("prompt_chain")).solve(["F", "8"])
    assert names(context) == ["facts", "answer"]
    assert "What is 7 + 1?" in texts(door, 1)[-1][1]


@pytest.mark.parametrize(
    ("steps", "field"),
    [
        ([{"name": "a", "prompt": "{{ b }}"}, {"name": "b", "prompt": "x"}], "steps.0.prompt"),
        ([{"name": "q", "prompt": "x"}], "steps.0.name"),
    ],
)
def test_a_variable_that_nothing_fills_is_found_before_the_first_call(
    tmp_path: Path, steps: list[Any], field: str
) -> None:
    with pytest.raises(ExperimentError) as found:
        Bench(tmp_path, build("prompt_chain", steps=steps)).cell.check()
    assert found.value.field == field


def test_a_chain_with_two_steps_of_one_name_is_refused() -> None:
    with pytest.raises(ValidationError, match="two steps are named 'a'"):
        build("prompt_chain", steps=[{"name": "a", "prompt": "x"}, {"name": "a", "prompt": "y"}])


# Self-refine


def test_self_refine_stops_at_the_stop_phrase(tmp_path: Path) -> None:
    answer, context, door = Bench(tmp_path, build("self_refine")).solve(
        [
            Expect("9", name="answer", sampling={"temperature": 0}),
            Expect("One too many.", name="feedback", sampling={"temperature": 0.7}),
            Expect("8", name="rewrite", contains=["9", "One too many."], sampling={"temperature": 0.7}),
            Expect("Nothing to improve.", name="feedback", contains=["9", "One too many.", "8"]),
        ]
    )
    assert answer.reply.text == "8"
    assert context.trace.notes["ended_by"] == "stop phrase"
    instruction = "Reply with the number only."
    assert [sum(text.count(instruction) for _, text in texts(door, n)) for n in range(4)] == [1, 0, 1, 0]


def test_self_refine_ends_after_four_rounds_with_the_last_rewrite(tmp_path: Path) -> None:
    answer, context, _ = Bench(tmp_path, build("self_refine")).solve(
        ["0", *["bad", "worse"] * 3, "bad", "last"]
    )
    assert answer.reply.text == "last"
    assert len(context.trace.calls) == 9
    assert context.trace.notes["ended_by"] == "4 rounds"


def test_no_prompt_of_self_refine_holds_the_target(tmp_path: Path) -> None:
    rows = [{"id": "t", "q": "7 + 1", "answer": "GOLD", "split": "test"}]
    rows.append({"id": "a", "q": "2", "answer": "GOLD", "split": "train"})
    task = text_task("{{ q }}", AnswerType.TEXT)
    Bench(tmp_path, build("self_refine", rounds=1), task, rows).solve(
        [Expect(said, lacks="GOLD") for said in ("a", "b", "c")]
    )
