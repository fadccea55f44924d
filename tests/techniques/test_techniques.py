"""Each technique against a script: exact calls, what each contains, what happens on bad replies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bench import Bench, build, texts

from promptlab.basics.errors import ExperimentError
from promptlab.datasets import AnswerType
from promptlab.models.transports.scripted import Expect
from promptlab.techniques import Answer, Technique, TrialContext
from promptlab.techniques.zero_shot_cot import paper_extract


def test_zero_shot_sends_the_prompt_and_the_instruction_after_a_blank_line(tmp_path: Path) -> None:
    answer, _, door = Bench(tmp_path, build("zero_shot")).solve(["8"])
    assert texts(door) == [
        ("system", "You add."),
        ("user", "What is 7 + 1?\n\nReply with the number only."),
    ]
    assert door.requests[0].sampling == {"temperature": 0}
    assert answer.reply.text == "8"


def test_zero_shot_in_paper_mode_ends_with_the_papers_cue(tmp_path: Path) -> None:
    _, _, door = Bench(tmp_path, build("zero_shot", mode="paper")).solve(["8"])
    assert texts(door)[-1] == ("user", "What is 7 + 1?\n\nThe answer (arabic numerals) is")


def test_zero_shot_cot_reasons_and_then_states_the_answer(tmp_path: Path) -> None:
    bench = Bench(tmp_path, build("zero_shot_cot", reason_max_tokens=50))
    _, context, door = bench.solve(
        [Expect("7 and 1 make 8.", name="reason", sampling={"max_tokens": 50}), Expect("8", name="answer")]
    )
    asked = "What is 7 + 1?\n\nLet's think step by step."
    assert texts(door, 0) == [("system", "You add."), ("user", asked)]
    assert texts(door, 1) == [
        ("system", "You add."),
        ("user", asked),
        ("assistant", "7 and 1 make 8."),
        ("user", "Therefore, the answer (arabic numerals) is\n\nReply with the number only."),
    ]
    assert [call.name for call in context.trace.calls] == ["reason", "answer"]


def test_zero_shot_cot_single_puts_all_into_one_message_and_paper_mode_has_no_instruction(
    tmp_path: Path,
) -> None:
    _, _, door = Bench(tmp_path, build("zero_shot_cot", render="single", mode="paper")).solve(
        ["Seven, eight.", "8"]
    )
    assert texts(door, 1) == [
        ("system", "You add."),
        (
            "user",
            "What is 7 + 1?\n\nLet's think step by step.\nSeven, eight.\n"
            "Therefore, the answer (arabic numerals) is",
        ),
    ]


def test_zero_shot_cot_in_one_call_states_the_answer_itself(tmp_path: Path) -> None:
    _, _, door = Bench(tmp_path, build("zero_shot_cot", calls=1)).solve(["So. The answer is 8."])
    text = texts(door)[-1][1]
    assert "Let's think step by step." in text
    assert "The answer is X." in text
    assert text.endswith("Reply with the number only.")


def test_an_empty_reasoning_is_handed_on_as_it_is(tmp_path: Path) -> None:
    answer, _, door = Bench(tmp_path, build("zero_shot_cot")).solve(["", "8"])
    assert ("assistant", "") in texts(door, 1)
    assert answer.reply.text == "8"


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("It is 1,234.", AnswerType.NUMBER, "1234"),
        ("8 or 9", AnswerType.NUMBER, "8"),
        ("-3.50 is it", AnswerType.NUMBER, "-3.50"),
        ("none", AnswerType.NUMBER, None),
        ("The Answer is (C)", AnswerType.CHOICE, "A"),  # the paper's rule hits the A of "Answer"
        ("Yes, no doubt", AnswerType.YES_NO, "yes"),
    ],
)
def test_the_papers_rule_is_the_papers_with_its_faults(
    text: str, kind: AnswerType, value: str | None
) -> None:
    assert paper_extract(text, kind) == value


def test_few_shot_turns_show_each_demo_as_two_turns_without_the_instruction(tmp_path: Path) -> None:
    technique = build("few_shot", demos={"count": 2, "select": "fixed"})
    _, context, door = Bench(tmp_path, technique).solve(["8"])
    assert texts(door) == [
        ("system", "You add."),
        ("user", "What is 2 + 2?"),
        ("assistant", "4"),
        ("user", "What is 3 + 3?"),
        ("assistant", "6"),
        ("user", "What is 7 + 1?\n\nReply with the number only."),
    ]
    assert context.trace.notes["demos"] == ["a", "b"]


def test_few_shot_single_writes_the_same_demos_into_one_message(tmp_path: Path) -> None:
    technique = build("few_shot", demos={"count": 2, "select": "fixed", "render": "single"})
    _, _, door = Bench(tmp_path, technique).solve(["8"])
    assert texts(door) == [
        ("system", "You add."),
        (
            "user",
            "What is 2 + 2?\n4\n\nWhat is 3 + 3?\n6\n\nWhat is 7 + 1?\n\nReply with the number only.",
        ),
    ]


def test_a_number_is_short_for_the_count_of_demos() -> None:
    assert build("few_shot", demos=3) == build("few_shot", demos={"count": 3})


def test_the_duplicate_of_the_question_is_never_its_own_demo(tmp_path: Path) -> None:
    technique = build("few_shot", demos={"count": 2, "select": "fixed"})
    _, context, door = Bench(tmp_path, technique).solve(["4"], sample="twin")
    assert context.trace.notes["demos"] == ["b", "c"]
    assert sum("2 + 2" in text for _, text in texts(door)) == 1


def test_random_demos_are_the_same_for_every_question_and_depend_on_the_seed(tmp_path: Path) -> None:
    technique = build("few_shot", demos={"count": 1, "select": "random"})
    drawn = set()
    for seed in range(12):
        bench = Bench(tmp_path, technique)
        bench.cell.seed = seed
        first = bench.solve(["8"])[1].trace.notes["demos"]
        assert bench.solve(["8"])[1].trace.notes["demos"] == first
        drawn.add(tuple(first))
    assert len(drawn) > 1


def test_more_demos_than_train_rows_is_found_before_any_call(tmp_path: Path) -> None:
    technique = build("few_shot", demos={"count": 4})
    bench = Bench(tmp_path, technique)
    with pytest.raises(ExperimentError, match="4"):
        bench.cell.check()


def test_the_variants_sampling_beats_the_stage_the_models_and_the_default(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path, build("zero_shot_cot", reason_max_tokens=50), temperature=0.3, max_tokens=9, top_p=0.5
    )
    _, _, door = bench.solve(["r", "8"])
    assert door.requests[0].sampling == {"temperature": 0.3, "max_tokens": 50, "top_p": 0.5}
    assert door.requests[1].sampling == {"temperature": 0.3, "max_tokens": 9, "top_p": 0.5}
    bench.cell.sampling = {"max_tokens": 77}
    _, _, door = bench.solve(["r", "8"])
    assert door.requests[0].sampling["max_tokens"] == 77
    assert door.requests[0].defaults == frozenset()
    plain = Bench(tmp_path, build("zero_shot")).solve(["8"])[2]
    assert plain.requests[0].defaults == {"temperature"}


def test_identical_requests_of_one_trial_are_different_draws(tmp_path: Path) -> None:
    class Thrice(Technique):
        async def solve(self, question: Any, ctx: TrialContext) -> Answer:
            for _ in range(2):
                await ctx.ask(ctx.prompt(question))
            return Answer(await ctx.ask(ctx.prompt(question)))

    _, _, door = Bench(tmp_path, Thrice()).solve(["1", "2", "3"], repeat=4)
    assert [(request.draw.repeat, request.draw.ordinal) for request in door.requests] == [
        (4, 0),
        (4, 1),
        (4, 2),
    ]
    assert {request.draw.sample for request in door.requests} == {"t"}


def test_a_question_has_no_target() -> None:
    from promptlab.datasets import Question

    assert not {"target", "targets", "rationale"} & set(Question.__dataclass_fields__)


def shown_demos(bench: Bench, repeat: int) -> list[str]:
    _, context, _ = bench.solve([Expect(reply="8")], repeat=repeat)
    return list(context.trace.notes["demos"])


def vary(bench: Bench, *what: str) -> Bench:
    bench.cell.vary = frozenset(what)
    return bench


@pytest.mark.parametrize("select", ["random", "balanced"])
def test_demos_that_vary_are_drawn_anew_for_each_repeat_and_again_the_same(
    tmp_path: Path, select: str
) -> None:
    count = 2 if select == "random" else 3
    few = build("few_shot", demos={"count": count, "select": select})
    bench = vary(Bench(tmp_path, few), "completion", "demos")
    drawn = [shown_demos(bench, repeat) for repeat in range(8)]
    assert len({tuple(each) for each in drawn}) > 1 or select == "balanced"
    assert drawn == [shown_demos(bench, repeat) for repeat in range(8)]
    assert drawn[0] == shown_demos(
        vary(bench, "completion"), 0
    )  # the first repeat's are those of a run without
    assert {tuple(shown_demos(bench, repeat)) for repeat in range(8)} == {tuple(drawn[0])}


def test_an_order_that_varies_leaves_the_demo_set_as_it_is(tmp_path: Path) -> None:
    few = build("few_shot", demos={"count": 3})
    bench = vary(Bench(tmp_path, few), "completion", "order")
    drawn = [shown_demos(bench, repeat) for repeat in range(8)]
    assert drawn[0] == ["a", "b", "c"]
    assert {frozenset(each) for each in drawn} == {frozenset("abc")}
    assert len({tuple(each) for each in drawn}) > 1
