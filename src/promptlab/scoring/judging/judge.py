"""A judge's settings, and what it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from promptlab.basics.templates import TemplateError, template
from promptlab.models.request import Message
from promptlab.scoring.base import Answered, Gold, Scorer, scorer
from promptlab.scoring.judging.fence import Fence
from promptlab.scoring.judging.prompts import CRITERIA, PROMPTS, STEPS, SYSTEM
from promptlab.scoring.judging.verdict import PLACEHOLDER

Kind = Literal["rubric", "reference", "pairwise", "g_eval"]

FIRST, SECOND, TIE = "A", "B", "TIE"
_PREFERENCES = {FIRST: 1.0, SECOND: 0.0, TIE: 0.5}
_SCALE = (1, 5)
_MOST_GRADES = 101
_G_EVAL_DRAWS = 5
_TOP_LOGPROBS = 20  # as many as the OpenAI protocol gives


@dataclass(frozen=True, slots=True)
class Exhibit:
    """What one judgement is about. `other` is the opponent's answer of a pairwise one."""

    question: str
    answer: str
    target: str = ""
    other: str = ""
    targets: tuple[str, ...] = ()


@scorer("judge")
class Judge(Scorer):
    """A model grades the answer: `kind` rubric, reference, pairwise (win rate against `against`) or g_eval.

    rubric: a grade on `scale`, or one of `verdicts`. reference: the same against the target. pairwise: both
    orders; a preference that changes with the order is a tie, and inconsistent. g_eval (Liu et al. 2023,
    arXiv 2303.16634): the mean over the scale weighted by the probability of each grade's token, else the
    mean over `repeats` draws. The paper has the model write the steps once; here they are given in `steps`,
    so that they are the same for everyone. Grades are mapped to 0..1. A verdict outside the allowed set, or
    an error, is no score. `model`: the name of one of the experiment's models, or a model entry.
    """

    kind: Kind
    model: str | dict[str, Any]
    criteria: str = ""
    scale: tuple[int, int] | None = None
    verdicts: dict[str, float] | None = None
    steps: tuple[str, ...] = ()
    against: str | None = None
    question: str | None = None
    system: str | None = None
    prompt: str | None = None
    on: Literal["reply", "answer"] = "reply"
    repeats: int | None = Field(default=None, ge=1, le=100)

    @field_validator("scale")
    @classmethod
    def _ordered(cls, scale: tuple[int, int] | None) -> tuple[int, int] | None:
        if scale is not None and not 0 < scale[1] - scale[0] < _MOST_GRADES:
            raise ValueError("give the lowest and the highest grade, at most 100 apart")
        return scale

    @field_validator("verdicts")
    @classmethod
    def _valued(cls, verdicts: dict[str, float] | None) -> dict[str, float] | None:
        if verdicts is None:
            return None
        if len({name.strip().casefold() for name in verdicts}) != len(verdicts) or len(verdicts) < 2:
            raise ValueError("give at least two verdicts, each under its own name")
        for name, value in verdicts.items():
            if not 0 <= value <= 1:
                raise ValueError(f"the verdict {name!r} is worth {value:g}; it must be 0 to 1")
            if not name.strip() or name.strip().casefold() == PLACEHOLDER.casefold():
                raise ValueError(f"{name!r} cannot name a verdict")
        return verdicts

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.scale is not None and self.verdicts is not None:
            raise ValueError("`scale` and `verdicts` both stand here; keep one")
        if self.kind == "pairwise" and (self.scale is not None or self.verdicts is not None):
            raise ValueError("a pairwise judge says A, B or TIE; it takes no `scale` and no `verdicts`")
        if self.against is not None and self.kind != "pairwise":
            raise ValueError("`against` belongs to `kind: pairwise`")
        if self.steps and self.kind != "g_eval":
            raise ValueError("`steps` belongs to `kind: g_eval`")
        try:
            template(self.question or "")
        except TemplateError as error:
            raise ValueError(f"`question`: {error.message}") from None
        known = {"question", "target", "criteria", "steps", "allowed", "verdict_line", "code"}
        answers = {"answer_a", "answer_b"} if self.kind == "pairwise" else {"answer"}
        needed = {"verdict_line", *answers}
        for name, source in (("system", self._system), ("prompt", self._prompt)):
            try:
                used = template(source).variables
            except TemplateError as error:
                raise ValueError(f"`{name}`: {error.message}") from None
            if unknown := sorted(used - known - answers):
                raise ValueError(
                    f"`{name}` uses {{{{ {unknown[0]} }}}}; a judge's templates know "
                    f"{', '.join(sorted(known | answers))}"
                )
            needed -= used
        if needed:
            raise ValueError(f"`prompt` must use {{{{ {sorted(needed)[0]} }}}}")
        return self

    @property
    def _prompt(self) -> str:
        return PROMPTS[self.kind] if self.prompt is None else self.prompt

    @property
    def _system(self) -> str:
        return SYSTEM if self.system is None else self.system

    @property
    def strict(self) -> bool:
        return self.on == "reply"

    @property
    def pairwise(self) -> bool:
        return self.kind == "pairwise"

    @property
    def draws(self) -> int:
        """How often each answer (pairwise: each order) is judged."""
        return self.repeats or (_G_EVAL_DRAWS if self.kind == "g_eval" else 1)

    @property
    def values(self) -> dict[str, float]:
        """The allowed verdicts and what each is worth, 0 to 1."""
        if self.pairwise:
            return _PREFERENCES
        if self.verdicts is not None:
            return self.verdicts
        if self.kind == "reference" and self.scale is None:
            return {"CORRECT": 1.0, "INCORRECT": 0.0}
        low, high = self.scale or _SCALE
        return {str(grade): (grade - low) / (high - low) for grade in range(low, high + 1)}

    def identity(self) -> dict[str, Any]:
        """As it works, defaults spelled out; the model and the question are added by who resolved them."""
        return {
            "scorer": self.registered_name,
            "version": self.version,
            "kind": self.kind,
            "criteria": self._criteria,
            "values": self.values,
            "steps": list(self.steps or STEPS) if self.kind == "g_eval" else [],
            "system": self._system,
            "prompt": self._prompt,
            "on": self.on,
            "draws": self.draws,
        }

    def score(self, answered: Answered, gold: Gold) -> float:
        raise TypeError("a judge is asked through the door, after the answers are stored")

    def default_sampling(self) -> dict[str, Any]:
        """What is sent where the model's entry says nothing else, and left out where a model refuses it."""
        chosen: dict[str, Any] = {"temperature": 0 if self.draws == 1 else 1}
        if self.kind == "g_eval":
            chosen |= {"logprobs": True, "top_logprobs": _TOP_LOGPROBS}
        return chosen

    def messages(self, shown: Exhibit, *, swapped: bool = False) -> tuple[tuple[Message, ...], Fence]:
        """What the judge is sent, and the fence by which its verdict is known. `swapped`: B stands first.

        The answers' order is part of the content, so both orders have codes of their own.
        """
        first, second = (shown.other, shown.answer) if swapped else (shown.answer, shown.other)
        fence = Fence.around((shown.question, shown.target, first, second))
        low_to_high = list(self.values)
        allowed = (
            f"a whole number from {low_to_high[0]} (worst) to {low_to_high[-1]} (best)"
            if self.verdicts is None and not self.pairwise and low_to_high[0].lstrip("-").isdigit()
            else f"one of {', '.join(low_to_high)}"
        )
        values: Mapping[str, str] = {
            "question": fence.block("TASK", shown.question),
            "target": fence.block("REFERENCE", shown.target),
            "answer": fence.block("ANSWER", shown.answer),
            "answer_a": fence.block("ANSWER A", first),
            "answer_b": fence.block("ANSWER B", second),
            "criteria": self._criteria,
            "steps": "\n".join(f"{n}. {step}" for n, step in enumerate(self.steps or STEPS, 1)),
            "allowed": allowed,
            "verdict_line": f"{fence.verdict} {PLACEHOLDER}",
            "code": fence.code,
        }
        texts = [("system", self._system), ("user", self._prompt)]
        return tuple(
            Message("system" if role == "system" else "user", template(source).render(values))
            for role, source in texts
            if source
        ), fence

    @property
    def _criteria(self) -> str:
        return self.criteria or CRITERIA[self.kind]
