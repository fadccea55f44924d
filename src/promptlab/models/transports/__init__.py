"""How requests reach the outside world: one module for each kind of provider, imported when it is needed."""

from __future__ import annotations

from promptlab.basics.registry import Registry
from promptlab.models.transports.base import Progress, Transport, silent

__all__ = ["Progress", "Transport", "make_transport", "silent", "transports"]

transports: Registry[Transport] = Registry(
    "transport",
    Transport,
    {
        "litellm": "promptlab.models.transports.litellm",
        "local": "promptlab.models.transports.local",
        "openai_chat": "promptlab.models.transports.openai_chat",
        "scripted": "promptlab.models.transports.scripted",
    },
    group="promptlab.transports",
)


def make_transport(name: str, *, progress: Progress = silent) -> Transport:
    """A new transport of that name; nothing is connected or started yet. UsageError for an unknown name."""
    return transports.get(name)(progress=progress)
