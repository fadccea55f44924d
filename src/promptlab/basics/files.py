"""Files that are whole or not there, and locks that die with their process."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import IO, Self

from promptlab.basics.errors import StorageError


def write_atomically(path: Path, content: bytes) -> None:
    """Writes beside `path` and renames: a reader sees the old file or the new one, never a part.

    StorageError where it cannot be written.
    """
    try:
        _write_atomically(path, content)
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written: {error.strerror}.",
            remedy="Free space there or fix its permissions, and run the same command again.",
        ) from error


def _write_atomically(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


class FileLock:
    """An exclusive lock on a file, released when the process ends, however it ends."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    @classmethod
    def acquire(cls, path: Path) -> Self | None:
        """The lock, or None where another process (or another holder in this one) has it."""
        stream = path.open("a+b")
        try:
            if os.name == "nt":
                import msvcrt

                msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
            else:
                import fcntl

                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            stream.close()
            return None
        return cls(stream)

    def release(self) -> None:
        self._stream.close()
