"""The template: an interpreter with its modules loaded and its rights given up, that forks for each program.

It reads requests from the socket that is its standard input and answers them one after the other. It ends
when the other side does.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import resource
import select
import signal
import socket
import struct
import time
from typing import Any

from . import kernel, landlock, program

# What a program may import: there are no files to load anything else from.
MODULES = """
    abc array ast base64 binascii bisect calendar cmath collections collections.abc colorsys contextlib copy
    csv ctypes dataclasses datetime decimal difflib enum fractions functools graphlib hashlib heapq hmac html
    inspect io itertools json keyword locale math numbers operator os pathlib pickle pprint queue random re
    reprlib secrets signal socket statistics string struct subprocess textwrap threading time timeit
    traceback types typing unicodedata urllib.parse uuid warnings weakref zlib _strptime stringprep
    encodings.ascii encodings.latin_1 encodings.utf_8_sig encodings.utf_16 encodings.utf_16_le
    encodings.utf_32 encodings.cp1252 encodings.gbk encodings.idna
"""
_CHUNK = 1 << 16
# So often it is looked whether the program has ended: somebody else may hold its pipes open.
_LOOK_S = 0.05
_EXIT_POLL_S = 0.0003
# How much longer the outcome may be than a value: it holds two spellings of it, and JSON's is up to six times
# as long.
_SPELLING = 12
_FRAMING = 4096

_LENGTH = struct.Struct("!I")


def main(parent: int, confined: bool) -> None:
    """Prepares this process, says how it is confined, and answers requests until there are no more."""
    link = socket.socket(fileno=0)
    nothing = os.open(os.devnull, os.O_RDWR)
    for name in MODULES.split():
        with contextlib.suppress(ImportError):  # some builds of Python lack one
            importlib.import_module(name)
    layers = kernel.unshare()
    kernel.die_with_parent(parent)
    if "process" in layers and (first := os.fork()):
        # The child is the first of its namespace: whatever is left of a program dies with it.
        link.close()
        os.waitpid(first, 0)
        return
    if "process" in layers:
        kernel.die_with_parent(0)
    if confined:
        kernel.no_new_privileges()
        layers += ("landlock",) if landlock.restrict() else ()
        kernel.drop_capabilities()
    gc.collect()
    gc.freeze()
    _send(link, {"layers": layers})
    while (request := _receive(link)) is not None:
        _send(link, _answer(request, link, nothing))


def _answer(request: dict[str, Any], link: socket.socket, nothing: int) -> dict[str, Any]:
    """Runs one program in a child and says what came of it."""
    started = time.monotonic()
    output, output_end = os.pipe()
    result, result_end = os.pipe()
    template = os.getpid()
    child = os.fork()
    if child == 0:
        program.live(request, nothing, output_end, result_end, template)
    os.close(output_end)
    os.close(result_end)
    most = request["limits"]["output_bytes"]
    kept = {output: bytearray(), result: bytearray()}
    room = {output: most, result: _SPELLING * most + _FRAMING}
    running = _Child(child)
    why = _watch(running, kept, room, link.fileno(), started + request["limits"]["wall_s"])
    status, usage = running.end()
    os.close(output)
    os.close(result)
    return {
        "why": why,
        "status": status,
        "stdout": bytes(kept[output][:most]).decode("utf-8", "replace"),
        "outcome": bytes(kept[result]).decode("utf-8", "replace"),
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "wall_s": time.monotonic() - started,
    }


def _watch(
    child: _Child, kept: dict[int, bytearray], room: dict[int, int], link: int, deadline: float
) -> str:
    """Reads what the child writes until it ends. Returns why it must be ended: "" where it did by itself."""
    poll = select.poll()
    for each in (*kept, link):
        poll.register(each, select.POLLIN)
    over = False
    while True:
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            return "timeout"
        ready = poll.poll(0 if over else min(left_s, _LOOK_S) * 1000)
        for source, _ in ready:
            if source == link:  # it says nothing while it waits: its process is gone, or gave this up
                child.end()
                os._exit(0)
            piece = os.read(source, _CHUNK)
            kept[source] += piece
            if not piece:
                poll.unregister(source)
                room[source] = -1
            elif len(kept[source]) > room[source]:
                return "output"
        if all(each < 0 for each in room.values()):
            return "" if child.ends_until(deadline) else "timeout"
        if not ready and over:
            return ""
        over = over or (not ready and child.ends_until(0.0))  # what it wrote before is still to be read


class _Child:
    """A process that runs a program, until it is collected."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._ended: tuple[int, resource.struct_rusage] | None = None

    def ends_until(self, deadline: float) -> bool:
        """Whether it has ended, or does until then."""
        while self._ended is None:
            found, status, usage = os.wait4(self._number, os.WNOHANG)
            if found:
                self._ended = status, usage
            elif time.monotonic() >= deadline:
                return False
            else:
                time.sleep(_EXIT_POLL_S)
        return True

    def end(self) -> tuple[int, resource.struct_rusage]:
        """Kills it and whatever it may have started. Its wait status, and what it used."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._number, signal.SIGKILL)
        if self._ended is None:
            os.kill(self._number, signal.SIGKILL)  # it may not have a group of its own yet
            self._ended = os.wait4(self._number, 0)[1:]
        if os.getpid() == 1:  # the orphans of a namespace are its first process' children
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(-1, signal.SIGKILL)
                while True:
                    os.waitpid(-1, 0)
        return self._ended


def _send(link: socket.socket, message: dict[str, Any]) -> None:
    text = json.dumps(message).encode()
    link.sendall(_LENGTH.pack(len(text)) + text)


def _receive(link: socket.socket) -> dict[str, Any] | None:
    """The next request; None where there will be no more."""
    head = _exactly(link, _LENGTH.size)
    text = _exactly(link, _LENGTH.unpack(head)[0]) if head else None
    return json.loads(text) if text else None


def _exactly(link: socket.socket, size: int) -> bytes | None:
    text = bytearray()
    while len(text) < size:
        try:
            piece = link.recv(size - len(text))
        except ConnectionError:
            return None
        if not piece:
            return None
        text += piece
    return bytes(text)
