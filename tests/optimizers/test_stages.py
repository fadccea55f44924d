"""Each optimizer against a script, stage by stage: what it asks, with what, in what order."""

from __future__ import annotations

from pathlib import Path

from workbench import Workbench, rows

from promptlab.models.transports.scripted import Expect
from promptlab.optimizers import Program
from promptlab.optimizers.reprompt import edited
from promptlab.optimizers.writing import between, cleaned, holds_answers

DATA = rows(train=3, dev=2)


def wrong(count: int, contains: str = "Plural of ", lacks: str = "train") -> list[Expect]:
    return [Expect("nonsense", contains=contains, lacks=lacks, name="answer") for _ in range(count)]


def right(count: int, contains: str) -> list[Expect]:
    """Dev rows in order, answered as wanted."""
    return [Expect(f"devword{n}xs", contains=[contains, f"devword{n}x"], name="answer") for n in range(count)]


def half(contains: str) -> list[Expect]:
    return [right(1, contains)[0], *wrong(1, contains)]


def test_ape_induces_drops_duplicates_halves_and_scores_the_rest_on_dev(tmp_path: Path) -> None:
    script = [
        *wrong(2),
        Expect('"Add an s."', name="induce", contains="trainword", sampling={"temperature": 0.9}),
        Expect("Instruction: Add an s.", name="induce", contains="What was the instruction?"),
        Expect("Double it.", name="induce", contains="trainword"),
        Expect("", name="induce"),
        *right(1, "Add an s."),
        *wrong(1, "Double it."),
        *wrong(1, "Add an s."),
    ]
    bench = Workbench(tmp_path, "ape", DATA, subsamples=2, demos_each=2, draws=2)
    artifact = bench.compile(script).artifact
    assert artifact.program == Program("Add an s.")
    assert artifact.score == 0.5
    assert [row["why"] for row in artifact.history] == [
        "the task's own prompt",
        "proposed before",
        "an empty reply",
        "0.000 on 1 dev rows, the lower half",
        "left after halving: better than 0.000",
    ]


def test_opro_shows_the_ladder_in_ascending_order_and_drops_what_it_must(tmp_path: Path) -> None:
    script = [
        *wrong(2),
        Expect("<START>Add an s.<END>", name="propose", contains="score: 0", sampling={"temperature": 1.0}),
        Expect("<START>trainword0xs trainword1xs trainword2xs<END>", name="propose"),
        Expect(f"<START>{'x' * 60}<END>", name="propose"),
        *half("Add an s."),
        Expect(
            "<START>Add an s.<END>",
            name="propose",
            contains="<START><END>\nscore: 0\n\n<START>Add an s.<END>\nscore: 50",
        ),
        Expect("", name="propose"),
        Expect("<START>Always add s.<END>", name="propose"),
        *right(2, "Always add s."),
    ]
    bench = Workbench(tmp_path, "opro", DATA, steps=2, proposals=3, exemplars=3, max_chars=50)
    artifact = bench.compile(script).artifact
    assert artifact.program.instruction == "Always add s."
    assert [row["why"] for row in artifact.history] == [
        "the task's own prompt",
        "better than 0.000",
        "it holds an answer of the examples",
        "longer than 50 characters",
        "seen before",
        "an empty reply",
        "better than 0.500",
    ]


def test_prompt_wizard_goes_through_all_its_stages_in_order(tmp_path: Path) -> None:
    script = [
        *wrong(2),
        # one round: mutate, score on train, critique, synthesise, score on dev
        Expect("<START>A<END> and <START>B<END>", name="mutate", contains="Write 2 other", lacks="devword"),
        *train_wrong(2),  # the prompt as it is, on both batches
        Expect("nonsense", contains="A\n\nPlural of train", name="answer"),
        Expect("nonsense", contains="A\n\nPlural of train", name="answer"),
        Expect("nonsense", contains="B\n\nPlural of train", name="answer"),
        Expect("nonsense", contains="B\n\nPlural of train", name="answer"),
        Expect("Too vague.", name="critique", contains=["It went wrong here", "trainword"]),
        Expect("<START>Add an s.<END>", name="synthesise", contains="Too vague."),
        *half("Add an s."),
        # examples, those that went wrong first; then synthetic ones
        *[Expect("nonsense", contains=["Add an s.", "trainword"], name="answer") for _ in range(3)],
        *[
            Expect("nonsense", contains=["Add an s.", "assistant: trainword"], name="answer")
            for _ in range(2)
        ],
        Expect("Show more.", name="critique_examples", contains="devword1x"),
        Expect(
            "<START>Input: Plural of ox?\nOutput: oxs<END>", name="synthesise_examples", contains="Show more."
        ),
        *half("user: Plural of ox?\n\nassistant: oxs"),
        # identity and keywords
        Expect("You are a linguist.", name="identity", contains="Add an s."),
        *half("You are a linguist.\nAdd an s."),
        Expect("plural, s", name="keywords"),
        *right(2, "Add an s.\nKeywords: plural, s"),
    ]
    bench = Workbench(
        tmp_path,
        "prompt_wizard",
        DATA,
        rounds=1,
        mutations=1,
        variations=2,
        batch=1,
        shots=2,
        example_rounds=1,
    )
    artifact = bench.compile(script).artifact
    assert artifact.program.instruction == "Add an s.\nKeywords: plural, s"
    assert artifact.score == 1.0


def train_wrong(count: int) -> list[Expect]:
    """The task's own prompt on train rows."""
    return [Expect("nonsense", contains="Plural of trainword", lacks="\n\nA\n", name="answer")] * count


def test_reprompt_changes_one_step_and_not_a_byte_outside_the_steps(tmp_path: Path) -> None:
    first = "Work through these steps:\n1. Look.\n2. Answer."
    then = "Work through these steps:\n1. Look.\n2. Add an s."
    script = [
        *wrong(2),
        *wrong(2, first),
        *[Expect("nonsense", contains=[first, "trainword"], name="answer") for _ in range(3)],
        Expect(
            "It forgets the s.", name="summarise", contains="Reply: nonsense", sampling={"temperature": 0.0}
        ),
        Expect("EDIT 2: Add an s.", name="edit", contains="It forgets the s.", lacks="xs"),
        *half(then),
        *[Expect("nonsense", contains=[then, "trainword"], name="answer") for _ in range(3)],
        Expect("Nothing more.", name="summarise", contains="2. Add an s.", lacks="xs"),
        Expect("UNCHANGED", name="edit"),
    ]
    bench = Workbench(tmp_path, "reprompt", DATA, steps=["Look.", "Answer."], epochs=4)
    artifact = bench.compile(script).artifact
    assert artifact.program.instruction == then
    assert artifact.ending == "finished"
    assert artifact.history[-1]["why"] == "the steps stay unchanged"


def test_reprompt_never_tells_an_accepted_answer(tmp_path: Path) -> None:
    told = Workbench(tmp_path, "reprompt", DATA, epochs=2).compile(
        lambda request: "It is trainword0xs, or so." if request.name == "answer" else "EDIT 1: Look twice."
    )
    (summarised, *_) = told.named("summarise")
    assert "Plural of trainword1x?" in summarised
    assert "Plural of trainword0x?" not in summarised  # its reply names the answer
    assert "trainword1xs" not in summarised


def test_random_search_proposes_then_draws_until_the_budget_ends(tmp_path: Path) -> None:
    told = Workbench(tmp_path, "random_search", DATA, instructions=2, budget_calls=20).compile(
        lambda request: "Try." if request.name == "propose" else "nonsense"
    )
    assert len(told.named("propose")) == 2
    assert told.artifact.ending == "budget"
    assert len(told.requests) == 20
    assert len(told.artifact.history) == 9


def test_steps_are_edited_one_at_a_time() -> None:
    steps = ("a", "b")
    assert edited(steps, "EDIT 2: c") == ("a", "c")
    assert edited(steps, "Fine.\nadd: c\nADD: d") == ("a", "b", "c")
    for reply in ("UNCHANGED", "EDIT 3: c", "EDIT 0: c", "EDIT 1:", "I would edit step 1"):
        assert edited(steps, reply) == steps


def test_an_instruction_is_read_out_of_a_reply() -> None:
    assert cleaned('The instruction was: "Add an s."') == "Add an s."
    assert cleaned("chatter <START> Add an s. <END> more") == "Add an s."
    assert cleaned("  ") == ""
    assert between("<START>a<END><START>b") == ["a", "b"]


def test_labels_may_stand_in_an_instruction_and_answers_may_not(tmp_path: Path) -> None:
    bench = Workbench(tmp_path, "opro", DATA)
    (first, *_) = bench.dataset.samples("train")
    assert holds_answers("It is TRAINWORD0XS.", [first], bench.cell.task)
    assert not holds_answers("It is trainword0xses.", [first], bench.cell.task)
