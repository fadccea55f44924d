"""The technique contract, whole: a technique is an async program over `ask`.

@technique("my_technique")
class Mine(Technique):
    \"\"\"Source. Number of calls. What it records. Its limits.\"\"\"

    politely: bool = False           # settings are pydantic fields: YAML, JSON schema and forms

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        reply = await ctx.ask(ctx.prompt(question))
        return Answer(reply)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict

from promptlab.basics.registry import Registry
from promptlab.datasets.sample import Question
from promptlab.datasets.task import Task
from promptlab.models.request import Completion

if TYPE_CHECKING:
    from promptlab.techniques.context import CellContext, TrialContext


@dataclass(frozen=True, slots=True)
class Calls:
    """How many calls one trial makes: for the estimate."""

    low: int = 1
    expected: float = 1.0
    high: int = 1


class FromReply(Enum):
    """Marks a value that is still to be read from the reply by the task's own rule."""

    FROM_REPLY = "from reply"


FROM_REPLY = FromReply.FROM_REPLY


@dataclass(frozen=True, slots=True)
class Answer:
    """What a technique ends with: the reply that states the answer, and the parsed value.

    `value` left at FROM_REPLY is read from the reply by the robust rule of the task's answer type; a
    technique that votes or has its own extractor gives the value itself (None: nothing was found), and
    names the rule.
    """

    reply: Completion
    value: str | tuple[str, ...] | FromReply | None = FROM_REPLY
    rule: str = ""


class Technique(BaseModel, ABC):
    """A prompt program that turns a question into an answer with one or more calls.

    It sees a `Question`, which has no target and no rationale. It holds no HTTP, no cache, no retry and
    no state that outlives a trial, but for what `prepare` sets up once per cell through `ctx`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: ClassVar[int] = 1  # rises whenever the same settings could send other prompts
    oracle: ClassVar[bool] = False  # gets the target; its rows say so everywhere
    default_sampling: ClassVar[Mapping[str, Any]] = MappingProxyType({"temperature": 0})
    registered_name: ClassVar[str] = ""

    async def prepare(self, ctx: CellContext) -> None:
        """Once per cell, before its first trial: reads train and dev, builds what all trials share."""

    @abstractmethod
    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        """The answer to one question. Raises NoAnswer where a step gave nothing to go on with."""

    def planned_calls(self, task: Task) -> Calls:
        return Calls()

    def needs_train(self) -> bool:
        """Whether it reads the train split (and so depends on its content)."""
        return False

    def needs_dev(self) -> bool:
        return False

    def drawn_once(self) -> str | None:
        """What all its trials share by one draw ("demo set"): a verdict then holds with this draw only."""
        return None

    def check(self, ctx: CellContext) -> None:
        """Raises ExperimentError for what is wrong with these settings on this data, before any call."""


techniques: Registry[Technique] = Registry(
    "technique",
    Technique,
    {
        "zero_shot": "promptlab.techniques.zero_shot",
        "zero_shot_cot": "promptlab.techniques.zero_shot_cot",
        "few_shot": "promptlab.techniques.few_shot",
    },
    group="promptlab.techniques",
)

T = TypeVar("T", bound=type[Technique])


def technique(name: str, *, oracle: bool = False) -> Any:
    """Registers a technique class under `name`."""

    def register(cls: T) -> T:
        cls.registered_name = name
        cls.oracle = oracle
        techniques.add(name, cls)
        return cls

    return register


@dataclass(slots=True)
class CallRecord:
    """One call of a trial, as it is stored and shown: its name, what was sent, what came back."""

    name: str
    messages: tuple[Any, ...]
    sampling: Mapping[str, Any]
    completion: Completion | None = None
    error: str = ""
    attempts: int = 0  # of a call that failed: requests that were sent all the same


@dataclass(slots=True)
class Trace:
    """What a trial leaves behind besides its answer: its calls in order, and the technique's own notes."""

    calls: list[CallRecord] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def latency_s(self) -> float | None:
        """All replies together, as first measured; None: there is none."""
        replies = [call.completion for call in self.calls if call.completion is not None]
        return sum(reply.latency_s for reply in replies) if replies else None
