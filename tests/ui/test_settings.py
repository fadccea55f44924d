"""The settings that bind and guard: the same for both ways to start the workbench."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import promptlab
from promptlab.cli.ui import flags

SHIPPED = Path(promptlab.__file__).parent / "ui" / "streamlit.toml"
ROOT = Path(__file__).resolve().parents[2]


def test_both_ways_to_start_it_have_the_same_settings() -> None:
    assert (ROOT / ".streamlit" / "config.toml").read_text() == SHIPPED.read_text()


def test_it_listens_on_this_machine_only_and_tells_nobody() -> None:
    given = list(flags(tomllib.loads(SHIPPED.read_text())))
    assert "--server.address=127.0.0.1" in given
    assert {"--server.allowedHosts=127.0.0.1", "--server.allowedHosts=localhost"} <= set(given)
    assert "--browser.gatherUsageStats=false" in given
    assert "--theme.light.primaryColor=#0b6e80" in given
    assert sum(each.startswith('--theme.chartCategoricalColors=["#') for each in given) == 1


@pytest.mark.parametrize("name", ["https://lab.example.org", "lab.example.org:8443", "*"])
def test_a_name_that_is_no_name_of_a_host_is_one_line_at_the_start(tmp_path: Path, name: str) -> None:
    command = [sys.executable, "-m", "promptlab", "ui", "--no-browser", "--allow-host", name]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"--allow-host {name!r} is no name of a host" in done.stderr
    assert done.stderr.count("\n") == 1
