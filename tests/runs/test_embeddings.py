"""Embeddings through the one door: cached, counted, and part of what a trial is."""

from __future__ import annotations

from typing import Any

from real_command import RealCommand, model, sql


def test_nearest_demos_by_the_embedding_model_are_paid_once(tmp_path: Any, fake_provider: Any) -> None:
    command = RealCommand(tmp_path, LOOP_KEY="sk-loop")
    models = model("fake-1", fake_provider.openai)
    command.write(20, models, "{technique: few_shot, demos: {count: 2, select: knn}}")
    path = tmp_path / "exp.yaml"
    without = path.read_text()
    path.write_text(without + f"embedding: {model('embed-1', fake_provider.openai)}\n")
    shown = command.compare()
    tests = shown["cells"][0]["n"]
    sent = fake_provider.requests
    assert shown["cells"][0]["calls"] == 2 * tests  # each question's vector and its answer
    assert sent == 2 * tests + 1  # and all of train in one request
    assert shown["sent_calls"] == sent
    text, _ = command.run("show", "loop", "1")
    assert "similarity: cosine of embeddings" in text
    assert "(embed)" in text
    assert command.compare("--fresh")["sent_calls"] == 0
    identities = "SELECT count(DISTINCT identity) FROM trials"
    path.write_text(without)
    command.compare()
    assert sql(newest(command), identities)[0][0] == 2 * tests


def newest(command: RealCommand) -> Any:
    stores = (command.folder / ".promptlab" / "runs").glob("*/run.sqlite")
    return max(stores, key=lambda each: each.parent.stat().st_mtime)


def test_a_missing_key_of_the_embedding_model_is_found_before_any_call(
    tmp_path: Any, fake_provider: Any
) -> None:
    command = RealCommand(tmp_path, LOOP_KEY="sk-loop")
    command.write(
        10, model("fake-1", fake_provider.openai), "{technique: few_shot, demos: {count: 2, select: knn}}"
    )
    embedding = model("embed-1", fake_provider.openai, "api_key_env: NO_SUCH_KEY")
    path = tmp_path / "exp.yaml"
    path.write_text(path.read_text() + f"embedding: {embedding}\n")
    _, told = command.run("compare", "exp.yaml", code=2)
    assert "NO_SUCH_KEY" in told
    assert fake_provider.requests == 0
