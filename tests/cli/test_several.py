"""Several experiments in one command: in turn, none stopped by another, one summary, the worst exit code."""

from __future__ import annotations

import json
import signal
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from real_command import RealCommand, model, wait_until

from promptlab.basics.errors import ExitCode
from promptlab.cli.ending import WORST_FIRST, worst


@pytest.fixture
def command(tmp_path: Path, fake_provider: Any) -> RealCommand:
    """a.yaml (fine), b.yaml (refused), c.yaml (its model's key is wrong), d.yaml (out of budget)."""
    made = RealCommand(tmp_path, LOOP_KEY="sk-loop", WRONG_KEY="sk-wrong", COLUMNS="80")
    fake_provider.control(key="sk-loop")
    fine = model("fake-1", fake_provider.openai)
    for name, models, limits in (
        ("a", fine, "concurrency: 4"),
        ("b", fine, "concurrency: none"),
        ("c", model("fake-3", fake_provider.openai, "api_key_env: WRONG_KEY"), "concurrency: 4"),
        ("d", model("fake-2", fake_provider.openai), "concurrency: 4, budget_calls: 5"),
    ):
        made.write(
            10, models, "zero_shot, {technique: zero_shot, name: loud, prompt: 'WHAT IS {{ q }}'}", limits
        )
        text = (tmp_path / "exp.yaml").read_text().replace("name: loop", f"name: {name}实验")
        (tmp_path / f"{name}.yaml").write_text(text)
    return made


def test_the_worst_exit_code_counts_in_the_documented_order() -> None:
    assert worst([]) == 0
    order = [130, 1, 2, 5, 3, 4, 0]
    for one, other in product(order, order):
        assert worst([one, other]) == min(one, other, key=order.index)
    known = {value for name, value in vars(ExitCode).items() if name.isupper()}
    assert set(WORST_FIRST) == known


def test_each_experiment_has_its_own_run_and_one_that_fails_does_not_stop_the_others(
    command: RealCommand,
) -> None:
    out, err = command.run("compare", "a.yaml", "b.yaml", "c.yaml", "missing.yaml", code=2)
    assert "b.yaml:6: limits.concurrency" in err
    assert "missing.yaml: there is no such file" in err
    assert "a实验   run a实验-" in out
    assert "c实验   run c实验-" in out
    lines = out.strip().splitlines()[-5:]
    assert lines[0].split() == ["experiment", "cells", "best", "verdict", "calls", "USD", "state"]
    assert lines[1].startswith("a实验")
    assert lines[1].rstrip().endswith("done")
    assert lines[2].split() == ["b.yaml", "refused"]
    assert lines[3].rstrip().endswith("errors")
    assert lines[4].split() == ["missing.yaml", "refused"]
    assert len(list((command.folder / ".promptlab" / "runs").iterdir())) == 2


def test_json_is_one_document_with_every_experiment(command: RealCommand) -> None:
    out, _ = command.run("compare", "a.yaml", "b.yaml", "d.yaml", "--json", code=2)
    document = json.loads(out)
    fine, refused, stopped = document["experiments"]
    assert document["exit_code"] == 2
    assert [each["exit_code"] for each in (fine, refused, stopped)] == [0, 2, 5]
    assert fine["comparison"]["experiment"] == fine["experiment"] == "a实验"
    assert (fine["cells"], fine["calls"], fine["sent_calls"]) == (2, 20, 20)
    assert fine["best"]["variant"] in ("zero_shot", "loud")
    assert fine["verdict"] == "not distinguishable"
    assert refused["comparison"] is None
    assert "limits.concurrency" in refused["error"]
    assert stopped["state"] == "stopped: budget"
    assert stopped["verdict"] == "no verdict yet"
    alone = json.loads(command.run("compare", "a.yaml", "--json")[0])
    assert {**fine["comparison"], "sent_calls": 0} == alone


def test_an_interrupt_stops_them_all(command: RealCommand, fake_provider: Any) -> None:
    fake_provider.control(latency_ms=200)
    process = command.start("compare", "a.yaml", "d.yaml", "c.yaml", "--json")
    wait_until(lambda: fake_provider.count()["requests"] >= 2, "the first experiment does not get going")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    document = json.loads(out)
    assert [each["exit_code"] for each in document["experiments"]] == [130, None, None]
    assert [each["state"] for each in document["experiments"]] == [
        "interrupted",
        "not started",
        "not started",
    ]
    assert fake_provider.count()["requests"] < 20


def test_two_files_of_one_name_would_share_a_run_so_the_second_is_refused(command: RealCommand) -> None:
    (command.folder / "copy.yaml").write_text((command.folder / "a.yaml").read_text())
    _, err = command.run("compare", "a.yaml", "copy.yaml", "a.yaml", code=2)
    assert "copy.yaml is the experiment 'a实验', as a.yaml is" in err
    assert err.count("promptlab: ") == 1  # the same file twice is that file once


def test_stored_runs_can_stand_beside_files(command: RealCommand) -> None:
    command.run("run", "a.yaml")
    out, _ = command.run("compare", "a实验", "d.yaml", "--json", code=5)
    stored, file = json.loads(out)["experiments"]
    assert (stored["exit_code"], stored["sent_calls"]) == (0, 0)
    assert file["exit_code"] == 5


def test_run_prints_an_id_for_each_and_estimate_a_total(command: RealCommand) -> None:
    estimated = json.loads(command.run("estimate", "a.yaml", "b.yaml", "d.yaml", "--json", code=2)[0])
    assert estimated["calls"]["expected"] == 40
    assert [bool(each["estimate"]) for each in estimated["experiments"]] == [True, False, True]
    assert "2 of 3 experiments" in command.run("estimate", "a.yaml", "b.yaml", "d.yaml", code=2)[0]
    out, err = command.run("run", "a.yaml", "d.yaml", code=5)
    assert [line.split("实验-")[0] for line in out.split()] == ["a", "d"]
    assert "d.yaml: stopped: budget: d实验-" in err
    document = json.loads(command.run("run", "a.yaml", "d.yaml", "--json", code=5)[0])
    assert [each["finished"] for each in document["experiments"]] == [20, 5]


def test_validate_checks_them_all(command: RealCommand) -> None:
    out, err = command.run("validate", "b.yaml", "a.yaml", code=2)
    assert "a.yaml: fine: 2 cells, 20 trials" in out
    assert "b.yaml:6" in err
    document = json.loads(command.run("validate", "b.yaml", "a.yaml", "--json", code=2)[0])
    assert [each["exit_code"] for each in document["experiments"]] == [2, 0]
    assert document["experiments"][1]["variants"] == ["zero_shot", "loud"]
