"""What the playground keeps: bots, versions of a prompt, looks at samples, and experiments made from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parts import rows, scripted

import promptlab
from promptlab.basics.errors import ExperimentError, PromptlabError, StorageError, UsageError
from promptlab.datasets import AnswerType, Question
from promptlab.experiment import load_spec, load_text
from promptlab.models.facts import known_models
from promptlab.playground import (
    KEY_OFFERS,
    Bot,
    Bots,
    Cursor,
    Draft,
    Prompt,
    Versions,
    add_variant,
    count_look,
    differences,
    experiment_text,
    row_sources,
    variant_entry,
)
from promptlab.playground.saving import file_name, save

EXAMPLES = Path(__file__).resolve().parents[2] / "experiments"


def test_variables_stand_in_the_order_of_the_prompt() -> None:
    prompt = Prompt("{{ b }} and {{ a }} {{ metadata.x }}", system="As a {{ role }}")
    assert prompt.variables() == ["role", "b", "a"]
    values = {"b": "1", "a": "2", "role": "judge"}
    messages = prompt.messages(Question("", values, metadata={"x": 3}))
    assert [(each.role, each.content) for each in messages] == [
        ("system", "As a judge"),
        ("user", "1 and 2 3"),
    ]


def test_a_bot_is_kept_under_its_name(tmp_path: Path) -> None:
    bots = Bots(tmp_path)
    bots.keep(Bot("翻译", "Translate.", "m", {"id": "openai/gpt-4o-mini"}, {"temperature": 0}))
    bots.keep(Bot("翻译", "Translate well.", "m", {"id": "openai/gpt-4o-mini"}))
    (bot,) = Bots(tmp_path).all()
    assert bot.system == "Translate well."
    bots.remove("翻译")
    assert bots.all() == []
    with pytest.raises(UsageError, match="name"):
        bots.keep(Bot(" ", "", "m", {}))


def test_a_damaged_file_of_bots_is_said(tmp_path: Path) -> None:
    (tmp_path / "playground").mkdir()
    (tmp_path / "playground" / "bots.json").write_text("[{")
    with pytest.raises(StorageError, match=r"bots\.json"):
        Bots(tmp_path).all()


def test_a_version_is_kept_once_however_often_it_is_asked(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    numbers = [versions.keep(Prompt(text)).number for text in ("a", "a", "b", "a")]
    assert numbers == [1, 1, 2, 3]
    assert [each.prompt for each in versions.all()] == ["a", "b", "a"]


@given(st.text(), st.text())
def test_a_diff_holds_both_texts(old: str, new: str) -> None:
    pieces = differences(old, new)
    assert "".join(each.text for each in pieces if each.kind != "added") == old
    assert "".join(each.text for each in pieces if each.kind != "removed") == new


def test_a_diff_is_by_words_also_in_chinese() -> None:
    assert [(each.kind, each.text) for each in differences("翻译这句话", "翻译那句话")] == [
        ("same", "翻译"),
        ("removed", "这"),
        ("added", "那"),
        ("same", "句话"),
    ]


def test_rows_go_round_in_one_split(tmp_path: Path) -> None:
    with rows(tmp_path, 12).open(tmp_path / "home") as dataset:
        cursor = Cursor(dataset, "dev")
        seen = []
        for _ in range(5):
            sample = cursor.sample()
            assert sample is not None
            seen.append(sample.id)
            cursor.move(1)
        assert seen == ["s1", "s4", "s7", "s10", "s1"]
        before = cursor.position
        cursor.jump()
        assert cursor.position != before


def test_the_shipped_experiments_offer_their_data_and_data_files_their_columns(tmp_path: Path) -> None:
    found = {each.label: each for each in row_sources(EXAMPLES.parent)}
    quick = found["questions (quickstart.yaml)"]
    with quick.open(tmp_path) as dataset:
        assert dataset.sizes["train"] == 96
        assert dataset.sizes["test"] == 40
    assert quick.answer is AnswerType.LABEL
    assert quick.entry_at(tmp_path)["path"].endswith("datasets/questions.jsonl")


def test_a_data_file_of_its_own_is_guessed(tmp_path: Path) -> None:
    rows(tmp_path)
    (source,) = row_sources(tmp_path)
    assert (source.entry["target"], source.entry["id"]) == ("a", "id")
    assert source.entry["split"] == {"column": "split"}
    with source.open(tmp_path / "home") as dataset:
        assert dataset.sizes["test"] == 10


def test_looks_at_test_samples_are_told_by_a_later_comparison(tmp_path: Path) -> None:
    source = rows(tmp_path)
    model = scripted(tmp_path, [{"default": "1"}])
    draft = Draft("looked", Prompt("{{ q }}"), source, [(model, {})], [("zero_shot", {})])
    path = tmp_path / "looked.yaml"
    save(path, experiment_text(draft, tmp_path))
    with source.open(tmp_path / "home") as dataset:
        for split, position in (("test", 0), ("test", 0), ("test", 1), ("dev", 0)):
            count_look(tmp_path / "home", dataset.name, split, dataset.sample(split, position))  # type: ignore[arg-type]
    experiment = promptlab.load(path, home=tmp_path / "home")
    experiment.run()
    (tried,) = experiment.comparison().tried
    assert (tried.looked_at, tried.looks) == (2, 3)
    assert "2 of them were looked at in the playground (3 looks)" in tried.sentence(named=False)


def test_a_draft_is_an_experiment_that_runs(tmp_path: Path) -> None:
    prompt = Prompt("First line.\nWhat is {{ q }}?", system="Be: brief # really", answer=AnswerType.NUMBER)
    model = scripted(tmp_path, [{"default": "7"}])
    draft = Draft(
        "my try: 1",
        prompt,
        rows(tmp_path),
        [(model, {"temperature": 0.5})],
        [("zero_shot", {}), ("few_shot", {"demos": {"count": 2}})],
    )
    folder = tmp_path / "experiments"
    text = experiment_text(draft, folder)
    path = folder / file_name(draft.name)
    save(path, text)
    with pytest.raises(UsageError, match="already"):
        save(path, text)
    spec = load_spec(path).spec
    assert spec.task.prompt == prompt.prompt
    assert spec.task.system == prompt.system
    assert spec.models[0].temperature == 0.5
    result = promptlab.load(path, home=tmp_path / "home").run(limit=3)
    assert result.status == "complete"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_variant_is_added_and_the_rest_of_the_file_stays(path: Path) -> None:
    loaded = load_spec(path)
    prompt = Prompt("Say: {{ x }}\nnow # please", system="S: 'x'", instruction='Only "it".')
    entry = variant_entry("by hand", prompt, "few_shot", {"demos": {"count": 3}}, loaded)
    changed = add_variant(loaded.text, entry, path)
    added = load_text(changed, path).spec.variants
    assert [each.name for each in added[:-1]] == [each.name for each in loaded.spec.variants]
    new = added[-1]
    assert (new.name, new.technique, new.prompt, new.system) == (
        "by hand",
        "few_shot",
        prompt.prompt,
        prompt.system,
    )
    assert new.settings == {"demos": {"count": 3}}
    kept = iter(changed.splitlines())
    assert all(line in kept for line in loaded.text.splitlines() if "variants: [" not in line)


@pytest.mark.parametrize(
    "variants",
    [
        "variants: [zero_shot]  # flow\nseed: 1",
        "variants: [zero_shot, few_shot,]",
        "variants:\n- zero_shot\n- few_shot # last\n# end\nseed: 1",
        "variants:\n  -   technique: zero_shot\n      prompt: |\n        a\n        {{ q }}\n\n\nseed: 1",
        "variants:\n  - {technique: zero_shot}",
    ],
)
def test_a_variant_finds_its_place_in_every_layout(variants: str, tmp_path: Path) -> None:
    text = (
        f"name: n\ndataset: {{path: x.jsonl}}\ntask: '{{{{ q }}}}'\nmodels: [local/smollm2-135m]\n{variants}"
    )
    path = tmp_path / "e.yaml"
    loaded = load_text(text, path)
    entry = variant_entry("new", Prompt("a: {{ q }}"), "zero_shot", {}, loaded)
    changed = add_variant(text, entry, path)
    spec = load_text(changed, path).spec
    assert len(spec.variants) == len(loaded.spec.variants) + 1
    assert spec.variants[-1].prompt == "a: {{ q }}"
    assert changed.count("#") == text.count("#")


def test_a_name_that_is_taken_is_refused_and_nothing_written(tmp_path: Path) -> None:
    text = "name: n\ndataset: {path: x.jsonl}\ntask: '{{ q }}'\nmodels: [local/smollm2-135m]\n"
    text += "variants: [{name: a, technique: zero_shot}]\n"
    entry = variant_entry("a", Prompt("{{ q }}!"), "zero_shot", {}, load_text(text, tmp_path / "e.yaml"))
    with pytest.raises(ExperimentError, match="two variants are named"):
        add_variant(text, entry, tmp_path / "e.yaml")


def test_an_unreadable_prompt_is_no_experiment(tmp_path: Path) -> None:
    with pytest.raises(PromptlabError):
        Prompt("{{ q ").variables()


def test_a_key_begins_with_a_model_for_chats() -> None:
    groq, *_ = KEY_OFFERS
    assert groq.first_of(["whisper-large-v3", "llama-3.1-8b-instant"]) == "llama-3.1-8b-instant"
    assert groq.first_of(["paid/x", "some/model:free"]) == "some/model:free"
    assert groq.first_of([]) == ""
    gemini = next(each for each in KEY_OFFERS if each.provider == "gemini")
    assert gemini.first_of(list(known_models("gemini"))) == gemini.suggested
    for offer in KEY_OFFERS:
        assert offer.variable.endswith("_KEY")
