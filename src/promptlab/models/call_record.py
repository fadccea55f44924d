"""One call as it is stored and shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from promptlab.models.request import Completion


@dataclass(slots=True)
class CallRecord:
    """One call of a trial or a judgement: its name, what was sent, what came back."""

    name: str
    messages: tuple[Any, ...]
    sampling: Mapping[str, Any]
    completion: Completion | None = None
    error: str = ""
    attempts: int = 0  # of a call that failed: requests that were sent all the same
