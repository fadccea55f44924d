"""`ui`: the workbench in the browser."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import click

from promptlab.basics.errors import UsageError

# The same settings as .streamlit/config.toml, for those who start the workbench elsewhere.
_GUARDS = (
    "--server.address=127.0.0.1",
    "--server.allowedHosts=127.0.0.1",
    "--server.allowedHosts=localhost",
    "--browser.gatherUsageStats=false",
    "--client.showErrorDetails=none",
)


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True)
@click.option("--no-browser", is_flag=True, help="Do not open a browser window.")
def ui(port: int, no_browser: bool) -> int:
    """Open the workbench on this machine (127.0.0.1 only)."""
    if importlib.util.find_spec("streamlit") is None:
        raise UsageError(
            "the workbench needs streamlit.", remedy="Install it: pip install 'promptlab-workbench[ui]'"
        )
    app = Path(__file__).resolve().parents[1] / "ui" / "app.py"
    command = [sys.executable, "-m", "streamlit", "run", str(app), f"--server.port={port}", *_GUARDS]
    if no_browser:
        command.append("--server.headless=true")
    if os.name == "posix":  # in this very process: whoever ends it ends the workbench
        os.execv(sys.executable, command)
    return subprocess.run(command, check=False).returncode
