"""Structured prompts: a role in sections, as LangGPT and the Chinese prompt community write them."""

from __future__ import annotations

import json
import re
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, model_validator

from promptlab.datasets.sample import Question
from promptlab.models.request import Message
from promptlab.techniques.base import Answer, Fidelity, Technique, technique
from promptlab.techniques.context import TrialContext

Style = Literal["markdown", "yaml", "json"]
_REFERENCE = re.compile(r"<([A-Z][A-Za-z]*)>")
_GREETING = "Then greet the user in <Language>, introduce yourself, and explain <Workflow>."


class Profile(BaseModel):
    """Who wrote the prompt, and what for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    author: str = "promptlab"
    version: str = "1.0"
    language: str = "English"
    description: str = "Answers the user's question."


class RolePrompt(BaseModel):
    """A prompt in sections. `<Rules>` and the like refer to sections and must name one that is there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: str = "Careful expert"
    background: str = ""
    profile: Profile = Profile()
    skill: list[str] = ["Understands exactly what is asked.", "Checks each step before the next."]
    goal: str = "Answer the question that the user asks, correctly and in the form that is asked for."
    rules: list[str] = [
        "Use only what the question says and what is generally known.",
        "Add nothing to the answer that was not asked for.",
    ]
    workflow: list[str] = [
        "Read the question.",
        "Work out the answer.",
        "Check it against <Rules>.",
        "Answer.",
    ]
    initialization: str = "As <Role>, follow <Rules> and reach <Goal> by <Workflow>."

    @model_validator(mode="after")
    def _resolves(self) -> RolePrompt:
        known = self.sections()
        for name in sorted({name for text in self._texts() for name in _REFERENCE.findall(text)}):
            if name not in known:
                raise ValueError(f"<{name}> refers to no section; there are {', '.join(sorted(known))}")
        if any("\n" in text for text in self._texts()):
            raise ValueError("a section's text is one line; give several items instead")
        return self

    def sections(self) -> set[str]:
        """What `<…>` may refer to: sections that are not empty, and the profile's lines."""
        filled = {name.capitalize() for name in type(self).model_fields if getattr(self, name)}
        return filled | {name.capitalize() for name in Profile.model_fields}

    def _texts(self) -> list[str]:
        lists = (*self.skill, *self.rules, *self.workflow, *self.profile.model_dump().values())
        return [self.role, self.background, self.goal, self.initialization, *lists]

    def rendered(self, style: Style) -> str:
        """The prompt in that style; `parse` reads it back."""
        if style == "json":
            return json.dumps(self.model_dump(), ensure_ascii=False, indent=2)
        if style == "yaml":
            return "\n".join(_yaml(self.model_dump()))
        lines = [f"# Role: {self.role}", "", "## Profile"]
        lines += [f"- {name.capitalize()}: {text}" for name, text in self.profile.model_dump().items()]
        lines += ["", "### Skill", *_numbered(self.skill)]
        if self.background:
            lines += ["", "## Background", self.background]
        lines += ["", "## Goal", self.goal, "", "## Rules", *_numbered(self.rules)]
        lines += ["", "## Workflow", *_numbered(self.workflow), "", "## Initialization", self.initialization]
        return "\n".join(lines)

    @classmethod
    def parse(cls, text: str, style: Style) -> RolePrompt:
        """What `rendered` wrote. ValueError for anything else."""
        if style == "json":
            return cls.model_validate_json(text)
        if style == "yaml":
            from ruamel.yaml import YAML

            return cls.model_validate(YAML(typ="safe", pure=True).load(text))
        found: dict[str, Any] = {"profile": {}, "skill": [], "rules": [], "workflow": [], "background": ""}
        section = ""
        for line in text.split("\n"):
            if line.startswith("# Role: "):
                found["role"] = line.removeprefix("# Role: ")
            elif line.startswith("##"):
                section = line.lstrip("#").strip().lower()
            elif section == "profile" and line.startswith("- "):
                name, _, value = line[2:].partition(": ")
                found["profile"][name.lower()] = value
            elif section in ("skill", "rules", "workflow") and line:
                found[section].append(line.partition(". ")[2])
            elif line:
                found[section] = line
        return cls.model_validate(found)


def _numbered(items: list[str]) -> list[str]:
    return [f"{number}. {item}" for number, item in enumerate(items, 1)]


def _yaml(values: dict[str, Any], indent: str = "") -> list[str]:
    lines = []
    for name, value in values.items():
        if isinstance(value, dict):
            lines += [f"{indent}{name}:", *_yaml(value, f"{indent}  ")]
        elif isinstance(value, list) and value:
            # A text in JSON's quotes is the same text in YAML.
            lines += [
                f"{indent}{name}:",
                *(f"{indent}  - {json.dumps(e, ensure_ascii=False)}" for e in value),
            ]
        else:
            lines.append(f"{indent}{name}: {json.dumps(value, ensure_ascii=False)}")
    return lines


@technique("structured_prompt")
class StructuredPrompt(Technique):
    """LangGPT (arXiv 2402.16929; 结构化 prompt). A role in sections as system message. One call.

    Sections: Role, Profile (author, version, language, description), Skill, Background (the task's own system
    message, if any), Goal, Rules, Workflow, Initialization; `<Name>` refers to a section and must resolve.
    `style` writes the same sections as markdown, yaml or json. The user's message is the task's prompt.
    `greeting` asks for the usual greeting line; it is off, since it corrupts benchmark answers.
    Records nothing but the call. Limit: the default role is general; write your own under `prompt_sections`.
    """

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="the sections and references of LangGPT; three styles with the same content",
        chat="it is the system message; the greeting is off",
        rebuilt="the default role",
    )
    example: ClassVar[str] = (
        "{technique: structured_prompt, style: markdown, prompt_sections: {role: Linguist, "
        "rules: [Answer in one word.]}}"
    )

    prompt_sections: RolePrompt = RolePrompt()
    style: Style = "markdown"
    greeting: bool = False

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        asked = ctx.prompt(question)
        system = " ".join(" ".join(str(m.content) for m in asked if m.role == "system").split())
        sections = self.prompt_sections
        update: dict[str, Any] = {"background": system or sections.background}
        if self.greeting:
            update["initialization"] = f"{sections.initialization} {_GREETING}"
        text = sections.model_copy(update=update).rendered(self.style)
        others = [message for message in asked if message.role != "system"]
        return Answer(await ctx.ask([Message("system", text), *others]))
