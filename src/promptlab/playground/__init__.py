"""Trying prompts by hand: one question, several models and techniques side by side."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from promptlab.playground.answering import Answering
    from promptlab.playground.asking import Asker, asker
    from promptlab.playground.bots import Bot, Bots
    from promptlab.playground.candidates import Candidate, ModelChoice, build_technique, technique_names
    from promptlab.playground.chat import Chat
    from promptlab.playground.chat_turns import Column
    from promptlab.playground.chats import Chats, Listed
    from promptlab.playground.conversation import Conversation, Exchange
    from promptlab.playground.looks import Looks, count_look, read_looks
    from promptlab.playground.prompt import Prompt
    from promptlab.playground.reach import KEY_OFFERS, KeyOffer, can_run_local, reachable
    from promptlab.playground.rows import Cursor, RowSource, row_sources, typed_rows
    from promptlab.playground.saving import Draft, add_variant, experiment_text, variant_entry
    from promptlab.playground.versions import PromptVersion, Versions, differences

__all__ = [
    "KEY_OFFERS",
    "Answering",
    "Asker",
    "Bot",
    "Bots",
    "Candidate",
    "Chat",
    "Chats",
    "Column",
    "Conversation",
    "Cursor",
    "Draft",
    "Exchange",
    "KeyOffer",
    "Listed",
    "Looks",
    "ModelChoice",
    "Prompt",
    "PromptVersion",
    "RowSource",
    "Versions",
    "add_variant",
    "asker",
    "build_technique",
    "can_run_local",
    "count_look",
    "differences",
    "experiment_text",
    "reachable",
    "read_looks",
    "row_sources",
    "technique_names",
    "typed_rows",
    "variant_entry",
]

# The analysis reads how often test samples were looked at, and nothing else: names are fetched where used.
_HOMES = {
    "answering": ("Answering",),
    "asking": ("Asker", "asker"),
    "bots": ("Bot", "Bots"),
    "candidates": ("Candidate", "ModelChoice", "build_technique", "technique_names"),
    "chat": ("Chat",),
    "chat_turns": ("Column",),
    "chats": ("Chats", "Listed"),
    "conversation": ("Conversation", "Exchange"),
    "looks": ("Looks", "count_look", "read_looks"),
    "prompt": ("Prompt",),
    "reach": ("KEY_OFFERS", "KeyOffer", "can_run_local", "reachable"),
    "rows": ("Cursor", "RowSource", "row_sources", "typed_rows"),
    "saving": ("Draft", "add_variant", "experiment_text", "variant_entry"),
    "versions": ("PromptVersion", "Versions", "differences"),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"promptlab.playground.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
