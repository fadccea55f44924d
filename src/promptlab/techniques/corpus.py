"""Passages: from a local file, or from a column of the sample itself, cut into pieces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from promptlab.basics.errors import ExperimentError
from promptlab.basics.named_file import FileContent

MAX_PASSAGES = 200_000


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of text and its id: the document's, with `#n` where it was cut."""

    id: str
    text: str


def passages_in(file: FileContent, words: int) -> list[Passage]:
    """JSON lines with `text` (and `id`, `title`), else paragraphs of a text. ExperimentError otherwise."""
    try:
        text = file.text()
        if file.name.endswith((".jsonl", ".json")):
            rows = orjson.loads(text) if text.lstrip().startswith("[") else _lines(text)
            documents = [_document(row, number) for number, row in enumerate(rows, 1)]
        else:
            blocks = [block.strip() for block in text.split("\n\n")]
            documents = [(str(n), block) for n, block in enumerate(filter(None, blocks), 1)]
    except (OSError, ValueError) as error:
        raise _refused(file, str(error)) from error
    found = list(_cut(documents, words))
    if not found:
        raise _refused(file, "it holds no text")
    if len(found) > MAX_PASSAGES:
        raise _refused(file, f"it has {len(found)} passages; at most {MAX_PASSAGES}")
    return found


def passages_of(value: Any, words: int) -> list[Passage]:
    """What a sample's own column holds: a text, a list of texts, or of mappings with `text`."""
    entries = value if isinstance(value, list | tuple) else [value]
    documents = [
        _document(entry, number) if isinstance(entry, Mapping) else (str(number), str(entry))
        for number, entry in enumerate(entries, 1)
    ]
    return list(_cut(documents, words))


def _lines(text: str) -> list[Any]:
    return [orjson.loads(line) for line in text.splitlines() if line.strip()]


def _document(row: Any, number: int) -> tuple[str, str]:
    if not isinstance(row, Mapping) or not isinstance(row.get("text"), str):
        raise ValueError(f"row {number} has no `text`")
    title = f"{row['title']}. " if row.get("title") else ""
    return str(row.get("id", number)), f"{title}{row['text']}"


def _cut(documents: Iterable[tuple[str, str]], words: int) -> Iterator[Passage]:
    """Pieces of at most `words` words (for CJK: twice as many characters); short documents whole."""
    for name, text in documents:
        spaced = text.split()
        if not spaced:
            continue
        if len(spaced) == 1 and len(text) > 2 * words:
            pieces = [text[at : at + 2 * words] for at in range(0, len(text), 2 * words)]
        else:
            pieces = [" ".join(spaced[at : at + words]) for at in range(0, len(spaced), words)]
        if len(pieces) == 1:
            yield Passage(name, text.strip())
        else:
            yield from (Passage(f"{name}#{number}", piece) for number, piece in enumerate(pieces, 1))


def _refused(file: FileContent, why: str) -> ExperimentError:
    return ExperimentError(
        f"{file.name} cannot be searched in: {' '.join(why.split())}",
        field="corpus_file",
        remedy="Give JSON lines with `text`, or a text with blank lines between paragraphs.",
    )
