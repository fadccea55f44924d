"""Fetching a built-in local model while something else goes on: how far it is, and how it ended."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Literal

from promptlab.basics.errors import PromptlabError
from promptlab.models.weights import known, models_folder, pull

State = Literal["running", "done", "failed"]

_pulls: dict[str, Pull] = {}
_lock = threading.Lock()


@dataclass
class Pull:
    """One download of this process. `told` are the lines it said, `error` why it failed."""

    name: str
    total_bytes: int
    state: State = "running"
    error: str = ""
    told: list[str] = field(default_factory=list)

    def done_bytes(self) -> int:
        """What is on the disk by now, at most `total_bytes`."""
        if self.state == "done":
            return self.total_bytes
        found = 0
        for path in models_folder().glob(f".{self.name}-*/**/*"):
            try:
                found += path.stat().st_size if path.is_file() else 0
            except FileNotFoundError:  # it was moved on meanwhile
                continue
        return min(found, self.total_bytes)


def start(name: str) -> Pull:
    """Begins to fetch it in a thread, or joins the download that is under way. UsageError: unknown name."""
    weights = known(name)
    with _lock:
        before = _pulls.get(name)
        if before is not None and before.state == "running":
            return before
        begun = _pulls[name] = Pull(name, weights.size_bytes)
    threading.Thread(target=_fetch, args=(begun,), name=f"promptlab-pull-{name}", daemon=True).start()
    return begun


def under_way(name: str) -> Pull | None:
    """The latest download of that model in this process; None where nobody began one."""
    with _lock:
        return _pulls.get(name)


def _fetch(begun: Pull) -> None:
    try:
        pull(begun.name, begun.told.append)
        begun.state = "done"
    except PromptlabError as error:
        begun.error, begun.state = str(error), "failed"
    except Exception as error:  # noqa: BLE001  nobody waits for this thread: whoever looks is told
        begun.error, begun.state = f"{type(error).__name__}: {error}", "failed"
