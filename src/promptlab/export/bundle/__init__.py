"""A run in one file that others can check and reprint without a key and without a network."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from promptlab.export.bundle.check import Checked, check_run
    from promptlab.export.bundle.form import Contents
    from promptlab.export.bundle.opening import Bundle, open_bundle
    from promptlab.export.bundle.packing import Packed, pack
    from promptlab.export.bundle.replaying import Replayed, replay
    from promptlab.export.bundle.unpacking import unpack

__all__ = [
    "Bundle",
    "Checked",
    "Contents",
    "Packed",
    "Replayed",
    "check_run",
    "open_bundle",
    "pack",
    "replay",
    "unpack",
]

# Packing needs the keys of models, checking the scorers: each is fetched where it is used.
_HOMES = {
    "Bundle": "opening",
    "Checked": "check",
    "Contents": "form",
    "Packed": "packing",
    "Replayed": "replaying",
    "check_run": "check",
    "open_bundle": "opening",
    "pack": "packing",
    "replay": "replaying",
    "unpack": "unpacking",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"promptlab.export.bundle.{_HOMES[name]}"), name)
