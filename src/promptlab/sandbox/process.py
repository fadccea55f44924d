"""The template as its owner sees it: a process that is given programs and says what came of them."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

_LENGTH = struct.Struct("!I")
_START = "import sys; sys.path.append(sys.argv[1]); from inside import template; del sys.path[-1]; " + (
    "template.main(int(sys.argv[2]), sys.argv[3] == 'confined')"
)
# Nothing of ours is in its surroundings: no key can be read there. Sets keep one order in every process.
_ENVIRONMENT = {"PYTHONHASHSEED": "0"}


class TemplateGone(Exception):
    """The template died, or could not be started."""


class Template:
    """One template process with the socket to it; works on one program at a time.

    It dies with the thread that started it, and when the socket is closed. Methods without `async` wait.
    """

    def __init__(self, *, confined: bool) -> None:
        self.confined = confined
        self.layers: tuple[str, ...] | None = None
        """What keeps its programs in beside seccomp; None until it is ready."""
        here, there = socket.socketpair()
        with there:
            try:
                self._process = subprocess.Popen(
                    [
                        sys.executable,
                        *("-S", "-s", "-P", "-B", "-X", "utf8", "-c", _START),
                        str(Path(__file__).parent),
                        str(os.getpid()),
                        "confined" if confined else "plain",
                    ],
                    stdin=there.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=_ENVIRONMENT,
                    cwd="/",
                    start_new_session=True,  # Ctrl-C at the terminal is for the owner
                )
            except OSError as error:
                here.close()
                raise TemplateGone(f"no process could be started: {error}") from error
        self._link = here

    def close(self) -> None:
        """Ends the process, and with it the program that it works on."""
        self._link.close()
        self._process.kill()
        self._process.wait()

    async def ready(self) -> None:
        """Until it can take a program. TemplateGone where it never will."""
        self._link.setblocking(False)
        self.layers = tuple((await self._received())["layers"])

    async def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """What came of a program. After a cancellation the template is good for nothing but `close`."""
        try:
            await asyncio.get_running_loop().sock_sendall(self._link, _framed(request))
        except OSError as error:
            raise TemplateGone(str(error)) from error
        return await self._received()

    def ask(self, request: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """`ready` and `run` for who can wait. TemplateGone also where it takes longer."""
        self._link.settimeout(timeout_s)
        try:
            self.layers = tuple(json.loads(self._exactly())["layers"])
            self._link.sendall(_framed(request))
            answer: dict[str, Any] = json.loads(self._exactly())
        except OSError as error:
            raise TemplateGone(str(error)) from error
        return answer

    def _exactly(self) -> bytes:
        reader = self._link.makefile("rb")
        head = reader.read(_LENGTH.size)
        text = reader.read(_LENGTH.unpack(head)[0]) if len(head) == _LENGTH.size else b""
        if not text:
            raise TemplateGone("it ended")
        return text

    async def _received(self) -> dict[str, Any]:
        head = await self._bytes(_LENGTH.size)
        answer: dict[str, Any] = json.loads(await self._bytes(_LENGTH.unpack(head)[0]))
        return answer

    async def _bytes(self, size: int) -> bytes:
        loop, text = asyncio.get_running_loop(), bytearray()
        while len(text) < size:
            try:
                piece = await loop.sock_recv(self._link, size - len(text))
            except OSError as error:
                raise TemplateGone(str(error)) from error
            if not piece:
                raise TemplateGone("it ended")
            text += piece
        return bytes(text)


def _framed(request: dict[str, Any]) -> bytes:
    text = json.dumps(request).encode()
    return _LENGTH.pack(len(text)) + text
