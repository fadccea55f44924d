"""Provider keys: where they come from, and how they are kept out of everything that is shown.

A key is held in this process's memory (typed in, or given through standard input), stands in the environment,
in the `.env` file nearest upward from the experiment's folder, or in the system keyring (service "promptlab",
user name = the variable's name), asked in this order. Nothing read here is written to the environment.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote

from promptlab.basics.errors import UsageError
from promptlab.models.request import Model

KEYRING_SERVICE = "promptlab"
MASK = "***"
# Shorter values are placeholders ("x", "-"), and masking them would riddle every message.
_MIN_SECRET_CHARS = 4

# The variables that may hold a provider's key, the usual one first.
KEY_VARIABLES: dict[str, tuple[str, ...]] = {
    "ai21": ("AI21_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY",),
    "azure": ("AZURE_API_KEY", "AZURE_OPENAI_API_KEY"),
    "azure_ai": ("AZURE_AI_API_KEY",),
    "baseten": ("BASETEN_API_KEY",),
    "cerebras": ("CEREBRAS_API_KEY",),
    "cloudflare": ("CLOUDFLARE_API_KEY",),
    "codestral": ("CODESTRAL_API_KEY",),
    "cohere": ("COHERE_API_KEY", "CO_API_KEY"),
    "cohere_chat": ("COHERE_API_KEY", "CO_API_KEY"),
    "dashscope": ("DASHSCOPE_API_KEY",),
    "databricks": ("DATABRICKS_API_KEY",),
    "deepinfra": ("DEEPINFRA_API_KEY",),
    "deepseek": ("DEEPSEEK_API_KEY",),
    "fireworks_ai": ("FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY"),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "github": ("GITHUB_API_KEY",),
    "groq": ("GROQ_API_KEY",),
    "hosted_vllm": ("HOSTED_VLLM_API_KEY", "VLLM_API_KEY"),
    "huggingface": ("HF_TOKEN", "HUGGINGFACE_API_KEY"),
    "hyperbolic": ("HYPERBOLIC_API_KEY",),
    "llama_cpp": ("LLAMA_API_KEY",),
    "lm_studio": ("LM_STUDIO_API_KEY",),
    "minimax": ("MINIMAX_API_KEY",),
    "mistral": ("MISTRAL_API_KEY",),
    "moonshot": ("MOONSHOT_API_KEY",),
    "nebius": ("NEBIUS_API_KEY",),
    "novita": ("NOVITA_API_KEY",),
    "nvidia_nim": ("NVIDIA_NIM_API_KEY", "NVIDIA_API_KEY"),
    "ollama": ("OLLAMA_API_KEY",),
    "openai": ("OPENAI_API_KEY",),
    "openrouter": ("OPENROUTER_API_KEY",),
    "perplexity": ("PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY"),
    "poe": ("POE_API_KEY",),
    "replicate": ("REPLICATE_API_KEY", "REPLICATE_API_TOKEN"),
    "sambanova": ("SAMBANOVA_API_KEY",),
    "sglang": ("SGLANG_API_KEY",),
    "siliconflow": ("SILICONFLOW_API_KEY",),
    "together_ai": ("TOGETHERAI_API_KEY", "TOGETHER_API_KEY", "TOGETHER_AI_API_KEY"),
    "volcengine": ("VOLCENGINE_API_KEY", "ARK_API_KEY"),
    "xai": ("XAI_API_KEY",),
    "zai": ("ZAI_API_KEY",),
    "zhipu": ("ZHIPUAI_API_KEY", "ZHIPU_API_KEY", "BIGMODEL_API_KEY", "ZAI_API_KEY"),
}
_held: dict[str, str] = {}
_ALTERNATIVES = {names[0]: names for names in KEY_VARIABLES.values()}


class Secret:
    """A key and where it was found. Neither repr, str nor a pickle ever shows the value."""

    __slots__ = ("_value", "source")

    def __init__(self, value: str, source: str) -> None:
        self._value = value
        self.source = source

    def reveal(self) -> str:
        """The value itself: for the wire only."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK}, from {self.source})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not written down")


def find_key(model: Model | str, folder: Path | str | None = None) -> Secret | None:
    """The key of a model, or of a variable's name; None where nothing has it.

    `folder` is where the search for `.env` begins: default the model's experiment folder, else the working
    directory. For a provider's usual variable its other common names are tried too. A line break around a
    key is a slip of copying and is taken off.
    """
    if isinstance(model, Model):
        name = model.key_env
        folder = folder or model.settings.get("folder")
    else:
        name = model
    if not name:
        return None
    names = _ALTERNATIVES.get(name, (name,))
    for each in names:
        if value := _held.get(each):
            return Secret(value, f"{each}, held in memory")
    for each in names:
        if value := os.environ.get(each, "").strip():
            return Secret(value, each)
    env_file = _nearest_env_file(Path(folder) if folder else Path.cwd())
    if env_file is not None:
        entries = _entries(env_file)
        for each in names:
            if value := entries.get(each, "").strip():
                return Secret(value, f"{each} in {env_file}")
    for each in names:
        if value := _from_keyring(each):
            return Secret(value, f"{each} in the system keyring")
    return None


def hold(variable: str, value: str) -> None:
    """Keeps a key in the memory of this process, before all other places; an empty one is forgotten."""
    if value.strip():
        _held[variable] = value.strip()
    else:
        _held.pop(variable, None)


def held() -> dict[str, str]:
    """The keys in memory, for a process of ours: through its standard input, nowhere else."""
    return dict(_held)


def keep_in_keyring(variable: str, value: str) -> None:
    """Writes a key into the system keyring. UsageError where there is none that can be written."""
    import keyring

    try:
        keyring.set_password(KEYRING_SERVICE, variable, value.strip())
    except Exception as error:  # noqa: BLE001  each backend raises its own
        raise UsageError(
            f"the system keyring did not take {variable}: {type(error).__name__}.",
            remedy=f"Set {variable} in the environment or in .env, or hold it in memory.",
        ) from None
    _from_keyring.cache_clear()


def mask(text: str, secrets: Iterable[Secret | str]) -> str:
    """`text` without the secrets, however they were spelled: as they are, URL-quoted, base64, escaped."""
    values = {each.reveal() if isinstance(each, Secret) else each for each in secrets}
    # The longest first: one secret may be part of another.
    for value in sorted(values, key=len, reverse=True):
        if len(value) < _MIN_SECRET_CHARS:
            continue
        for spelling in _spellings(value):
            if spelling in text:
                text = text.replace(spelling, MASK)
    return text


@lru_cache(maxsize=256)
def _spellings(value: str) -> tuple[str, ...]:
    data = value.encode(errors="surrogateescape")  # a variable may hold any bytes
    encoded = base64.b64encode(data).decode()
    escaped = value.encode("unicode_escape").decode()
    return tuple(dict.fromkeys((value, quote(data, safe=""), quote(data), encoded, escaped)))


def _nearest_env_file(folder: Path) -> Path | None:
    start = folder.absolute()
    return next((at / ".env" for at in (start, *start.parents) if (at / ".env").is_file()), None)


def _entries(env_file: Path) -> dict[str, str]:
    stat = env_file.stat()
    return _parsed(env_file, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=32)
def _parsed(env_file: Path, mtime_ns: int, size: int) -> dict[str, str]:
    from dotenv import dotenv_values

    try:
        # No interpolation: a "$" inside a key is a "$".
        found = dotenv_values(env_file, interpolate=False, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {env_file}: {error}.", remedy="Save it as UTF-8.") from None
    return {name: value for name, value in found.items() if value}


@lru_cache(maxsize=256)
def _from_keyring(name: str) -> str:
    """The keyring's entry, asked once a process: it is too slow for every call."""
    import keyring

    try:
        return (keyring.get_password(KEYRING_SERVICE, name) or "").strip()
    except Exception:  # noqa: BLE001  no backend, a locked one, no desktop bus: each raises its own; all mean "not there"
        return ""
