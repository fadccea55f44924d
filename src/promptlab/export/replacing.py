"""A file that is there whole or not at all, whoever writes it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from promptlab.basics.errors import UsageError


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; it takes its place at the end, and nothing stays behind otherwise.

    UsageError where it cannot be written.
    """
    try:
        with _part(path) as part:
            yield part
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror or error}.",
            remedy="Give a file in a folder you can write to.",
        ) from error


@contextlib.contextmanager
def _part(path: Path) -> Iterator[Path]:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    os.close(handle)
    part = Path(name)
    try:
        yield part
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.chmod(0o666 & ~_umask())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
