"""The error family, drawn once.

    PromptlabError
    ├── UsageError                 wrong usage: the command line, a missing key, a read-only folder
    │   └── ExperimentError        wrong experiment file: says file, line, field, value and the likely fix
    ├── NoAnswer                   the model was asked and gave no answer: scores 0, is counted apart
    │   ├── Unparsed, Refused, Truncated, SandboxFailure
    ├── CallError                  a call to a model failed: missing, never a score
    ├── BudgetReached              a limit of the experiment was reached: the run stops, resumable
    └── StorageError               cache or run store cannot be read or written

Every message says what happened, the value, and the remedy, in one line.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Literal


class ExitCode:
    """What the command line returns. Precedence: 130, 5, 3, 4."""

    DONE = 0
    INTERNAL = 1
    USAGE = 2
    TRIAL_ERRORS = 3
    GATE = 4
    BUDGET = 5
    INTERRUPTED = 130


class PromptlabError(Exception):
    """Base of everything promptlab raises on purpose."""

    exit_code: ClassVar[int] = ExitCode.INTERNAL

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip() if self.remedy else self.message


class UsageError(PromptlabError):
    """The command or the surroundings are wrong; nothing was called."""

    exit_code = ExitCode.USAGE


class ExperimentError(UsageError):
    """The experiment file is wrong. Renders as ``file:line: field: what (value). Fix.``"""

    def __init__(
        self,
        message: str,
        *,
        file: str = "",
        line: int | None = None,
        field: str = "",
        value: object = None,
        remedy: str = "",
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.file = file
        self.line = line
        self.field = field
        self.value = value

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line is not None else self.file
        parts = [part for part in (where, self.field) if part]
        shown = "" if self.value is None else f" (got {_short(self.value)})"
        body = f"{self.message}{shown}."
        return ": ".join([*parts, body]) + (f" {self.remedy}" if self.remedy else "")


def _short(value: object, limit: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


NoAnswerKind = Literal["unparsed", "refused", "truncated", "sandbox"]
NO_ANSWER_KINDS: tuple[NoAnswerKind, ...] = ("unparsed", "refused", "truncated", "sandbox")


class NoAnswer(PromptlabError):
    """The model was asked and gave no answer. Raised by techniques, recorded as the trial's status."""

    kind: ClassVar[NoAnswerKind] = "unparsed"


class Unparsed(NoAnswer):
    """No answer was found in the reply."""


class Refused(NoAnswer):
    """The model declined to answer."""

    kind = "refused"


class Truncated(NoAnswer):
    """The reply was cut off before an answer came."""

    kind = "truncated"


class SandboxFailure(NoAnswer):
    """Code written by the model did not end with an answer."""

    kind = "sandbox"


class CallErrorKind(StrEnum):
    """Why a call failed: decides whether it is tried again and whether its cell goes on."""

    AUTH = "auth"
    NO_MODEL = "no_model"
    NO_QUOTA = "no_quota"
    BAD_REQUEST = "bad_request"
    CONTEXT_OVERFLOW = "context_overflow"
    RATE_LIMITED = "rate_limited"
    SERVER = "server"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    MALFORMED = "malformed"


TRANSIENT = frozenset(
    {
        CallErrorKind.RATE_LIMITED,
        CallErrorKind.SERVER,
        CallErrorKind.TIMEOUT,
        CallErrorKind.CONNECTION,
        CallErrorKind.MALFORMED,
    }
)
# The whole cell would fail in the same way: stop it after the first such answer.
CELL_ENDING = frozenset(
    {CallErrorKind.AUTH, CallErrorKind.NO_MODEL, CallErrorKind.NO_QUOTA, CallErrorKind.BAD_REQUEST}
)
# Every request to that model would: whoever waits for it need not ask.
MODEL_ENDING = CELL_ENDING - {CallErrorKind.BAD_REQUEST}


class CallError(PromptlabError):
    """A call to a model failed. `kind` says why; `status` and `code` are what the provider said.

    `retry_after_s` is the provider's own Retry-After, in seconds, where it gave one. `attempts` counts the
    requests that were sent for the call; what they cost, no one said.
    """

    def __init__(
        self,
        kind: CallErrorKind,
        message: str,
        *,
        remedy: str = "",
        status: int | None = None,
        code: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.kind = kind
        self.status = status
        self.code = code
        self.retry_after_s = retry_after_s
        self.attempts = 0
        self.sent = True

    def shared(self) -> CallError:
        """The same for who waited meanwhile and would have met it: none of the requests was its own."""
        error = CallError(
            self.kind,
            self.message,
            remedy=self.remedy,
            status=self.status,
            code=self.code,
            retry_after_s=self.retry_after_s,
        )
        error.sent = False
        return error

    @property
    def transient(self) -> bool:
        return self.kind in TRANSIENT

    @property
    def ends_cell(self) -> bool:
        return self.kind in CELL_ENDING

    @property
    def ends_model(self) -> bool:
        return self.kind in MODEL_ENDING


class BudgetReached(PromptlabError):
    """A limit under `limits:` was reached. The run stops and can be resumed with a higher limit."""

    exit_code = ExitCode.BUDGET


class StorageError(PromptlabError):
    """The cache or the run store cannot be read or written."""

    exit_code = ExitCode.INTERNAL
