"""`ui`: the workbench in the browser."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from promptlab.basics.errors import UsageError
from promptlab.basics.sign_in import secrets_files, sign_in

_HOST = re.compile(r"(\*\.)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_FOLDER = Path(__file__).resolve().parents[1] / "ui"


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True)
@click.option("--no-browser", is_flag=True, help="Do not open a browser window.")
@click.option("--allow-code", is_flag=True, help="Let experiments started there run Python files they name.")
@click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    metavar="NAME",
    help="Answer to this name too (repeatable): that of a proxy in front of it, or *.NAME for all below it.",
)
def ui(port: int, no_browser: bool, allow_code: bool, hosts: tuple[str, ...]) -> int:
    """Open the workbench on this machine (127.0.0.1 only).

    It answers as 127.0.0.1 and localhost. Where people reach it by another name, through a proxy on this
    machine that passes websockets on, name that with --allow-host.

    Where .streamlit/secrets.toml has an [auth] section, people sign in first: see the README.
    """
    if importlib.util.find_spec("streamlit") is None:
        raise UsageError(
            "the workbench needs streamlit.", remedy="Install it: pip install 'promptlab-workbench[ui]'"
        )
    if (needed := sign_in(secrets_files(Path.cwd()))) is not None:
        needed.check_port(port)
    settings = tomllib.loads((_FOLDER / "streamlit.toml").read_text("utf-8"))
    settings["server"]["allowedHosts"] += map(_checked, hosts)
    command = [sys.executable, "-m", "promptlab.ui", "run", str(_FOLDER / "served.py"), *flags(settings)]
    command.append(f"--server.port={port}")
    if no_browser:
        command.append("--server.headless=true")
    if allow_code:
        command += ["--", "--allow-code"]
    if os.name == "posix":  # in this very process: whoever ends it ends the workbench
        os.execv(sys.executable, command)
    return subprocess.run(command, check=False).returncode


def _checked(name: str) -> str:
    if not _HOST.fullmatch(name):
        raise UsageError(
            f"--allow-host {name!r} is no name of a host.",
            remedy="Write it as in the address, without https:// and without a port: lab.example.org.",
        )
    return name.lower()


def flags(settings: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """Settings of Streamlit as its command line takes them: a list is one flag for each of its values, but
    JSON where it belongs to a theme."""
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from flags(value, f"{above}{name}.")
            continue
        if isinstance(value, list) and above.startswith("theme."):
            value = json.dumps(value)
        for each in value if isinstance(value, list) else [value]:
            shown = str(each).lower() if isinstance(each, bool) else each
            yield f"--{above}{name}={shown}"
