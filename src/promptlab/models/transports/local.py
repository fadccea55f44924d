"""The embedded model: llama.cpp's server inside this process (xllamacpp), asked like any OpenAI endpoint."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from promptlab.basics.errors import UsageError
from promptlab.models import weights
from promptlab.models.catalog import context_tokens
from promptlab.models.gguf import read_shape
from promptlab.models.memory import available_bytes
from promptlab.models.request import Completion, Model, Request
from promptlab.models.transports import transports
from promptlab.models.transports.base import Progress, Transport, silent
from promptlab.models.transports.openai_chat import OpenAIChat

MAX_SLOTS = 8
MIN_SLOTS = 4  # short prompts: four in one batch take hardly longer than one
_QUIET = -1
_GB = 1e9


class Local(Transport):
    """GGUF models on this machine. The server starts at the first `open` or request, and ends with `close`.

    Several models run at once as long as they fit into memory together.
    Settings of a model: `context` (tokens of one slot), `slots` (requests answered at once), `threads`.
    """

    name = "local"

    def __init__(self, *, progress: Progress = silent) -> None:
        super().__init__(progress=progress)
        self._chat = OpenAIChat()
        self._servers: dict[str, Any] = {}  # each runs as long as it is referred to
        self._loaded_bytes: dict[Path, int] = {}  # the weights they hold
        self._starting = asyncio.Lock()

    def slots(self, model: Model) -> int:
        return int(model.settings.get("slots", min(MAX_SLOTS, max(MIN_SLOTS, _cpus()))))

    async def open(self, model: Model) -> None:
        """Fetches the weights if they are not here (see `weights.pull`) and starts the server.

        UsageError: xllamacpp is not installed, no weights to be had, a file that is no GGUF, not enough
        memory.
        """
        await self._at(model)

    async def send(self, request: Request) -> Completion:
        model = await self._at(request.model)
        return await self._chat.send(replace(request, model=model))

    async def stream(self, request: Request, on_delta: Callable[[str], None]) -> Completion:
        model = await self._at(request.model)
        return await self._chat.stream(replace(request, model=model), on_delta)

    async def close(self) -> None:
        await self._chat.close()
        servers, self._servers = self._servers, {}
        self._loaded_bytes.clear()
        await asyncio.to_thread(servers.clear)  # an ending server waits for its threads

    async def _at(self, model: Model) -> Model:
        """The model at its running server's address."""
        place = model.endpoint
        if place not in self._servers:
            async with self._starting:
                if place not in self._servers:
                    await asyncio.to_thread(self._start, model)
        return replace(model, api_base=f"{self._servers[place].listening_address}/v1", key_env="")

    def _start(self, model: Model) -> None:
        """Puts the running server in its place, and nowhere else: a future's result would keep it alive."""
        path = self._weights(model)
        try:
            import xllamacpp
        except ImportError as error:
            raise UsageError(
                f"{model.id} needs the package xllamacpp ({error}).",
                remedy="Run: pip install 'promptlab-workbench[local]'",
            ) from None
        slots = self.slots(model)
        self._check_memory(model, path, slots)
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(path)
        parameters.model_alias = {model.wire_name}
        parameters.port = 0
        parameters.n_parallel = slots
        parameters.n_ctx = slots * context_tokens(model.settings)  # the slots share it
        parameters.cpuparams.n_threads = int(model.settings.get("threads", _cpus()))
        parameters.verbosity = _QUIET
        try:
            self._servers[model.endpoint] = xllamacpp.Server(parameters)
        except RuntimeError as error:
            raise UsageError(
                f"{model.id}: llama.cpp cannot load {path} ({error}).", remedy="Is it a whole GGUF file?"
            ) from None
        self._loaded_bytes[path] = path.stat().st_size

    def _check_memory(self, model: Model, path: Path, slots: int) -> None:
        """UsageError where weights and contexts of all models together would not fit.

        Weights are counted also where they are loaded already: the system calls their pages available.
        """
        shape, available = read_shape(path), available_bytes()
        if shape is None or available is None:  # no GGUF: llama.cpp says it better
            return
        tokens = slots * context_tokens(model.settings)
        context = tokens * shape.cache_bytes
        files = {**self._loaded_bytes, path: path.stat().st_size}
        held = sum(files.values())
        if held + context > available:
            others = f" of {len(files)} models" if len(files) > 1 else ""
            raise UsageError(
                f"{model.id} does not fit into memory: {held / _GB:.1f} GB for the weights{others} and "
                f"{context / _GB:.1f} GB for {slots} x {tokens // slots:,} tokens of context, "
                f"{available / _GB:.1f} GB available.",
                remedy="Give it a smaller context or GGUF file, or run the models one by one (--model).",
            )

    def _weights(self, model: Model) -> Path:
        path = weights.locate(model.wire_name, model.settings.get("folder"))
        return path or weights.pull(model.wire_name, self.progress)


def _cpus() -> int:
    """The processors this process may use, which in a container are fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


transports.add(Local.name, Local)
