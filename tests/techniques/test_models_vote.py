"""A vote over several models: who is asked, in what order, with whose sampling."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench import Bench, build, names, texts
from pydantic import ValidationError

from promptlab.basics.errors import ExperimentError
from promptlab.models import Model
from promptlab.models.transports.scripted import Expect

OTHER = Model("scripted/y", "y", "scripted", "scripted", sampling={"max_tokens": 7})
THIRD = Model("scripted/z", "z", "scripted", "scripted")


def bench(folder: Path, **settings: object) -> Bench:
    found = Bench(folder, build("ensemble", **settings))
    found.cell.models = {"x": found.cell.model, "y": OTHER, "z": THIRD}
    return found


def test_all_members_are_asked_of_the_cells_model_first_then_of_the_others(tmp_path: Path) -> None:
    members = [{"technique": "few_shot", "demos": {"count": 1, "select": "bm25"}}, "zero_shot_cot"]
    found = bench(tmp_path, members=members, models=["y", "x"])
    answer, context, door = found.solve(["9", "Hm.", "8", "8", "Hm.", "9"])
    assert [request.model.name for request in door.requests] == ["x", "x", "x", "y", "y", "y"]
    assert names(context)[3] == "member 1 (few_shot) of y/answer"
    assert context.trace.notes["members"] == ["9", "8", "8", "9"]
    assert answer.value == "9"  # two votes each: the first seen
    # The same demos, prompts and draws, with the other model's own sampling.
    assert texts(door, 0) == texts(door, 3)
    assert [request.draw.ordinal for request in door.requests] == [0] * 6
    assert "max_tokens" not in door.requests[0].sampling
    assert door.requests[3].sampling["max_tokens"] == 7
    planned = found.cell.technique.planned_calls(found.cell.task)
    assert (planned.low, planned.high) == (9, 9)


def test_one_member_votes_over_models(tmp_path: Path) -> None:
    answer, context, _ = bench(tmp_path, members=["zero_shot"], models=["y", "z"]).solve(
        ["none", Expect("8", name="answer"), "8"]
    )
    assert (answer.value, context.trace.notes["agreement"]) == ("8", 0.6667)


def test_a_technique_inside_a_member_asks_the_members_model(tmp_path: Path) -> None:
    votes = {"technique": "self_consistency", "samples": 2, "inner": "zero_shot"}
    _, _, door = bench(tmp_path, members=[votes], models=["y"]).solve(["8"] * 4)
    assert [request.model.name for request in door.requests] == ["x", "x", "y", "y"]
    assert [request.draw.ordinal for request in door.requests] == [0, 1, 0, 1]


def test_what_is_no_vote_or_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="is no vote"):
        build("ensemble", members=["zero_shot"])
    with pytest.raises(ExperimentError, match="no such model") as found:
        bench(tmp_path, models=["yy"]).cell.check()
    assert "y" in found.value.remedy
    optimizing = bench(tmp_path, members=["random_search"], models=["y"]).cell
    with pytest.raises(ExperimentError, match="optimized for one model"):
        optimizing.technique.check(optimizing)


def test_members_alone_are_the_variant_they_were(tmp_path: Path) -> None:
    assert set(build("ensemble").identity()["settings"]) == {"members"}
    assert build("ensemble", models=["y"]).identity()["settings"]["models"] == ["y"]
