"""The technique contract, whole: a technique is an async program over `ask`.

@technique("my_technique")
class Mine(Technique):
    \"\"\"Source. Number of calls. What it records. Its limits.\"\"\"

    politely: bool = False           # settings are pydantic fields: YAML, JSON schema and forms

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        reply = await ctx.ask(ctx.prompt(question))
        return Answer(reply)

What every technique can be given in the YAML, without doing anything for it: `demos` (shown by `ctx.prompt`),
`context` (another technique that finds what stands before the prompt), `format` and `post`. A setting of type
`Inner` is another technique: `ctx.run` runs it. A setting of type `NamedFile` is a file beside the
experiment; its key ends in `_file`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict

from promptlab.basics.errors import ExperimentError
from promptlab.basics.registry import USER_MODULE, Registry
from promptlab.datasets.sample import Question, Sample
from promptlab.datasets.task import AnswerType, Task
from promptlab.models.call_record import CallRecord
from promptlab.models.request import Completion
from promptlab.retrieval import SETS_VERSION, DemoSpec
from promptlab.techniques.built_in import BUILT_IN
from promptlab.techniques.settings import Inner, plain_settings

if TYPE_CHECKING:
    from promptlab.techniques.cell import CellContext
    from promptlab.techniques.context import TrialContext


@dataclass(frozen=True, slots=True)
class Calls:
    """How many calls one trial makes: for the estimate."""

    low: int = 1
    expected: float = 1.0
    high: int = 1

    def times(self, count: int) -> Calls:
        return Calls(self.low * count, self.expected * count, self.high * count)

    def __add__(self, other: Calls) -> Calls:
        return Calls(self.low + other.low, self.expected + other.expected, self.high + other.high)


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

    @property
    def given(self) -> tuple[str | tuple[str, ...] | None, str] | None:
        """The value that a technique read or voted by itself, with its rule's name; None: read the reply."""
        return None if isinstance(self.value, FromReply) else (self.value, self.rule)


class Fidelity(NamedTuple):
    """How near an implementation is to its source: the same, changed for chat models, not in the source."""

    exact: str
    chat: str
    rebuilt: str


class Technique(BaseModel, ABC):
    """A prompt program that turns a question into an answer with one or more calls.

    It sees a `Question`, which has no target and no rationale. It holds no HTTP, no cache, no retry and
    no state that outlives a trial, but for what `prepare` sets up once per cell through `ctx`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: ClassVar[int] = 1  # rises whenever the same settings could send other prompts
    # Learns whether an answer is right (`ctx.is_right`), never the target; its rows say so everywhere.
    oracle: ClassVar[bool] = False
    gathers: ClassVar[bool] = False  # can be another technique's `context`
    shows_demos: ClassVar[bool] = True  # its prompts come from `ctx.prompt`, so that `demos` can be given
    # What stands before a demo's question and answer where all demos are in one message.
    marks: ClassVar[tuple[str, str]] = ("", "")
    runs_code: ClassVar[bool] = False  # `solve` runs what the model wrote: `ctx.run_program`
    optimizes: ClassVar[bool] = False  # `prepare` looks for its prompt on train and dev, with calls
    default_sampling: ClassVar[Mapping[str, Any]] = MappingProxyType({"temperature": 0})
    registered_name: ClassVar[str] = ""
    fidelity: ClassVar[Fidelity | None] = None  # for the page that lists techniques
    example: ClassVar[str] = ""  # an entry under `variants:`
    # Came after the technique: where they are not given, trials have the identity they had before.
    later_settings: ClassVar[tuple[str, ...]] = ()

    demos: DemoSpec | None = None
    context: Inner | None = None
    format: Literal["plain", "markdown", "yaml", "json"] = "plain"
    post: Literal["python_notation"] | None = None

    async def prepare(self, ctx: CellContext) -> None:
        """Once per cell, before its first trial: reads train and dev, builds what all trials share."""

    @abstractmethod
    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        """The answer to one question. Raises NoAnswer where a step gave nothing to go on with."""

    def planned_calls(self, task: Task) -> Calls:
        """Calls of one trial, those of inner techniques included, those of `context` not."""
        return Calls()

    def calls_in_all(self, task: Task) -> Calls:
        """`planned_calls`, and those of what stands before the prompt."""
        own = self.planned_calls(task)
        return own if self.context is None else self.context.gathering_calls(task) + own

    def gathering_calls(self, task: Task) -> Calls:
        """Calls it makes as somebody's `context`."""
        return Calls(0, 0, 0)

    async def gather(self, question: Question, ctx: TrialContext) -> str:
        """What it finds for a question, as text to stand before a prompt. Only where `gathers`."""
        raise NotImplementedError

    def parts(self) -> Iterator[tuple[str, Technique]]:
        """The techniques among its settings, by the setting's name."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            for each in value if isinstance(value, list | tuple) else [value]:
                if isinstance(each, Technique):
                    yield name, each

    def demo_spec(self, task: Task) -> DemoSpec | None:
        """Which demos `ctx.prompt` shows: `demos`, or a technique's own default."""
        return self.demos

    def demo_reply(self, demo: Sample, task: Task) -> str:
        """A demo's answer as the model should write it: the items of a list, else the first accepted text."""
        return ", ".join(demo.targets) if task.answer is AnswerType.LIST else demo.targets[0]

    def needs_train(self) -> bool:
        """Whether it reads the train split (and so depends on its content)."""
        own = self.demos is not None and self.demos.from_train
        return own or any(part.needs_train() for _, part in self.parts())

    @property
    def uses_demo_sets(self) -> bool:
        """Whether it shows demos that ship with promptlab."""
        return self.demos is not None and self.demos.set is not None

    def may_run_code(self) -> bool:
        """Whether it, or a technique inside it, runs what a model wrote."""
        return self.runs_code or any(part.may_run_code() for _, part in self.parts())

    def optimizers(self) -> Iterator[Technique]:
        """Those that look for their prompt before the first trial: itself, or techniques inside it."""
        if self.optimizes:
            yield self
        for _, part in self.parts():
            yield from part.optimizers()

    def reads_embeddings(self) -> bool:
        """Whether it searches with the experiment's embedding model, where there is one."""
        own = self.demos is not None and self.demos.select == "knn"
        return own or any(part.reads_embeddings() for _, part in self.parts())

    def needs_dev(self) -> bool:
        return any(part.needs_dev() for _, part in self.parts())

    def drawn_once(self) -> str | None:
        """What all its trials share by one draw ("demo set"): a verdict then holds with this draw only."""
        if self.demos is not None and self.demos.drawn_once:
            return "demo set"
        return next((drawn for _, part in self.parts() if (drawn := part.drawn_once())), None)

    def redraws(self, task: Task) -> frozenset[str]:
        """What of `vary` a repeat can draw anew here besides the completion: "demos", "order"."""
        found = {each for _, part in self.parts() for each in part.redraws(task)}
        spec = self.demo_spec(task)
        if spec is not None and spec.drawn_once:
            found.add("demos")
        if spec is not None and spec.count > 1:
            found.add("order")
        return frozenset(found)

    def uses_target(self) -> bool:
        """Whether it, or a technique inside it, is an oracle."""
        return self.oracle or any(part.uses_target() for _, part in self.parts())

    def asked_models(self) -> frozenset[str]:
        """Names of the experiment's models that are asked besides the cell's own."""
        return frozenset(name for _, part in self.parts() for name in part.asked_models())

    def check(self, ctx: CellContext) -> None:
        """Raises ExperimentError for what is wrong with these settings on this data, before any call."""

    def check_demo(self, demo: Sample) -> None:
        """Raises ExperimentError for a row that cannot be shown."""
        if not demo.targets:
            raise ExperimentError(
                "a train row without a target cannot be a demo", field="demos", value=demo.id
            )

    def identity(self) -> dict[str, Any]:
        """Name, version and settings: another identity may send other prompts. Files count by content."""
        fields = type(self).model_fields
        # A shared setting that the technique gives a default of its own counts even so.
        known = {**{name: fields[name] for name in self.later_settings}, **Technique.model_fields}
        settings = {
            name: plain_settings(getattr(self, name))
            for name in fields
            if name not in known or getattr(self, name) != known[name].default
        }
        if self.uses_demo_sets:
            settings["demo_sets"] = SETS_VERSION
        return {"technique": self.source, "version": self.version, "settings": settings}

    @property
    def source(self) -> str:
        """Its registered name; of a class in a file of the user's own: its name and the file's hash."""
        module = type(self).__module__
        if module.startswith(USER_MODULE):
            return f"{type(self).__name__}@{module.removeprefix(USER_MODULE)}"
        return self.registered_name


techniques: Registry[Technique] = Registry(
    "technique",
    Technique,
    BUILT_IN,
    group="promptlab.techniques",
)

T = TypeVar("T", bound=type[Technique])


def technique(name: str, *, oracle: bool = False) -> Any:
    """Registers a technique class under `name`. An `oracle` may ask `ctx.is_right`, and is labelled."""

    def register(cls: T) -> T:
        cls.registered_name = name
        cls.oracle = oracle
        techniques.add(name, cls)
        return cls

    return register


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
