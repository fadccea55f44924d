"""Opening a bundle that may come from anybody: every member is checked before anything is believed."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from promptlab.basics.errors import StorageError, UsageError
from promptlab.export.bundle.form import (
    CACHE,
    CONTENTS,
    FREE_BYTES,
    MAX_BYTES,
    MAX_CONTENTS_BYTES,
    MAX_RATIO,
    MEMBERS,
    OPTIONAL,
    Contents,
    Member,
)
from promptlab.models.stored_replies import check_entry

_PIECE = 2**20
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1


class Bundle:
    """A checked bundle: its members have the sizes and hashes that its contents say, and no others are there.

    `digest` is the SHA-256 of `bundle.json`: who publishes it has published the whole bundle. Nothing of a
    bundle ever decides where a file is written.
    """

    def __init__(self, path: Path, archive: zipfile.ZipFile, contents: Contents, digest: str) -> None:
        self.path = path
        self.contents = contents
        self.digest = digest
        self._archive = archive

    @property
    def label(self) -> str:
        return self.path.name

    def read(self, member: str) -> bytes:
        """A member whole. Give it only the small ones."""
        return b"".join(self.pieces(member))

    def pieces(self, member: str) -> Iterator[bytes]:
        """A member in pieces, checked again while it is read: never more than its stated size."""
        return _pieces(self._archive, self.label, member, self.contents.members[member])

    def rows(self, member: str) -> Iterator[tuple[int, dict[str, Any]]]:
        """The JSON objects of a member with their line numbers. UsageError for a line that is none."""
        for number, line in enumerate(_lines(self.pieces(member)), start=1):
            try:
                row = orjson.loads(line)
            except orjson.JSONDecodeError:
                row = _other_json(line)
            if not isinstance(row, dict):
                raise self.wrong(f"{member}, line {number} is no JSON object")
            yield number, row

    def has(self, member: str) -> bool:
        """Whether an optional member is there."""
        return member in self.contents.members

    def replies(self) -> Iterator[tuple[str, bytes]]:
        """The cache's rows with their keys, each one sound: checksum, and key of the request it answers."""
        for number, row in self.rows(CACHE):
            key, text = row.get("key"), row.get("row")
            if not isinstance(key, str) or not isinstance(text, str):
                raise self.wrong(f"{CACHE}, line {number} has no key and row")
            entry = text.encode("utf-8", "surrogatepass")
            try:
                check_entry(key, entry)
            except StorageError as error:
                raise self.wrong(f"{CACHE}, line {number}: {error.message.rstrip('.')}") from error
            yield key, entry

    def wrong(self, what: str) -> UsageError:
        return UsageError(f"{self.label} is refused: {what}.", remedy="Ask for a new copy of the bundle.")


@contextmanager
def open_bundle(path: Path) -> Iterator[Bundle]:
    """The bundle in that file. UsageError says what is wrong with it; nothing is written."""
    label = path.name
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        told = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{path} cannot be read as a bundle: {told.rstrip('.')}.") from error
    with archive:
        sizes = _inspected(archive, path)
        text = b"".join(_pieces(archive, label, CONTENTS, Member(sizes[CONTENTS], "")))
        try:
            found = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise UsageError(f"{label} is damaged: its {CONTENTS} is no JSON.") from error
        contents = Contents.of_json(found, label)
        bundle = Bundle(path, archive, contents, hashlib.sha256(text).hexdigest())
        _check(bundle, sizes)
        yield bundle


def _inspected(archive: zipfile.ZipFile, path: Path) -> dict[str, int]:
    """The sizes of the members, as far as the archive's directory can be believed."""
    label, sizes = path.name, {}
    for info in archive.infolist():
        if info.filename not in {CONTENTS, *MEMBERS, *OPTIONAL}:
            raise _refused(label, f"it holds {info.filename[:80]!r}, which is no part of a bundle")
        if info.filename in sizes:
            raise _refused(label, f"it holds {info.filename!r} twice")
        if info.flag_bits & _ENCRYPTED or info.compress_type not in _PACKED:
            raise _refused(label, f"{info.filename!r} is encrypted, or packed in a way that no bundle is")
        sizes[info.filename] = info.file_size
    if CONTENTS not in sizes:
        raise UsageError(f"{label} is no promptlab bundle: it has no {CONTENTS}.")
    if sizes[CONTENTS] > MAX_CONTENTS_BYTES:
        raise _refused(label, f"its {CONTENTS} has {sizes[CONTENTS]:,} bytes")
    total = sum(sizes.values())
    most = min(MAX_BYTES, max(FREE_BYTES, MAX_RATIO * path.stat().st_size))
    if total > most:
        raise _refused(label, f"it would unpack to {total:,} bytes, more than the {most:,} that are allowed")
    return sizes


def _check(bundle: Bundle, sizes: dict[str, int]) -> None:
    members = bundle.contents.members
    there = set(sizes) - {CONTENTS}
    for name in sorted(MEMBERS | set(members) | there):
        if name not in MEMBERS | OPTIONAL:
            raise bundle.wrong(f"{CONTENTS} names {name[:80]!r}, which is no part of a bundle")
        if name not in there or name not in members:
            raise bundle.wrong(f"{name} is missing{'' if name in there else ' from the archive'}")
        if sizes[name] != members[name].bytes:
            raise bundle.wrong(f"{name} has {sizes[name]:,} bytes, not the {members[name].bytes:,} stated")
        for _ in bundle.pieces(name):
            pass


def _pieces(archive: zipfile.ZipFile, label: str, name: str, stated: Member) -> Iterator[bytes]:
    """At most the stated bytes, whatever the packed data unpack to; then the hash, where one is stated."""
    running, left = hashlib.sha256(), stated.bytes
    try:
        with archive.open(name) as stream:
            while piece := stream.read(_PIECE):
                left -= len(piece)
                if left < 0:
                    raise _refused(label, f"{name} has more than the {stated.bytes:,} bytes stated")
                running.update(piece)
                yield piece
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise _refused(label, f"{name} is damaged ({error})") from error
    if stated.sha256 and running.hexdigest() != stated.sha256:
        raise _refused(
            label,
            f"{name} was changed: its SHA-256 is {running.hexdigest()[:12]}…, "
            f"{CONTENTS} says {stated.sha256[:12]}…",
        )


def _lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole
    if rest:
        yield rest


def _other_json(line: bytes) -> Any:
    """Lone surrogates and long integers, which `canonical` writes the standard library's way."""
    import json

    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _refused(label: str, what: str) -> UsageError:
    return UsageError(f"{label} is refused: {what}.", remedy="Ask for a new copy of the bundle.")
