"""Where keys must never be: in no file a run leaves, in nothing it prints, in no process list."""

from __future__ import annotations

import base64
import json
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from real_command import RealCommand, model, wait_until

KEY = "sk-secret/0123456789+abcdef"
SPELLINGS = [
    KEY.encode(),
    KEY.replace("/", "%2F").replace("+", "%2B").encode(),
    base64.b64encode(KEY.encode()),
]


def found_in(data: bytes) -> bool:
    return any(each in data for each in SPELLINGS)


def files_with_the_key(folder: Path) -> list[str]:
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".env" and found_in(path.read_bytes())
    ]


@pytest.fixture(params=["environment", ".env"])
def command(request: Any, tmp_path: Path, fake_provider: Any) -> RealCommand:
    if request.param == "environment":
        return RealCommand(tmp_path, LOOP_KEY=KEY)
    (tmp_path / ".env").write_text(f"LOOP_KEY={KEY}\n")
    return RealCommand(tmp_path)


def run_and_export(command: RealCommand, code: int) -> str:
    said = [*command.run("compare", "exp.yaml", code=code), *command.run("show", "loop", "1", "--json")]
    for name in ("trials.csv", "calls.jsonl"):
        said += command.run("export", "loop", "--to", name, "--what", name.partition(".")[0])
    return "".join(said)


def test_a_run_leaves_no_key_in_any_file(command: RealCommand, fake_provider: Any) -> None:
    fake_provider.control(key=KEY)
    command.write(10, model("fake-1", fake_provider.openai))
    assert not found_in(run_and_export(command, 0).encode())
    assert fake_provider.requests == 10  # with the right key
    assert (command.folder / "calls.jsonl").stat().st_size > 0
    assert files_with_the_key(command.folder) == []


@pytest.mark.parametrize("transport", ["openai_chat", "litellm"])
def test_a_key_the_provider_repeats_is_masked_everywhere(
    command: RealCommand, fake_provider: Any, transport: str
) -> None:
    fake_provider.control(rules=[{"fault": "401", "p": 1.0}])
    more = f"api_key_env: LOOP_KEY, transport: {transport}"
    command.write(10, model("fake-1", fake_provider.openai, more))
    said = run_and_export(command, 3)
    assert fake_provider.log[0]["headers"]["authorization"] == f"Bearer {KEY}"
    assert not found_in(said.encode())
    assert "***" in said
    assert files_with_the_key(command.folder) == []


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc")
def test_no_process_shows_a_key_that_stands_in_an_env_file(tmp_path: Path, fake_provider: Any) -> None:
    (tmp_path / ".env").write_text(f"LOOP_KEY={KEY}\n")
    command = RealCommand(tmp_path)
    fake_provider.control(key=KEY, latency_ms=100)
    command.write(40, model("fake-1", fake_provider.openai))
    process = command.start("compare", "exp.yaml", "--json")
    seen: set[str] = set()
    while process.poll() is None:
        for pid in family(process.pid):
            for name in ("cmdline", "environ"):
                try:
                    data = Path(f"/proc/{pid}/{name}").read_bytes()
                except OSError:  # it ended meanwhile
                    continue
                assert not found_in(data), f"{name} of a process of the run shows the key"
                seen.add(name)
    assert json.loads(process.communicate()[0])["status"] == "complete"
    assert seen == {"cmdline", "environ"}


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc")
def test_no_command_line_shows_a_key_from_the_environment(tmp_path: Path, fake_provider: Any) -> None:
    command = RealCommand(tmp_path, LOOP_KEY=KEY)
    fake_provider.control(key=KEY, latency_ms=50)
    command.write(40, model("fake-1", fake_provider.openai))
    process = command.start("compare", "exp.yaml", "--json")
    wait_until(lambda: fake_provider.requests > 4, "the run does not get going")
    listed = subprocess.run(["ps", "-A", "-ww", "-o", "args"], capture_output=True, check=False).stdout
    listed = listed or b"".join(path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline"))
    assert b"promptlab" in listed
    assert not found_in(listed)
    process.communicate(timeout=60)
    assert process.returncode == 0


def family(pid: int) -> list[int]:
    """A process and all that descend from it, as far as they live."""
    found = [pid]
    for each in found:
        with suppress(OSError):  # it ended meanwhile
            for path in Path(f"/proc/{each}/task").glob("*/children"):
                found += [int(child) for child in path.read_text().split()]
    return found
