"""The settings that bind and guard: the same for both ways to start the workbench."""

from __future__ import annotations

import tomllib
from pathlib import Path

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
    assert any(flag.startswith('--theme.chartCategoricalColors=["#0072b2", ') for flag in given)
