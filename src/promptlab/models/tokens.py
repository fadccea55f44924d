"""How many tokens a text has: by the model's own tokenizer where it is here, else by its characters."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from promptlab.models.request import Message, Model

if TYPE_CHECKING:
    from tiktoken import Encoding

# What chat formats add to each message, and to start the reply.
MESSAGE_TOKENS = 4
REPLY_START_TOKENS = 3
# A picture's tokens: what providers count for one of medium size.
IMAGE_TOKENS = 800
# Characters to a token, where there is no tokenizer.
LATIN_CHARS, CJK_CHARS, OTHER_CHARS = 4.0, 1.25, 2.0
# How far off that may be, down and up: code and numbers have shorter tokens, plain words longer ones.
BY_CHARACTERS = (0.5, 2.0)
# A tokenizer's own count is off by the chat format only.
BY_TOKENIZER = (0.9, 1.2)

_CJK = re.compile("[\u3000-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")
_CACHE_VARIABLE = "TIKTOKEN_CACHE_DIR"
# tiktoken keeps an encoding's file under the SHA-1 of this address.
_FILES = "https://openaipublic.blob.core.windows.net/encodings/{}.tiktoken"
_OF_FILE = {"o200k_harmony": "o200k_base"}


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """Counts a model's tokens. `encoding` is None where its own tokenizer is not here."""

    encoding: Encoding | None

    @property
    def approximate(self) -> bool:
        return self.encoding is None

    @property
    def error(self) -> tuple[float, float]:
        """The factors of a count between which the provider's own count is taken to lie."""
        return BY_CHARACTERS if self.encoding is None else BY_TOKENIZER

    def count(self, text: str) -> float:
        if self.encoding is not None:
            return len(self.encoding.encode(text.encode("utf-8", "replace").decode(), disallowed_special=()))
        cjk = 0 if text.isascii() else len(_CJK.findall(text))
        latin = len(text) if text.isascii() else sum(char < "\u0250" for char in text)
        return latin / LATIN_CHARS + cjk / CJK_CHARS + (len(text) - latin - cjk) / OTHER_CHARS

    def count_messages(self, messages: Sequence[Message]) -> float:
        """The tokens of a prompt, with what the chat format adds."""
        total: float = REPLY_START_TOKENS
        for message in messages:
            total += MESSAGE_TOKENS
            for part in (message.content,) if isinstance(message.content, str) else message.content:
                total += self.count(part) if isinstance(part, str) else IMAGE_TOKENS
        return total


def tokenizer_of(model: Model) -> Tokenizer:
    """The model's tokenizer. Nothing is downloaded: what is not on this machine is counted by characters."""
    if importlib.util.find_spec("tiktoken") is None:
        return Tokenizer(None)
    from tiktoken.model import encoding_name_for_model

    try:
        name = encoding_name_for_model(model.id.rpartition("/")[2])
    except KeyError:
        return Tokenizer(None)
    return Tokenizer(_encoding(name))


@functools.cache
def _encoding(name: str) -> Encoding | None:
    """An OpenAI encoding (0.3 s), from the files litellm ships or those of tiktoken's own cache."""
    import tiktoken

    file = hashlib.sha1(_FILES.format(_OF_FILE.get(name, name)).encode()).hexdigest()
    folder = next((each for each in _folders() if (each / file).is_file()), None)
    if folder is None:
        return None
    # tiktoken takes the folder from the environment only, and would download what is not there.
    before = os.environ.get(_CACHE_VARIABLE)
    os.environ[_CACHE_VARIABLE] = str(folder)
    try:
        return tiktoken.get_encoding(name)
    finally:
        if before is None:
            del os.environ[_CACHE_VARIABLE]
        else:
            os.environ[_CACHE_VARIABLE] = before


def _folders() -> list[Path]:
    found = importlib.util.find_spec("litellm")  # found, not imported
    packages = (found.submodule_search_locations or ()) if found is not None else ()
    folders = [Path(each) / "litellm_core_utils" / "tokenizers" for each in packages]
    given = os.environ.get(_CACHE_VARIABLE)
    return [Path(given), *folders] if given else folders
