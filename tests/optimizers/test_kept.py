"""What a run keeps of its searches: shown, exported, packed into a bundle and replayed from it."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from real_command import RealCommand


@pytest.fixture
def compared(command: RealCommand, here: Any) -> dict[str, Any]:
    """The table of a run in which opro found a prompt that adds nothing or something."""
    found: dict[str, Any] = json.loads(here("compare", "exp.yaml", "--json")[0])
    return found


def test_a_bundle_carries_the_search_and_its_replay_needs_nothing_else(
    compared: dict[str, Any], command: RealCommand, here: Any, fake_provider: Any, monkeypatch: Any
) -> None:
    here("bundle", "loop", "--out", "run.zip")
    shown, _ = here("show", "loop", "--prompts")
    sent = fake_provider.requests
    monkeypatch.setenv("PROMPTLAB_HOME", str(command.folder / "elsewhere"))
    replayed = json.loads(here("replay", "run.zip", "--to", "kept", "--json")[0])
    assert replayed["optimizations"] == compared["optimizations"]
    assert {**replayed, "sent_calls": 0} == {**compared, "sent_calls": 0}
    again, _ = here("show", f"kept/{compared['run']}", "--prompts")
    assert again.splitlines()[2:] == shown.splitlines()[2:]
    assert fake_provider.requests == sent
    here("cache", "import", "run.zip")
    here("optimize", "exp.yaml")
    assert fake_provider.requests == sent  # the search's replies came with the bundle


def test_packing_the_unpacked_run_gives_the_same_bytes(compared: dict[str, Any], here: Any) -> None:
    here("bundle", "loop", "--out", "one.zip")
    here("replay", "one.zip", "--to", "kept")
    here("bundle", f"kept/{compared['run']}", "--out", "two.zip")
    with zipfile.ZipFile("one.zip") as one, zipfile.ZipFile("two.zip") as two:
        for name in ("artifacts.jsonl", "search_calls.jsonl"):
            assert one.read(name) == two.read(name)
            assert one.read(name)


def tampered(source: Path, target: Path, member: str, change: Callable[[dict[str, Any]], None]) -> None:
    """A bundle in which the first line of a member is another, and all hashes fit."""
    import hashlib

    with zipfile.ZipFile(source) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    first, _, rest = members[member].partition(b"\n")
    row = json.loads(first)
    change(row)
    members[member] = json.dumps(row).encode() + b"\n" + rest
    contents = json.loads(members["bundle.json"])
    contents["members"][member] = {
        "bytes": len(members[member]),
        "sha256": hashlib.sha256(members[member]).hexdigest(),
    }
    members["bundle.json"] = json.dumps(contents).encode()
    with zipfile.ZipFile(target, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)


def _praise(row: dict[str, Any]) -> None:
    row["artifact"]["dev"]["score"] = 0.999


def _cheapen(row: dict[str, Any]) -> None:
    row["call"]["cost_usd"] += 1.0


def _climb(row: dict[str, Any]) -> None:
    row["key"] = "../../../etc/passwd"


@pytest.mark.parametrize(
    ("member", "change", "told"),
    [
        ("artifacts.jsonl", _praise, "dev is 0.999, the manifest says otherwise"),
        ("search_calls.jsonl", _cheapen, "its calls cost"),
        ("artifacts.jsonl", _climb, "is no optimized prompt of the run"),
        ("search_calls.jsonl", _climb, "is no call of a search of the run"),
    ],
)
def test_a_bundle_whose_search_was_changed_is_refused(
    member: str, change: Any, told: str, compared: dict[str, Any], command: RealCommand, here: Any
) -> None:
    here("bundle", "loop", "--out", "run.zip")
    tampered(command.folder / "run.zip", command.folder / "other.zip", member, change)
    _, err = here("replay", "other.zip", "--to", "kept", code=2)
    assert told in err
    assert not list((command.folder / "kept").iterdir())


def test_a_manifest_cannot_name_a_file_elsewhere(
    compared: dict[str, Any], command: RealCommand, here: Any
) -> None:
    (path,) = (command.folder / "home" / "runs").glob("*/manifest.json")
    manifest = json.loads(path.read_text())
    (entry,) = manifest["optimizations"].values()
    (command.folder / "secret.json").write_text('{"secret": 1}')
    entry["file"] = str(command.folder / "secret.json")
    entry["variant"] = "../../../../secret"
    path.write_text(json.dumps(manifest))
    shown, _ = here("show", "loop", "--prompts")
    assert "not kept here" in shown
    assert "secret.json" not in shown


def test_the_search_stands_in_the_workbook_the_report_and_the_methods(
    compared: dict[str, Any], command: RealCommand, here: Any
) -> None:
    here("export", "loop", "--to", "run.xlsx")
    book = openpyxl.load_workbook(command.folder / "run.xlsx", read_only=True)
    found = list(book["optimizations"].values)
    row = dict(zip(found[0], found[1], strict=True))
    (search,) = compared["optimizations"]
    assert (row["variant"], row["calls"], row["dev_score"]) == ("opro", search["calls"], search["dev_score"])
    assert row["break_even.variant"] == "zero_shot"
    assert str(row["before"]).endswith("(the task's own prompt)")
    tried = list(book["tried"].values)
    assert {"score", "accepted", "why", "instruction", "calls_so_far"} <= set(tried[0])
    assert len(tried) > 3

    here("export", "loop", "--to", "run.html")
    page = (command.folder / "run.html").read_text()
    facts = json.loads(page.partition('id="facts">')[2].partition("</script>")[0])
    (shown,) = facts["optimized"]
    assert shown["title"] == "opro × fake-1 × data"
    assert len(shown["tried"]) == len(tried) - 1
    assert shown["diff"]
    assert "its prompt took" in facts["searches"][0]

    here("export", "loop", "--to", "methods.txt", "--what", "methods")
    said = (command.folder / "methods.txt").read_text()
    assert "The prompt of opro for fake-1 on data was optimized for numeric on 8 train and 8 dev rows" in said
    assert "selected and so optimistic" in said

    here("export", "loop", "--to", "tried.csv", "--what", "tried")
    assert len((command.folder / "tried.csv").read_text().splitlines()) >= len(tried)


def test_what_a_run_without_a_search_lacks_is_said(command: RealCommand, here: Any) -> None:
    here("compare", "exp.yaml", "--variant", "zero_shot")
    _, err = here("export", "loop", "--to", "o.csv", "--what", "optimizations", code=2)
    assert "has no optimized prompts" in err
    here("export", "loop", "--to", "run.html")


def test_changed_settings_leave_one_search_in_the_table(command: RealCommand, here: Any) -> None:
    here("compare", "exp.yaml")
    text = (command.folder / "exp.yaml").read_text()
    (command.folder / "exp.yaml").write_text(text.replace("budget_calls: 60", "budget_calls: 30"))
    shown = json.loads(here("compare", "exp.yaml", "--json")[0])
    assert [each["budget_calls"] for each in shown["optimizations"]] == [30]
