"""Demos that ship with promptlab, and those of a user's own file."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from promptlab.basics.errors import ExperimentError
from promptlab.basics.hashing import digest
from promptlab.basics.named_file import FileContent
from promptlab.datasets.sample import Question, Sample
from promptlab.datasets.task import AnswerType

# Rises with any change of a set: trials that showed it are others then.
SETS_VERSION = 1

Text = Annotated[str, StringConstraints(min_length=1)]


class Step(BaseModel):
    """A smaller question on the way, and its answer."""

    model_config = ConfigDict(extra="forbid")

    question: Text
    answer: Text


class Demo(BaseModel):
    """One solved example. `rationale` ends before the answer is stated; `steps` lead to the answer."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    question: Text
    answer: Text
    rationale: str = ""
    steps: list[Step] = []

    def sample(self, number: int, source: str) -> Sample:
        """The demo as a row: its question stands for the whole prompt."""
        steps = tuple((step.question, step.answer) for step in self.steps)
        return Sample(
            id=f"{source}/{number}",
            inputs={"question": self.question},
            target=self.answer,
            content=digest(self.model_dump()),
            rationale=self.rationale or None,
            metadata={"demo_of": source, "steps": steps},
        )


def own_text(question: Question) -> str | None:
    """The question of a demo from a set or a file, which no task's template renders; None of a data row."""
    return str(question.inputs["question"]) if "demo_of" in question.metadata else None


def default_set(answer: AnswerType) -> str:
    """The set that a technique shows for an answer type where nobody said which."""
    by_type = {AnswerType.NUMBER: "word_problems", AnswerType.YES_NO: "yes_no", AnswerType.CHOICE: "choices"}
    return by_type.get(answer, "questions")


@cache
def set_names() -> list[str]:
    """The sets that ship with promptlab, sorted."""
    folder = resources.files("promptlab.retrieval") / "sets"
    return sorted(each.name.removesuffix(".yaml") for each in folder.iterdir() if each.name.endswith(".yaml"))


@cache
def demo_set(name: str) -> list[Sample]:
    """The demos of the set of that name."""
    text = (resources.files("promptlab.retrieval") / "sets" / f"{name}.yaml").read_text(encoding="utf-8")
    return [Demo.model_validate(each).sample(number, name) for number, each in enumerate(_parsed(text), 1)]


def demos_in(file: FileContent) -> list[Sample]:
    """The demos of a YAML list or of JSON lines. ExperimentError names what is wrong."""
    try:
        entries = _parsed(file.text())
        return [Demo.model_validate(each).sample(number, file.name) for number, each in enumerate(entries, 1)]
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        what = f"{'.'.join(map(str, detail['loc']))}: {detail['msg'][:1].lower()}{detail['msg'][1:]}"
    except (OSError, ValueError) as error:
        what = " ".join(str(error).split())
    raise ExperimentError(
        f"{file.name} is no list of demos: {what}",
        field="demos.demo_file",
        remedy="Write a list of {question, answer}, and rationale or steps where they are shown.",
    )


def _parsed(text: str) -> list[Any]:
    """ValueError where it is neither a YAML list nor JSON lines."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    if text.lstrip().startswith("{"):
        import orjson

        return [orjson.loads(line) for line in text.splitlines() if line.strip()]
    try:
        found = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise ValueError(f"it is no YAML: {error}") from None
    if not isinstance(found, list) or not found:
        raise ValueError("it holds no list")
    return found
