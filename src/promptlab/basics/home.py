"""Where promptlab keeps things: PROMPTLAB_HOME for a project, the user's cache for model weights."""

from __future__ import annotations

import os
from pathlib import Path

from promptlab.basics.errors import UsageError

HOME_VARIABLE = "PROMPTLAB_HOME"
_FOLDER = ".promptlab"


def find_home(start: Path | None = None) -> Path:
    """PROMPTLAB_HOME, else the nearest `.promptlab/` upward from `start` (the working directory), else there.

    Creates nothing.
    """
    given = os.environ.get(HOME_VARIABLE)
    if given:
        return Path(given).expanduser().resolve()
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if (folder / _FOLDER).is_dir():
            return folder / _FOLDER
    return start / _FOLDER


def open_home(start: Path | None = None) -> Path:
    """`find_home`, made if missing, readable by its owner only."""
    home = find_home(start)
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot create {home}: {error.strerror}.",
            remedy=f"Set {HOME_VARIABLE} to a folder you can write to.",
        ) from error
    return home


def user_cache() -> Path:
    """`~/.cache/promptlab` (XDG_CACHE_HOME is honoured): shared by all projects of one user."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "promptlab"
