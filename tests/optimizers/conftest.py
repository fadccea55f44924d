"""The bench that optimizers are proved on stands beside the tests; and the command with one of them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from real_command import RealCommand, model

from promptlab.cli import main

sys.path.insert(0, str(Path(__file__).parent))
from workbench import OPRO


@pytest.fixture
def command(tmp_path: Path, fake_provider: Any) -> RealCommand:
    command = RealCommand(tmp_path, LOOP_KEY="sk-loop")
    price = "api_key_env: LOOP_KEY, price: {input: 1, output: 1}"
    command.write(40, model("fake-1", fake_provider.openai, price), f"zero_shot, {OPRO}", "concurrency: 4")
    return command


@pytest.fixture
def here(
    command: RealCommand, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[str, str]]:
    """The command in this process: its imports are paid once."""
    monkeypatch.chdir(command.folder)
    monkeypatch.setenv("PROMPTLAB_HOME", str(command.folder / "home"))
    monkeypatch.setenv("LOOP_KEY", "sk-loop")

    def run(*args: str, code: int = 0) -> tuple[str, str]:
        capsys.readouterr()
        ended = main.run(list(args))
        out, err = capsys.readouterr()
        assert ended == code, out + err
        return out, err

    return run
