"""Which models can be asked from here, and what a first model takes."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from promptlab.basics.errors import UsageError
from promptlab.models import endpoints, weights
from promptlab.models.catalog import resolve
from promptlab.models.facts import known_models
from promptlab.models.keys import KEY_VARIABLES
from promptlab.models.usable import accounts
from promptlab.playground.candidates import ModelChoice

EMBEDDED = "smollm2-135m"
LONGEST_LOCAL_REPLY = 256  # tokens; the embedded model does not always find an end


@dataclass(frozen=True, slots=True)
class KeyOffer:
    """A provider that a person can get a key from: `page` is where, `free` whether it asks no money at first.

    A free tier has limits of its own, and the provider may change it. `suggested` is a model to begin with.
    """

    provider: str
    name: str
    page: str
    free: bool
    suggested: str = ""

    def first_of(self, models: Sequence[str]) -> str:
        """The model to begin with, of those that are offered: they are not all for chats. "" of none."""
        fits = (self.suggested, *(each for each in models if each.endswith(":free")), *models)
        return next((each for each in fits if each in models), "")

    @property
    def variable(self) -> str:
        """The usual variable of its key."""
        return KEY_VARIABLES[self.provider][0]

    @property
    def api_base(self) -> str:
        """Its address, "" where it speaks a protocol of its own."""
        return resolve(f"{self.provider}/?").api_base


KEY_OFFERS = (
    KeyOffer("groq", "Groq", "console.groq.com/keys", True, "llama-3.1-8b-instant"),
    KeyOffer("gemini", "Google Gemini", "aistudio.google.com/apikey", True, "gemini/gemini-2.5-flash"),
    KeyOffer("zhipu", "智谱 BigModel", "bigmodel.cn", True, "glm-4-flash"),
    KeyOffer("openrouter", "OpenRouter", "openrouter.ai/keys", True),
    KeyOffer("deepseek", "DeepSeek", "platform.deepseek.com", False, "deepseek-chat"),
    KeyOffer("dashscope", "阿里云百炼 DashScope", "bailian.console.aliyun.com", False, "qwen-plus"),
    KeyOffer("openai", "OpenAI", "platform.openai.com/api-keys", False, "gpt-4o-mini"),
    KeyOffer("anthropic", "Anthropic", "console.anthropic.com", False, "anthropic/claude-haiku-4-5"),
)


def can_run_local() -> bool:
    """Whether the package that runs local models is installed."""
    return importlib.util.find_spec("xllamacpp") is not None


def reachable(home: Path) -> list[ModelChoice]:
    """The models that can be asked now: local ones that are here, those of endpoints, those with a key.

    Nothing is called. StorageError where the file of endpoints is damaged.
    """
    found: dict[str, ModelChoice] = {}

    def add(label: str, entry: dict[str, object]) -> None:
        found.setdefault(label, ModelChoice(label, entry))

    if can_run_local():
        for name in weights.BUILT_IN:
            if weights.locate(name) is not None:
                add(f"local/{name}", {"id": f"local/{name}"})
    addresses = set()
    for endpoint in endpoints.load(home):
        addresses.add(endpoint.asked().endpoint)
        for model in endpoint.models:
            add(f"{model} ({endpoint.name})", endpoint.entry(model))
    for account in accounts():
        if account.key_source and account.address not in addresses:
            for id in known_models(account.provider):
                add(id, {"id": id})
    return list(found.values())


def choice_of(
    home: Path, name: str, *, api_base: str | None = None, key_env: str | None = None
) -> ModelChoice:
    """The model of that name: a label as `reachable` gives it, a model of an endpoint, else an id.

    `api_base` and `key_env`, where given, say where it is asked, and make `name` an id.
    """
    if api_base or key_env:
        given = {"api_base": api_base, "api_key_env": key_env}
        return ModelChoice(name, {"id": name, **{key: value for key, value in given.items() if value}})
    for endpoint in endpoints.load(home):
        for model in endpoint.models:
            if name in (model, f"{endpoint.name}/{model}", label := f"{model} ({endpoint.name})"):
                return ModelChoice(label, endpoint.entry(model))
    return ModelChoice(name, {"id": name})


def first_choice(home: Path) -> ModelChoice:
    """Who answers where nobody was named: an endpoint's model, a provider's with a key, the embedded one.

    UsageError: there is none.
    """
    for endpoint in endpoints.load(home):
        if endpoint.models:
            return choice_of(home, f"{endpoint.name}/{endpoint.models[0]}")
    ready = {account.provider for account in accounts() if account.key_source}
    for offer in KEY_OFFERS:
        if offer.provider in ready and (model := offer.first_of(list(known_models(offer.provider)))):
            return ModelChoice(model, {"id": model})
    if can_run_local():
        return ModelChoice(f"local/{EMBEDDED}", {"id": f"local/{EMBEDDED}"})
    raise UsageError(
        "no model can be asked here.",
        remedy="Name one with --model PROVIDER/MODEL and set its key, or install the embedded one: "
        "pip install 'promptlab-workbench[local]'",
    )
