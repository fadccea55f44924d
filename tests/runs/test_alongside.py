"""What goes on beside a run: readers, a second process, an editor."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from real_command import RealCommand, check_store, model, store_of, wait_until, whole_table

SAMPLES = 150


@pytest.fixture
def command(tmp_path: Path, fake_provider: Any) -> RealCommand:
    command = RealCommand(tmp_path, LOOP_KEY="sk-loop")
    command.write(SAMPLES, model("fake-1", fake_provider.openai), "zero_shot, zero_shot_cot")
    return command


def test_readers_always_see_a_whole_run_while_it_is_written(command: RealCommand, fake_provider: Any) -> None:
    undisturbed = whole_table(command.compare(home=command.folder / "alone"))
    fake_provider.control(reset=True, latency_ms=500)
    process = command.start("compare", "exp.yaml", "--json")
    wait_until(lambda: fake_provider.requests > 16, "the run does not get going")

    def read(*args: str) -> list[Any]:
        """What a command prints, again and again, until the run is over; and once more."""
        found = []
        over = False
        while not over:
            over = process.poll() is not None
            found.append(json.loads(command.run(*args, "--json")[0]))
            if args[0] == "compare" and len(found) == 3:
                fake_provider.control(latency_ms=5)
        return found

    with ThreadPoolExecutor(3) as readers:
        tables = readers.submit(read, "compare", "loop")
        pages = [readers.submit(read, "show", "loop", "--limit", "40", "--offset", at) for at in ("0", "40")]
        out, err = process.communicate(timeout=100)
    assert process.returncode == 0, err
    assert whole_table(json.loads(out)) == undisturbed
    seen = [sum(cell["n"] for cell in table["cells"]) for table in tables.result()]
    assert seen == sorted(seen)
    assert len(set(seen)) > 2, "the run was over too soon"
    assert seen[-1] == 2 * SAMPLES
    for table in tables.result():
        assert all(cell["n"] == cell["scores"]["exact_match"]["n"] for cell in table["cells"])
    for page in [page for reader in pages for page in reader.result()]:
        assert len({row["trial"] for row in page}) == len(page)
        # A trial is never there without its score and its calls.
        assert all(row["exact_match"] is not None and row["calls"] for row in page)
    first, second = (reader.result()[-1] for reader in pages)
    assert len({row["trial"] for row in first + second}) == 80
    check_store(store_of(command.folder / ".promptlab"))


def test_a_run_that_has_only_begun_has_no_results_yet(command: RealCommand, fake_provider: Any) -> None:
    fake_provider.control(rules=[{"fault": "hang", "p": 1.0}])
    process = command.start("compare", "exp.yaml", "--json")
    home = command.folder / ".promptlab"
    wait_until(lambda: list(home.glob("runs/*/manifest.json")), "the run does not begin")
    codes = set()
    while not fake_provider.requests:
        shown = command.start("compare", "loop", "--json")
        out, err = shown.communicate(timeout=60)
        codes.add(shown.returncode)
        if shown.returncode == 0:
            assert json.loads(out)["status"] == "running"
        else:
            assert "no results yet" in err
            assert err.count("\n") == 1
    process.kill()
    process.communicate()
    assert codes <= {0, 2}


def test_two_processes_at_once_make_a_run_each_and_pay_for_each_request_once(
    command: RealCommand, fake_provider: Any
) -> None:
    fake_provider.control(latency_ms=50)
    processes = [command.start("compare", "exp.yaml", "--json")]
    wait_until(lambda: fake_provider.requests, "the first run does not begin")
    processes.append(command.start("compare", "exp.yaml", "--json"))
    done = [process.communicate(timeout=100) for process in processes]
    shown = [json.loads(out) for out, _ in done]
    assert [each["status"] for each in shown] == ["complete", "complete"]
    assert whole_table(shown[0]) == whole_table(shown[1])
    assert shown[0]["run"] != shown[1]["run"]
    assert sum("another process works on run" in err for _, err in done) == 1
    assert fake_provider.requests == SAMPLES * 3
    assert sum(each["sent_calls"] for each in shown) == SAMPLES * 3
    for store in (command.folder / ".promptlab").glob("runs/*/run.sqlite"):
        check_store(store)


def test_an_experiment_edited_while_it_runs_counts_from_the_next_start(
    command: RealCommand, fake_provider: Any
) -> None:
    path = command.folder / "exp.yaml"
    as_started = path.read_text()
    alone = whole_table(command.compare(home=command.folder / "alone"))
    fake_provider.control(reset=True, latency_ms=20)
    process = command.start("compare", "exp.yaml", "--json")
    wait_until(lambda: fake_provider.requests > 16, "the run does not get going")
    path.write_text("name: [half a")  # as an editor may leave it for a moment
    wait_until(lambda: fake_provider.requests > 100, "the run does not go on")
    path.write_text(as_started.replace("What is", "Say what is").replace(", zero_shot_cot", ""))
    out, err = process.communicate(timeout=100)
    assert process.returncode == 0, err
    shown = json.loads(out)
    assert whole_table(shown) == alone
    assert fake_provider.requests == SAMPLES * 3
    kept = command.folder / ".promptlab" / "runs" / shown["run"] / "experiment.yaml"
    assert kept.read_text() == as_started
    edited = command.compare()
    assert [cell["variant"] for cell in edited["cells"]] == ["zero_shot"]
    assert edited["sent_calls"] == SAMPLES
    assert kept.read_text() == path.read_text()
    path.write_text(as_started)
    back = command.compare()
    assert back["sent_calls"] == 0
    assert whole_table(back) == alone
