"""A scorer of the user's own: a Python function in a file beside the experiment.

It runs as the user's own code, with the user's rights, like a technique's file; nothing of a model's reply is
ever run. A bundle names it and does not run it.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any, ClassVar

from pydantic import ConfigDict, create_model

from promptlab.basics.errors import UsageError
from promptlab.scoring.base import Answered, Gold, Scorer

KNOWN = ("answer", "reply", "target", "targets", "inputs", "choices", "metadata", "failure")


class OwnFunction(Scorer):
    """Calls the function with what it names of `KNOWN`; its further parameters are settings."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    function: ClassVar[Callable[..., Any]]
    takes: ClassVar[frozenset[str]] = frozenset()
    needs_target: ClassVar[bool] = True

    @property
    def strict(self) -> bool:
        return "answer" not in self.takes

    @property
    def reads_failures(self) -> bool:
        return "failure" in self.takes

    def score(self, answered: Answered, gold: Gold) -> float | None:
        known: dict[str, Any] = {
            "answer": answered.value,
            "reply": answered.text,
            "target": gold.targets[0] if gold.targets else None,
            "targets": gold.targets,
            "inputs": dict(gold.inputs),
            "choices": gold.form.choices,
            "metadata": dict(gold.metadata),
            "failure": answered.failure,
        }
        settings = {name: getattr(self, name) for name in type(self).model_fields}
        found = type(self).function(**{name: known[name] for name in self.takes}, **settings)
        if found is None:
            return None
        value = float(found) if isinstance(found, (bool, int, float)) else math.nan
        if not 0 <= value <= 1:
            raise ValueError(f"it gave {found!r}; a score is a number from 0 to 1, True, False, or None")
        return value


def from_function(function: Callable[..., Any], name: str) -> type[Scorer]:
    """The scorer that a function is. UsageError for a parameter that nobody could fill."""
    takes: set[str] = set()
    settings: dict[str, Any] = {}
    for each in inspect.signature(function).parameters.values():
        if each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD, each.POSITIONAL_ONLY):
            raise UsageError(f"scorer {name!r}: its parameter {each} has no name of its own.", remedy=_REMEDY)
        if each.name in KNOWN:
            takes.add(each.name)
        elif each.default is each.empty:
            raise UsageError(f"scorer {name!r}: nothing is known by the name {each.name!r}.", remedy=_REMEDY)
        else:
            settings[each.name] = (type(each.default) if each.default is not None else Any, each.default)
    made: type[OwnFunction] = create_model("OwnFunction", __base__=OwnFunction, **settings)
    made.__doc__ = function.__doc__ or f"The function {name}."
    made.function = staticmethod(function)
    made.takes = frozenset(takes)
    made.needs_target = bool(takes & {"target", "targets"})
    return made


_REMEDY = (
    f"A scorer takes what it needs of {', '.join(KNOWN)}; other parameters are settings and have defaults."
)
