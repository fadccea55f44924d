"""Every provider with a protocol of its own (Anthropic, Gemini, Bedrock, Azure, ...), through litellm.

The only file that imports litellm: 5 s and 165 MB, so on first use and in a thread. litellm is told to send
once and to change nothing: no retries, no dropping of parameters, no prices, no `.env`.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from typing import Any

from promptlab.basics.errors import CallError, CallErrorKind
from promptlab.models.catalog import key_needed, missing_key_remedy, provider_of
from promptlab.models.keys import find_key
from promptlab.models.request import Completion, Embeddings, Model, Request
from promptlab.models.transports import transports
from promptlab.models.transports.base import Progress, Transport, silent
from promptlab.models.transports.dialect import Dialect, refused_parameter, request_body
from promptlab.models.transports.error_bodies import ErrorReply
from promptlab.models.transports.faults import describe, fault
from promptlab.models.transports.litellm_errors import error_behind
from promptlab.models.transports.replies import (
    MalformedReply,
    StreamedReply,
    completion_of,
    filtered,
    usage_of,
    vectors_of,
)

_MAX_NEGOTIATIONS = 6
# Parameters litellm can say for each model whether it takes them; others go through to the provider.
_CHECKED = frozenset(
    {
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "presence_penalty",
        "reasoning_effort",
        "response_format",
        "seed",
        "stop",
        "temperature",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
    }
)


class LiteLLM(Transport):
    """Chat completions and embeddings through litellm."""

    name = "litellm"
    keeps_time = True

    def __init__(self, *, progress: Progress = silent) -> None:
        super().__init__(progress=progress)
        self._library: Any = None
        self._importing = asyncio.Lock()
        self._dialects: dict[str, Dialect] = {}

    async def open(self, model: Model) -> None:
        """Imports litellm, so that the first request's latency is its own."""
        await self._litellm()

    async def send(self, request: Request) -> Completion:
        return await self._ask(request, None)

    async def stream(self, request: Request, on_delta: Callable[[str], None]) -> Completion:
        return await self._ask(request, on_delta)

    async def _ask(self, request: Request, on_delta: Callable[[str], None] | None) -> Completion:
        litellm = await self._litellm()
        model = request.model
        dialect = self._dialects.get(model.id)
        if dialect is None:
            dialect = self._dialects[model.id] = Dialect(refused=_refused(litellm, model))
        _check(request, dialect)
        for _ in range(_MAX_NEGOTIATIONS):
            body, left_out = request_body(request, dialect, streamed=on_delta is not None)
            del body["model"]
            try:
                streamed = StreamedReply(on_delta) if on_delta else None
                reply = await self._call(litellm.acompletion, model, request.timeout_s, body, streamed)
                completion = streamed.completion(left_out) if streamed else completion_of(reply, left_out)
            except ErrorReply as error:
                if error.error.filtered:
                    return filtered(left_out)
                if error.status not in (400, 422) or not dialect.learn(error.error, body, request):
                    raise fault(model, error, remedy=_remedy(request, error)) from None
            except MalformedReply as error:
                raise CallError(CallErrorKind.MALFORMED, describe(model, str(error)), status=200) from None
            else:
                return completion
        raise CallError(CallErrorKind.BAD_REQUEST, describe(model, "it refuses one parameter after another"))

    async def embed(self, model: Model, texts: Sequence[str], timeout_s: float = 60.0) -> Embeddings:
        litellm = await self._litellm()
        try:
            reply = await self._call(litellm.aembedding, model, timeout_s, {"input": list(texts)})
            vectors = vectors_of(reply, len(texts))
        except ErrorReply as error:
            raise fault(model, error) from None
        except MalformedReply as error:
            raise CallError(CallErrorKind.MALFORMED, describe(model, str(error)), status=200) from None
        return Embeddings(vectors, usage_of(reply.get("usage")), str(reply.get("model") or ""))

    async def close(self) -> None:
        if self._library is not None:
            await self._library.close_litellm_async_clients()
            self._library.in_memory_llm_clients_cache.flush_cache()

    async def _litellm(self) -> Any:
        if self._library is None:
            async with self._importing:
                if self._library is None:
                    self._library = await asyncio.to_thread(_import)
        return self._library

    async def _call(
        self,
        function: Any,
        model: Model,
        timeout_s: float,
        arguments: Mapping[str, Any],
        streamed: StreamedReply | None = None,
    ) -> Any:
        """The reply as a dict in OpenAI's form, or None where its pieces went to `streamed`.

        ErrorReply or CallError for whatever litellm raises.
        """
        litellm = self._library
        key = find_key(model)
        if key is None and key_needed(model):
            raise CallError(CallErrorKind.AUTH, f"{model.name} has no key.", remedy=missing_key_remedy(model))
        given = {
            **_place(litellm, model),
            **arguments,
            "timeout": timeout_s,
            "num_retries": 0,
            "max_retries": 0,
            # Else litellm imports the package mcp, which it does not depend on, for any tool.
            "_skip_mcp_handler": True,
        }
        if key is not None:
            given["api_key"] = key.reveal()
        elif model.api_base:
            given["api_key"] = "none"  # a server of one's own, where litellm insists on one
        if model.headers:
            given["extra_headers"] = dict(model.headers)
        try:
            async with asyncio.timeout(timeout_s):
                with self._typed(model):
                    reply = await function(**given)
                if streamed is None:
                    return _body(model, reply)
                async with aclosing(reply):
                    await self._listen(model, reply, streamed)
        except TimeoutError:
            text = f"no reply within {timeout_s:g} s"
            raise CallError(CallErrorKind.TIMEOUT, describe(model, text)) from None

    async def _listen(self, model: Model, reply: Any, streamed: StreamedReply) -> None:
        """Feeds a stream to `streamed`, without what litellm makes up where the provider said nothing."""
        with self._typed(model):
            _watch_finish(reply, await reply.fetch_stream())
        while True:
            with self._typed(model):  # not around what is told of it: an error there is the listener's own
                chunk = await anext(reply, None)
            if chunk is None:
                break
            piece = _body(model, chunk)
            if not any(getattr(each, "usage", None) for each in reply.chunks):
                piece["usage"] = None  # its own count of tokens
            streamed.add(piece)
        if reply.received_finish_reason is None and reply.intermittent_finish_reason is None:
            raise MalformedReply("the stream broke off")  # to litellm, any end is a "stop"

    @contextmanager
    def _typed(self, model: Model) -> Iterator[None]:
        """Makes an ErrorReply, CallError or TimeoutError of whatever litellm raises."""
        try:
            yield
        except self._library.Timeout:
            raise TimeoutError from None
        except Exception as error:  # noqa: BLE001  litellm raises what its forty providers raise
            raise error_behind(model, error) from None


def _body(model: Model, reply: Any) -> Any:
    """A reply or a piece of a stream as a dict, without what litellm counted in the provider's place."""
    body = reply.model_dump()
    usage = body.get("usage") or {}
    if not usage.get("total_tokens"):
        body["usage"] = None  # it writes zeros where the provider said nothing
    elif "claude" in model.id or model.id.startswith("anthropic/"):
        usage["completion_tokens_details"] = (
            None  # Anthropic does not say how much of its output was thinking
        )
    return body


def _watch_finish(reply: Any, pieces: Any) -> None:
    """Lets only Gemini's last piece say why it ended: litellm has each say "stop", in a cut stream too."""
    parse = getattr(pieces, "chunk_parser", None)
    if parse is None:
        return

    def watched(chunk: Mapping[str, Any]) -> Any:  # litellm calls it with this name
        piece = parse(chunk)
        for candidate, choice in zip(chunk.get("candidates") or (), piece.choices, strict=False):
            if candidate.get("finishReason"):
                reply.received_finish_reason = choice.finish_reason
            else:
                choice.finish_reason = None
        return piece

    pieces.chunk_parser = watched


def _import() -> Any:
    # Both are read at import: else it fetches prices from the network and loads `.env` into the environment.
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    os.environ["LITELLM_MODE"] = "PRODUCTION"
    import litellm

    library: Any = litellm
    library.suppress_debug_info = True
    library.drop_params = False
    library.num_retries = 0
    library.DEFAULT_MAX_RETRIES = 0  # embeddings take a 0 for "not given", and this instead
    library.telemetry = False
    logging.getLogger("LiteLLM").setLevel(logging.ERROR)  # its advice is not for who runs an experiment
    return library


def _place(litellm: Any, model: Model) -> dict[str, Any]:
    """Model and address as litellm wants them; a provider it does not know is an OpenAI-like one."""
    provider = provider_of(model)
    name = provider.name if provider else model.id.partition("/")[0]
    known = {str(getattr(each, "value", each)) for each in litellm.provider_list} - {"openai_like"}
    place = {"model": f"{name if name in known else 'openai'}/{model.wire_name}"}
    if model.api_base:
        place["api_base"] = model.api_base
    return place


def _refused(litellm: Any, model: Model) -> set[str]:
    """The parameters that litellm knows this model not to take."""
    name, _, wire_name = _place(litellm, model)["model"].partition("/")
    supported = litellm.get_supported_openai_params(model=wire_name, custom_llm_provider=name)
    return set() if supported is None else set(_CHECKED - set(supported))


def _check(request: Request, dialect: Dialect) -> None:
    """What the user set and the model does not take is an error, and is found without asking."""
    given = {name: value for name, value in request.sampling.items() if name not in request.defaults}
    if request.tools:
        given["tools"] = "…"
    if request.response_format is not None:
        given["response_format"] = "…"
    for name, value in given.items():
        if name in dialect.refused & _CHECKED:
            raise CallError(
                CallErrorKind.BAD_REQUEST,
                f"{request.model.name} does not take {name} ({value!r}).",
                remedy="Remove it from the experiment for this model.",
            )


def _remedy(request: Request, reply: ErrorReply) -> str:
    name = refused_parameter(reply.error, request.sampling)
    return f"Remove or change {name} ({request.sampling[name]!r}) in the experiment." if name else ""


transports.add(LiteLLM.name, LiteLLM)
