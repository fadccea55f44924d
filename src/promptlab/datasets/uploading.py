"""A data file that somebody sends: its name cleaned, its size bounded, never over another one unasked."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from promptlab.basics.errors import UsageError
from promptlab.basics.files import write_atomically
from promptlab.datasets.spec import COPIED_KINDS, TEXT_KINDS

MAX_UPLOAD_BYTES = 100 * 2**20
ENDINGS = tuple(sorted({*TEXT_KINDS, *COPIED_KINDS}))
FOLDER = "datasets"
_STEM_CHARS = 80
_MAX_FILES = 500
_MAX_DEPTH = 3
_UNWANTED = re.compile(r"[^\w.\-]+")
# Names that Windows keeps for its devices.
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def clean_name(name: str) -> str:
    """A file's name as it is kept: no folder, no sign that steers anything, letters of all languages.

    UsageError for an ending that is no data file's.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    stem, dot, ending = last.rpartition(".")
    ending = f".{ending.lower()}"
    if not dot or ending not in ENDINGS:
        raise UsageError(
            f"{last[-_STEM_CHARS:]!r} is no data file.", remedy=f"Endings: {', '.join(ENDINGS)}."
        )
    stem = _UNWANTED.sub("_", stem).strip("._-")[:_STEM_CHARS] or "data"
    return f"{'_' if _DEVICES.fullmatch(stem) else ''}{stem}{ending}"


def store_upload(folder: Path, name: str, content: bytes, *, replace: bool = False) -> Path:
    """Writes a sent file into `folder` (made if missing) and returns its path; it is not read here.

    UsageError: too large, no data file, or one of that name is there and `replace` was not asked for.
    """
    if len(content) > MAX_UPLOAD_BYTES:
        size, most = len(content) / 2**20, MAX_UPLOAD_BYTES // 2**20
        raise UsageError(
            f"the file has {size:.0f} MiB, more than {most}.", remedy=f"Copy it into {folder} yourself."
        )
    path = folder / clean_name(name)
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise UsageError(f"{path} is no plain file.", remedy="Give the file another name.")
    if path.exists() and not replace:
        raise UsageError(
            f"{path} is there already.", remedy="Give the file another name, or say that it may be replaced."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot create {folder}: {error.strerror}.") from error
    write_atomically(path, content)
    return path


def data_files(folder: Path) -> list[Path]:
    """The data files in and below `folder`, sorted, hidden folders left out; MAX_FILES at most."""
    return sorted(_found(folder, _MAX_DEPTH))[:_MAX_FILES]


def _found(folder: Path, depth: int) -> Iterator[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError:  # not ours to read
        return
    for entry in entries[: 20 * _MAX_FILES]:
        if entry.name.startswith((".", "__")) or entry.is_symlink():
            continue
        if entry.is_dir() and depth > 1:
            yield from _found(entry, depth - 1)
        elif entry.suffix.lower() in ENDINGS and entry.is_file():
            yield entry
