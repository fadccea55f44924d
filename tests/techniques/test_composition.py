"""What every technique can be given: demos, context, a format, notation; and what an identity holds."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from bench import NUMBER, Bench, build, names, text_task, texts
from pydantic import ValidationError

from promptlab.basics.errors import ExperimentError
from promptlab.models import Model
from promptlab.models.request import Completion, Request
from promptlab.retrieval import SETS_VERSION, demo_set, set_names
from promptlab.techniques import TrialContext
from promptlab.techniques.chain_of_thought import paper_number
from promptlab.techniques.formats import rendered
from promptlab.techniques.notation import MAX_WORDS, expand

FACTS = '{"id": "d1", "text": "Seven and one make eight."}\n{"id": "d2", "text": "Cats purr."}\n'

# Chain of thought


def test_chain_of_thought_works_bare_and_says_which_demos_it_showed(tmp_path: Path) -> None:
    _, context, door = Bench(tmp_path, build("chain_of_thought")).solve(["7 + 1 = 8. The answer is 8."])
    sent = texts(door)
    first = demo_set("word_problems")[0]
    assert sent[0] == ("system", "You add.")
    assert sent[1] == ("user", first.inputs["question"])
    assert sent[2] == ("assistant", f"{first.rationale} The answer is 58.")
    assert sent[-1] == ("user", "What is 7 + 1?\n\nReply with the number only.")
    assert len(sent) == 2 + 2 * len(demo_set("word_problems"))
    assert context.trace.notes["demos_from"] == "set word_problems"
    assert door.requests[0].sampling == {"temperature": 0}


def test_chain_of_thought_in_one_message_is_the_papers_form(tmp_path: Path) -> None:
    technique = build("chain_of_thought", demos={"set": "word_problems", "count": 1, "render": "single"})
    _, _, door = Bench(tmp_path, technique, text_task("{{ q }}")).solve(["8"])
    demo = demo_set("word_problems")[0]
    assert texts(door) == [
        ("user", f"Q: {demo.inputs['question']}\nA: {demo.rationale} The answer is 58.\n\nQ: 7 + 1\nA:")
    ]


def test_train_demos_need_a_rationale_and_use_it(tmp_path: Path) -> None:
    technique = build("chain_of_thought", demos=1)
    with pytest.raises(ExperimentError, match="rationale"):
        Bench(tmp_path, technique).cell.check()
    rows = [
        {"id": "a", "q": "2 + 2", "why": "Two and two.", "answer": "4", "split": "train"},
        {"id": "t", "q": "7 + 1", "why": "", "answer": "8", "split": "test"},
    ]
    _, _, door = Bench(tmp_path, technique, NUMBER, rows, {"rationale": "why"}).solve(["8"])
    assert ("assistant", "Two and two. The answer is 4.") in texts(door)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("3 and 4. The answer is 7. Not 9.", "7"),
        ("The answer is 5. No: The answer is 1,234 apples.", "1234"),
        ("So 3, then 12", "12"),
        ("none", None),
        ("", None),
    ],
)
def test_the_papers_rule_takes_the_first_number_after_the_last_phrase(text: str, number: str | None) -> None:
    assert paper_number(text) == number


# Demos


def test_a_demo_file_of_the_users_own_is_read_and_named(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("- {question: 1 + 1, answer: 2, rationale: One more than one.}\n")
    technique = build("chain_of_thought", tmp_path, demos={"demo_file": "mine.yaml"})
    _, context, door = Bench(tmp_path, technique).solve(["8"])
    assert texts(door)[1:3] == [("user", "1 + 1"), ("assistant", "One more than one. The answer is 2.")]
    assert context.trace.notes["demos_from"] == "mine.yaml"
    assert not technique.needs_train()


@pytest.mark.parametrize(
    "content", ["just words", "- {question: x}", "[]", "- {question: x, answer: 1, reason: y}"]
)
def test_a_demo_file_that_is_none_is_refused_with_its_name(tmp_path: Path, content: str) -> None:
    (tmp_path / "mine.yaml").write_text(content)
    technique = build("chain_of_thought", tmp_path, demos={"demo_file": "mine.yaml"})
    with pytest.raises(ExperimentError, match=r"mine\.yaml"):
        Bench(tmp_path, technique).cell.check()


def test_a_demo_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=r"cannot be read.*nowhere\.yaml"):
        build("chain_of_thought", tmp_path, demos={"demo_file": "nowhere.yaml"})


def test_every_shipped_demo_is_whole_and_a_changed_set_needs_a_new_version() -> None:
    from promptlab.basics.hashing import digest

    assert {"word_problems", "yes_no", "choices", "questions", "last_letter"} <= set(set_names())
    contents = [demo.content for name in set_names() for demo in demo_set(name)]
    assert all(demo.rationale and demo.targets for name in set_names() for demo in demo_set(name))
    # Trials keep their identity by SETS_VERSION: whoever changes a set raises it, and then this digest.
    assert (SETS_VERSION, digest(contents)[:12]) == (1, "776d23c543db")


def test_any_technique_shows_demos_from_train(tmp_path: Path) -> None:
    _, context, door = Bench(tmp_path, build("zero_shot_cot", demos=1)).solve(["Hm.", "8"])
    assert texts(door, 1)[1:3] == [("user", "What is 2 + 2?"), ("assistant", "4")]
    assert context.trace.notes["demos"] == ["a"]


def test_a_technique_with_prompts_of_its_own_refuses_demos(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match="shows no demos"):
        Bench(tmp_path, build("prompt_chain", demos=1)).cell.check()


class Embedder:
    """A door that knows three words' vectors and answers 8."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    async def complete(self, request: Request) -> Completion:
        self.requests.append(request)
        if request.name != "embedding":
            return Completion("8")
        said = [str(message.content) for message in request.messages]
        return Completion(
            json.dumps([[float("5" in text), float("7" in text) + float("5" in text)] for text in said])
        )


def test_knn_demos_are_the_nearest_by_the_embedding_model_and_the_question_is_a_recorded_call(
    tmp_path: Path,
) -> None:
    technique = build("few_shot", demos={"count": 1, "select": "knn"})
    bench = Bench(tmp_path, technique)
    bench.cell.embedding = Model("openai/embed", "embed", "openai_chat", "http://e")
    door = Embedder()
    bench.cell.door = door

    async def work() -> TrialContext:
        await bench.cell.prepare()
        found = bench.dataset.find("t", "test")
        assert found is not None
        context = TrialContext(bench.cell, door, found.question(), 0)
        await context.solve()
        return context

    context = asyncio.run(work())
    assert context.trace.notes["demos"] == ["c"]
    assert context.trace.notes["similarity"] == "cosine of embeddings"
    assert names(context) == ["embed", "answer"]
    assert context.trace.calls[0].completion is not None
    assert context.trace.calls[0].completion.text == "(a vector of 2 numbers)"
    assert {request.model.name for request in door.requests[:2]} == {"embed"}


def test_knn_without_an_embedding_model_is_tfidf_and_says_so(tmp_path: Path) -> None:
    technique = build("few_shot", demos={"count": 1, "select": "knn"})
    _, context, _ = Bench(tmp_path, technique).solve(["8"])
    assert (
        context.trace.notes["similarity"] == "TF-IDF over character n-grams; no embedding model is configured"
    )


# Context


def test_retrieval_stands_before_chain_of_thought_without_a_call_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "facts.jsonl").write_text(FACTS)
    context_setting = {"technique": "retrieval", "corpus_file": "facts.jsonl", "k": 1, "by": "bm25"}
    technique = build(
        "chain_of_thought", tmp_path, demos={"set": "word_problems", "count": 1}, context=context_setting
    )
    task = text_task("What do seven and {{ q }} make?")
    _, context, door = Bench(tmp_path, technique, task).solve(["8"])
    assert names(context) == ["answer"]
    assert texts(door)[-1][1].startswith("Passages:\n\n[1] Seven and one make eight.")
    assert texts(door)[-1][1].endswith("What do seven and 7 + 1 make?")
    assert context.trace.notes["context"]["retrieved"][0]["id"] == "d1"


def test_what_finds_nothing_to_stand_before_a_prompt_is_no_context(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError) as found:
        Bench(tmp_path, build("zero_shot", context="few_shot")).cell.check()
    assert found.value.field == "context"


def test_mistakes_of_an_inner_technique_are_told_in_one_line() -> None:
    with pytest.raises(ValidationError, match=r"chain_of_thought has no setting 'demo'.*demos"):
        build("self_consistency", inner={"technique": "chain_of_thought", "demo": 3})
    with pytest.raises(ValidationError, match=r"unknown technique 'chain_of_thougt'.*chain_of_thought"):
        build("self_consistency", inner="chain_of_thougt")


def test_a_missing_demo_count_deep_inside_is_found_at_its_setting(tmp_path: Path) -> None:
    technique = build("self_consistency", inner={"technique": "few_shot", "demos": 9})
    with pytest.raises(ExperimentError) as found:
        Bench(tmp_path, technique).cell.check()
    assert found.value.field == "inner.demos.count"


# Identity


def test_an_identity_holds_inner_settings_versions_and_the_content_of_files(tmp_path: Path) -> None:
    def identity(**settings: Any) -> dict[str, Any]:
        return build("self_consistency", tmp_path, **settings).identity()

    path = tmp_path / "facts.jsonl"
    path.write_text(FACTS)
    inner = {"technique": "retrieval", "corpus_file": "facts.jsonl"}
    first = identity(inner=inner)
    assert first == identity(inner=inner)
    assert first != identity(inner={**inner, "k": 4})
    (tmp_path / "moved.jsonl").write_text(FACTS)
    assert first == identity(inner={**inner, "corpus_file": "moved.jsonl"})
    path.write_text(FACTS + "\n" + FACTS)
    assert first != identity(inner=inner)
    assert first["settings"]["inner"]["version"] == 1
    json.dumps(first)


def test_shared_settings_at_their_defaults_are_in_no_identity() -> None:
    assert build("zero_shot").identity()["settings"] == {"mode": "task"}
    assert "format" in build("zero_shot", format="json").identity()["settings"]


# Format


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("plain", "What is 7 + 1?\n\nReply with the number only."),
        ("markdown", "## Task\n\nWhat is 7 + 1?\n\n## Answer format\n\nReply with the number only."),
        ("yaml", "task: |\n  What is 7 + 1?\nanswer_format: |\n  Reply with the number only."),
        ("json", '{\n  "task": "What is 7 + 1?",\n  "answer_format": "Reply with the number only."\n}'),
    ],
)
def test_a_format_changes_what_stands_around_the_same_texts(tmp_path: Path, form: str, text: str) -> None:
    _, _, door = Bench(tmp_path, build("zero_shot", format=form)).solve(["8"])
    assert texts(door)[-1] == ("user", text)


def test_formats_hold_the_same_content_and_yaml_and_json_can_be_read_back() -> None:
    from ruamel.yaml import YAML

    parts = [("task", 'Line "one"\n\n  line two: 3'), ("instruction", "步骤"), ("answer_format", "")]
    kept = dict(parts[:2])
    assert json.loads(rendered(parts, "json")) == kept
    loaded = YAML(typ="safe").load(rendered(parts, "yaml"))
    assert {name: text.rstrip("\n") for name, text in loaded.items()} == kept


def test_demos_come_in_the_questions_format(tmp_path: Path) -> None:
    _, _, door = Bench(tmp_path, build("few_shot", demos=1, format="markdown")).solve(["8"])
    assert texts(door)[1] == ("user", "## Task\n\nWhat is 2 + 2?")


# Notation


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('"LOOK" * 2', "LOOK LOOK"),
        ('The answer is ("TURN_LEFT" + "JUMP") * 2.', "TURN_LEFT JUMP TURN_LEFT JUMP"),
        ('"jump left" is "TURN_LEFT" + "JUMP"', "TURN_LEFT JUMP"),
        ('1. "A" + 2 * "B C"', "A B C B C"),
        ('Output of "jump": The answer is "JUMP".', "JUMP"),
        ('I would say "JUMP" here', None),
        ("TURN_LEFT JUMP", None),
        ("", None),
        ('"A" * 99999', None),
        (f'"A" * {MAX_WORDS} * 2', None),
        ("(" * 100_000, None),
        ("__import__('os').system('x')", None),
        ('"A" + exec("B")', None),
        ('"LOOK JUMP"', "LOOK JUMP"),
    ],
)
def test_python_notation_is_parsed_and_never_run(text: str, words: str | None) -> None:
    assert expand(text) == words


def test_every_variant_can_have_the_post_processor(tmp_path: Path) -> None:
    bench = Bench(tmp_path, build("zero_shot", post="python_notation"), text_task())
    answer, _, _ = bench.solve(['So: "LOOK" * 2 + "JUMP"'])
    assert (answer.value, answer.rule) == ("LOOK LOOK JUMP", "python_notation")
    plain, _, _ = bench.solve(["LOOK LOOK"])
    assert plain.reply.text == "LOOK LOOK"
    assert bench.cell.technique.identity()["settings"]["post"] == "python_notation"
