"""DSPy's calls through our door: an engine for `dspy.LM`, and DSPy without caches of its own."""

from __future__ import annotations

import asyncio
import functools
import importlib.util
import logging
import os
import sys
import threading
import types
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from promptlab.basics.errors import CallError, CallErrorKind, UsageError
from promptlab.basics.hashing import digest
from promptlab.models.door import Door
from promptlab.models.request import Completion, Draw, Message, Model, Request, Role

# DSPy is synchronous: its programs run here, never on the loop.
MOST_THREADS = 64
_PROMPT_FAULTS = frozenset({CallErrorKind.BAD_REQUEST, CallErrorKind.CONTEXT_OVERFLOW})

# One call: messages and the sampling that DSPy asks for, to a completion. Called in DSPy's threads.
Ask = Callable[[list[Message], dict[str, Any]], Completion]


@functools.cache
def threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="promptlab-dspy")


def check_installed() -> None:
    """UsageError where DSPy is not there."""
    if importlib.util.find_spec("dspy") is None:
        raise UsageError(
            "DSPy is not installed.", remedy='Install it: pip install "promptlab-workbench[optimize]".'
        )


@functools.cache
def load_dspy() -> Any:
    """DSPy, imported once: without its caches, its progress bars and its logs."""
    check_installed()
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    os.environ.setdefault("LITELLM_MODE", "PRODUCTION")
    os.environ.setdefault("TQDM_DISABLE", "1")  # GEPA's bar, where nobody imported tqdm before
    import dspy

    dspy.configure_cache(enable_disk_cache=False, enable_memory_cache=False)
    _quiet(dspy)
    for name in ("dspy", "gepa", "optuna"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return dspy


def _quiet(dspy: Any) -> None:
    """Its bars and prints would stand in the result: stdout is ours, and progress is told by round."""
    from dspy.utils import parallelizer

    init = parallelizer.ParallelExecutor.__init__

    def without_bar(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        self.disable_progress_bar = True

    parallelizer.ParallelExecutor.__init__ = without_bar
    for name, module in list(sys.modules.items()):
        if name.startswith("dspy.teleprompt"):
            module.print = _silent  # type: ignore[attr-defined]
            if isinstance(getattr(module, "tqdm", None), types.ModuleType):
                module.tqdm = types.SimpleNamespace(tqdm=_no_bar)  # type: ignore[attr-defined]


def _silent(*args: Any, **kwargs: Any) -> None:
    """Instead of print."""


def _no_bar(iterable: Any = None, *args: Any, **kwargs: Any) -> Any:
    """Instead of a bar: what it goes over."""
    return iterable


class DoorEngine:
    """A dspy engine: `complete(Request) -> Response`, one call through the door each."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def complete(self, request: Any) -> Any:
        lm15 = load_dspy().lm15
        messages, sampling = _read(request)
        reply = self._ask(messages, sampling)
        reason = (
            reply.finish_reason if reply.finish_reason in ("stop", "length", "content_filter") else "stop"
        )
        return lm15.Response(
            id=None,
            model=request.model,
            message=lm15.Message.assistant(reply.text or " "),
            finish_reason=reason,
            usage=lm15.Usage(
                input_tokens=reply.usage.prompt_tokens, output_tokens=reply.usage.completion_tokens
            ),
        )


class AsyncDoorEngine:
    """The same for DSPy's own loops."""

    def __init__(self, engine: DoorEngine) -> None:
        self._engine = engine

    async def complete(self, request: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(threads(), self._engine.complete, request)


def language_model(ask: Ask, name: str) -> Any:
    """A `dspy.LM` over the door: no cache and no retries of its own."""
    engine = DoorEngine(ask)
    return load_dspy().LM(
        f"promptlab/{name}",
        engine=engine,
        async_engine=AsyncDoorEngine(engine),
        cache=False,
        num_retries=0,
        temperature=None,
        max_tokens=None,
    )


def surroundings(lm: Any, interpreter: Callable[[], Any]) -> Any:
    """The context in which DSPy runs, in this thread and those it starts; `interpreter` runs its programs."""
    dspy = load_dspy()
    return dspy.context(
        lm=lm,
        adapter=dspy.ChatAdapter(use_json_adapter_fallback=False),
        disable_history=True,
        max_errors=10**9,
        interpreter_factory=interpreter,
    )


_ROLES: Mapping[str, Role] = {
    "user": "user",
    "assistant": "assistant",
    "developer": "system",
    "system": "system",
}


def _read(request: Any) -> tuple[list[Message], dict[str, Any]]:
    """What DSPy wants to send, in our words."""
    messages: list[Message] = []
    if request.system is not None:
        system = request.system
        text = system if isinstance(system, str) else "".join(part.text for part in system)
        messages.append(Message("system", text))
    messages += [Message(_ROLES.get(each.role, "user"), each.text or "") for each in request.messages]
    config = request.config
    given = {name: getattr(config, name) for name in ("temperature", "top_p", "max_tokens", "seed")}
    sampling = {name: value for name, value in given.items() if value is not None}
    if config.stop:
        sampling["stop"] = list(config.stop)
    return messages, sampling


@dataclass
class Ends:
    """What ended a search: once it is set, no further call is tried."""

    error: BaseException | None = None


@dataclass
class SearchAsk:
    """Implements `Ask` for a search: counted, with draws of its own, and ended for good by what ends it.

    A request at temperature 0 that was made before is not made again, as DSPy expects of its own cache. Equal
    requests at other temperatures are independent draws, numbered in the order in which they come.
    """

    loop: asyncio.AbstractEventLoop
    door: Door
    model: Model
    scope: str
    sampling: Mapping[str, Any]
    cell: str
    timeout_s: float
    ends: Ends
    name: str = "answer"
    _asked: dict[str, Future[Completion]] = field(default_factory=dict)
    _seen: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, messages: list[Message], stage: dict[str, Any]) -> Completion:
        if self.ends.error is not None:
            raise self.ends.error
        values = {"temperature": 0, **self.model.sampling, **stage, **self.sampling}
        wished = self.model.sampling.keys() | self.sampling.keys()
        key = digest([[(each.role, each.content) for each in messages], values])
        with self._lock:
            future = self._asked.get(key) if values["temperature"] == 0 else None
            if future is None:
                request = Request(
                    model=self.model,
                    messages=tuple(messages),
                    sampling=values,
                    defaults=frozenset(values.keys() - wished),
                    draw=Draw(0, self._seen[key], "", self.scope),
                    name=self.name,
                    cell=self.cell,
                    timeout_s=self.timeout_s,
                )
                self._seen[key] += 1
                future = asyncio.run_coroutine_threadsafe(self.door.complete(request), self.loop)
                self._asked[key] = future
        try:
            return future.result()
        except BaseException as error:
            if not (isinstance(error, CallError) and error.kind in _PROMPT_FAULTS):
                self.ends.error = self.ends.error or error
            raise
