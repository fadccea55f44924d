"""litellm's file of list prices, contexts and abilities, read as data: litellm is not imported."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

_FILE = "model_prices_and_context_window_backup.json"
_SAMPLE = "sample_spec"  # the file's own explanation of its fields


def read_price_file() -> tuple[str, Mapping[str, Mapping[str, Any]]]:
    """(source, entry of every model by litellm's name); nothing where litellm is not installed.

    3 MB and 30 ms each time: who asks more than once keeps what it needs.
    """
    found = importlib.util.find_spec("litellm")
    for folder in (found.submodule_search_locations or ()) if found is not None else ():
        path = Path(folder) / _FILE
        if path.is_file():
            entries = orjson.loads(path.read_bytes())
            entries.pop(_SAMPLE, None)
            return f"litellm {importlib.metadata.version('litellm')} price file", entries
    return "", {}
