"""The contract between an answer and its grade."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict

from promptlab.basics.errors import NoAnswerKind, PromptlabError
from promptlab.basics.hashing import canonical, file_digest
from promptlab.basics.registry import Registry
from promptlab.datasets.task import AnswerType

if TYPE_CHECKING:
    from promptlab.scoring.corpus import Corpus

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """What an extraction rule must know of the task: the type, the labels, the sample's choices."""

    type: AnswerType
    labels: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Extraction:
    """What a rule found in a reply: a value in canonical spelling, or none and why.

    `stated` is true where the reply said that this is the answer (an answer phrase, a box, a lone label),
    false where the rule fell back ("the last number"); a cut-off reply counts only with a stated answer.
    """

    value: str | tuple[str, ...] | None
    failure: NoAnswerKind | None
    rule: str
    stated: bool = True


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer as scorers see it: the last reply's raw text, the extracted value, the failure if any."""

    text: str
    value: str | tuple[str, ...] | None
    failure: NoAnswerKind | None = None
    latency_s: float | None = None
    """All calls of the trial together, as first measured; None: unknown."""
    cost_usd: float | None = None
    """All calls of the trial together, as first paid; None: unknown."""


@dataclass(frozen=True, slots=True)
class Gold:
    """What the sample says: accepted targets, choices, inputs and metadata.

    `script` is that of the data set's targets, "zh", "ja" or ""; None: nobody has looked.
    """

    targets: tuple[str, ...]
    form: AnswerForm
    inputs: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    metadata: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    script: str | None = None


class Scorer(BaseModel, ABC):
    """Grades one answer from 0 to 1. Settings are pydantic fields.

    `version` rises whenever the same answer could get another score. A failed answer (unparsed, refused,
    ...) is scored 0 by the caller and never reaches `score`, but for scorers that read failures themselves.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    version: ClassVar[int] = 1
    needs_target: ClassVar[bool] = True  # else samples without a target are scored as well
    runs_code: ClassVar[bool] = False  # graded apart, by running a program: see `scoring.programs`
    registered_name: ClassVar[str] = ""

    @property
    def strict(self) -> bool:
        """Whether it reads the raw reply, so that format counts."""
        return False

    @property
    def reads_failures(self) -> bool:
        """Whether it grades replies without an answer: a refusal scorer, another harness's rule."""
        return False

    def identity(self) -> dict[str, Any]:
        """Name, version and settings: a scorer with another identity may give other scores."""
        return {
            "scorer": self.registered_name,
            "version": self.version,
            **self.model_dump(mode="json", by_alias=True),
        }

    @abstractmethod
    def score(self, answered: Answered, gold: Gold) -> float | None:
        """The grade, 0 to 1; None: this answer cannot be graded, and is missing."""

    def statistics(self, answered: Answered, gold: Gold) -> tuple[float, ...] | None:
        """What this answer, failed or not, adds to a score of the whole cell (see `scoring.corpus`).

        None: it adds nothing. Without a `corpus` score they only feed the confusion matrix.
        """
        return None

    def corpus(self) -> Corpus | None:
        """How the cell's score follows from its answers' statistics; None: it is their scores' mean."""
        return None

    def check(self, form: AnswerForm) -> None:
        """Raises UsageError where this scorer cannot grade that kind of answer."""


class _Scorers(Registry[Scorer]):
    """Also takes functions; what comes from a file is named with its hash, so that new code scores anew."""

    def _checked(self, name: str, cls: object, origin: str) -> type[Scorer]:
        if inspect.isfunction(cls):
            from promptlab.scoring.own_function import from_function

            cls = from_function(cls, name)
        found = super()._checked(name, cls, origin)
        if ".py:" in name:
            found.registered_name = f"{Path(name).name}@{file_digest(Path(origin))[:16]}"
        return found


scorers: Registry[Scorer] = _Scorers(
    "scorer",
    Scorer,
    {
        "exact_match": "promptlab.scoring.matching",
        "contains": "promptlab.scoring.matching",
        "math": "promptlab.scoring.equal_mathematics",
        "regex": "promptlab.scoring.matching",
        "numeric": "promptlab.scoring.numeric",
        "choice": "promptlab.scoring.labels",
        "label": "promptlab.scoring.labels",
        "yes_no": "promptlab.scoring.labels",
        "f1": "promptlab.scoring.classes",
        "precision": "promptlab.scoring.classes",
        "recall": "promptlab.scoring.classes",
        "mcc": "promptlab.scoring.classes",
        "drop_f1": "promptlab.scoring.overlap",
        "squad_f1": "promptlab.scoring.overlap",
        "levenshtein": "promptlab.scoring.overlap",
        "list_f1": "promptlab.scoring.overlap",
        "json_valid": "promptlab.scoring.structure",
        "json_schema": "promptlab.scoring.structure",
        "code_tests": "promptlab.scoring.code_tests",
        "refusal": "promptlab.scoring.replies",
        "length": "promptlab.scoring.replies",
        "latency": "promptlab.scoring.replies",
        "cost": "promptlab.scoring.replies",
        "bleu": "promptlab.scoring.translation",
        "chrf": "promptlab.scoring.translation",
        "ter": "promptlab.scoring.translation",
        "rouge": "promptlab.scoring.summary",
        "judge": "promptlab.scoring.judging.judge",
        "embedding_similarity": "promptlab.scoring.judging.similarity",
    },
    group="promptlab.scorers",
)


def rebuilt(identity: Mapping[str, Any]) -> Scorer | None:
    """The scorer whose identity that is. None: it is somebody's own code, or another version here."""
    settings = {key: value for key, value in identity.items() if key not in ("scorer", "version")}
    kind = str(identity["scorer"])
    if ".py" in kind or "@" in kind:
        return None
    try:
        found = scorers.get(kind).model_validate(settings)
    except (PromptlabError, ValueError):
        return None
    return found if canonical(found.identity()) == canonical(dict(identity)) else None


S = TypeVar("S", bound=type[Scorer])


def scorer(name: str) -> Any:
    """Registers a scorer class under `name`."""

    def register(cls: S) -> S:
        cls.registered_name = name
        scorers.add(name, cls)
        return cls

    return register
