"""What a provider's error answer means: the typed CallError from status and body, for all transports."""

from __future__ import annotations

import re
from collections.abc import Iterable

from promptlab.basics.errors import CallError, CallErrorKind
from promptlab.models.catalog import missing_key_remedy
from promptlab.models.keys import Secret, find_key, mask
from promptlab.models.request import Model
from promptlab.models.transports.error_bodies import ErrorReply, read_error
from promptlab.models.transports.error_kinds import classify
from promptlab.models.transports.retry_after import retry_after_s

__all__ = ["ErrorReply", "describe", "fault", "key_remedy", "read_error", "secrets_of"]

_SHOWN_CHARS = 300

_REMEDIES = {
    CallErrorKind.NO_QUOTA: "Add credit to the account, or use another key.",
    CallErrorKind.CONTEXT_OVERFLOW: "Shorten the prompt, use fewer demos, or a model with a longer context.",
    CallErrorKind.NO_MODEL: "Check the model's id and api_base.",
}


def fault(model: Model, reply: ErrorReply, *, remedy: str = "") -> CallError:
    """The CallError for an error answer. No secret stands in it, even where the provider repeats it."""
    status, error = reply.status, reply.error
    if status == 200:
        # An error in a 200 says its real status inside, if at all.
        status = next((int(code) for code in error.codes if re.fullmatch(r"[45]\d\d", code)), status)
    kind = classify(status, error.codes, error.message)
    # Gemini repeats the status as its code; the word beside it says more.
    said_codes = [each for each in error.codes if each != str(status)]
    code = mask(said_codes[0], secrets_of(model)) if said_codes else None
    if kind is CallErrorKind.AUTH:
        remedy = remedy or key_remedy(model)
    elif 300 <= status < 400:
        remedy = "The address redirects: set api_base to where it leads."
    elif kind is CallErrorKind.NO_MODEL and not error.codes:
        remedy = remedy or "Check api_base: it usually ends in /v1."
    said = f" ({code})" if code else ""
    return CallError(
        kind,
        describe(model, f"HTTP {status}{said}: {error.message}"),
        remedy=remedy or _REMEDIES.get(kind, ""),
        status=status,
        code=code,
        retry_after_s=retry_after_s(reply.headers, error.retry_delay),
    )


def key_remedy(model: Model) -> str:
    """What to do about a refused key: which variable, and where the refused one came from."""
    key = find_key(model)
    found = f" The one used came from {key.source}." if key else ""
    return missing_key_remedy(model) + found


def describe(model: Model, text: str) -> str:
    """One masked line that begins with the model and where it was asked."""
    # Masked before it is cut, or a cut-off key would slip through.
    shown = _one_line(mask(text, secrets_of(model)))
    at = f" at {model.endpoint}" if "://" in model.endpoint else ""
    return f"{model.name}{at}: {shown if shown.endswith(('.', '…')) else f'{shown}.'}"


def secrets_of(model: Model) -> Iterable[Secret | str]:
    """Everything of a model that must not be shown: its key, its headers' values, its address's user info."""
    key = find_key(model)
    if key is not None:
        yield key
    for value in model.headers.values():
        yield value
        yield value.rpartition(" ")[2]
    info, at, _ = model.api_base.partition("://")[2].partition("/")[0].rpartition("@")
    if at:
        yield info
        yield info.partition(":")[2]


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN_CHARS else line[: _SHOWN_CHARS - 1] + "…"
