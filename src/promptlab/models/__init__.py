"""The one door to the models: requests in, completions out, every call paid once."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from promptlab.models.catalog import check_key, resolve
from promptlab.models.door import Door
from promptlab.models.limits import Limits, Rate
from promptlab.models.request import (
    Completion,
    Draw,
    Image,
    Message,
    Model,
    Price,
    Request,
    ToolCall,
    Usage,
)

if TYPE_CHECKING:
    from promptlab.models.client import Client

__all__ = [
    "Client",
    "Completion",
    "Door",
    "Draw",
    "Image",
    "Limits",
    "Message",
    "Model",
    "Price",
    "Rate",
    "Request",
    "ToolCall",
    "Usage",
    "check_key",
    "resolve",
]


def __getattr__(name: str) -> Any:
    # The client brings aiohttp and the cache: a stored run is compared without them.
    if name == "Client":
        return importlib.import_module("promptlab.models.client").Client
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
