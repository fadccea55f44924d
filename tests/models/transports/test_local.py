"""The embedded model, for real: llama.cpp in this process, SmolLM2 on this machine."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from promptlab.basics.errors import CallError, CallErrorKind, UsageError
from promptlab.basics.loop import run_sync
from promptlab.models import weights
from promptlab.models.catalog import resolve
from promptlab.models.request import Message, Request
from promptlab.models.transports.local import Local

MODEL = resolve("local/smollm2-135m")


@pytest.fixture(scope="module")
def local() -> Iterator[Local]:
    transport = Local()
    yield transport
    run_sync(transport.close())


@pytest.fixture
def have_weights(missing: Any) -> None:
    try:
        weights.pull("smollm2-135m")
    except UsageError as error:
        missing(f"the embedded model's weights: {error}")


def ask(transport: Local, text: str, **sampling: Any) -> Any:
    return run_sync(
        transport.send(Request(MODEL, (Message("user", text),), sampling=sampling, timeout_s=100))
    )


@pytest.mark.local_model
@pytest.mark.usefixtures("have_weights")
def test_the_model_answers_the_same_at_temperature_0(local: Local) -> None:
    first = ask(local, "Say hello.", temperature=0, max_tokens=4)
    assert first.text == ask(local, "Say hello.", temperature=0, max_tokens=4).text
    assert first.finish_reason in ("stop", "length")
    assert first.usage.prompt_tokens > 5
    assert first.model == "smollm2-135m"


@pytest.mark.local_model
@pytest.mark.usefixtures("have_weights")
def test_a_stream_says_what_the_reply_says_and_leaves_the_server_usable(local: Local) -> None:
    pieces: list[str] = []
    request = Request(
        MODEL, (Message("user", "Say hello."),), sampling={"temperature": 0, "max_tokens": 4}, timeout_s=100
    )
    for _ in range(2):
        completion = run_sync(local.stream(request, pieces.append))
        assert completion.text == run_sync(local.send(request)).text
    assert "".join(pieces) == completion.text * 2


@pytest.mark.local_model
@pytest.mark.usefixtures("have_weights")
def test_each_slot_has_the_context_its_endpoint_says(local: Local) -> None:
    assert MODEL.endpoint.endswith(":ctx2048")
    with pytest.raises(CallError) as failed:
        ask(local, "word " * 2100, max_tokens=1)
    assert failed.value.kind is CallErrorKind.CONTEXT_OVERFLOW
    assert "2048" in str(failed.value)


@pytest.mark.local_model
@pytest.mark.usefixtures("have_weights")
def test_the_server_is_gone_after_close() -> None:
    transport = Local()
    run_sync(transport.open(MODEL))
    (server,) = transport._servers.values()
    address = urlsplit(server.listening_address)
    del server
    run_sync(transport.close())
    with pytest.raises(ConnectionRefusedError), socket.create_connection((address.hostname, address.port), 5):
        pass


def test_without_xllamacpp_the_remedy_is_one_pip_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gguf = tmp_path / "tiny.gguf"
    gguf.write_bytes(b"GGUF")
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(UsageError, match=r"pip install 'promptlab-workbench\[local\]'"):
        run_sync(Local().open(resolve(f"local/{gguf}")))


def test_a_file_that_is_no_gguf_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp")
    gguf = tmp_path / "tiny.gguf"
    gguf.write_bytes(b"GGUF and nothing more")
    with pytest.raises(UsageError, match="cannot load"):
        run_sync(Local().open(resolve(f"local/{gguf}")))


def test_missing_weights_offline_are_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PROMPTLAB_OFFLINE", "1")
    with pytest.raises(UsageError, match="PROMPTLAB_OFFLINE forbids") as failed:
        run_sync(Local().open(MODEL))
    assert "promptlab models pull smollm2-135m" in failed.value.remedy


@pytest.mark.local_model
@pytest.mark.usefixtures("have_weights")
def test_several_models_run_at_once_and_all_are_gone_after_close() -> None:
    transport = Local()
    models = [MODEL, resolve("local/smollm2-135m", settings={"context": 512})]
    assert models[0].endpoint != models[1].endpoint
    for model in models:
        request = Request(model, (Message("user", "Hi"),), sampling={"max_tokens": 1}, timeout_s=100)
        assert run_sync(transport.send(request)).usage.completion_tokens == 1
    ports = [urlsplit(server.listening_address).port for server in transport._servers.values()]
    assert len(set(ports)) == 2
    run_sync(transport.close())
    for port in ports:
        with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), 5):
            pass


CHILD = """
import sys, time
from urllib.parse import urlsplit
from promptlab.basics.loop import run_sync
from promptlab.models.catalog import resolve
from promptlab.models.transports.local import Local
transport = Local()
run_sync(transport.open(resolve("local/smollm2-135m", settings={"context": 512, "slots": 1})))
(server,) = transport._servers.values()
print(urlsplit(server.listening_address).port, flush=True)
time.sleep(100)
"""


@pytest.mark.local_model
@pytest.mark.usefixtures("have_weights")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_server_is_gone_when_its_process_was_killed(number: int) -> None:
    with subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        with socket.create_connection(("127.0.0.1", port), 5):
            pass
        process.send_signal(number)
        process.wait(20)
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), 5):
        pass


@pytest.mark.local_model
@pytest.mark.usefixtures("have_weights")
def test_what_does_not_fit_into_memory_is_refused_in_one_line_before_it_is_loaded() -> None:
    transport = Local()
    huge = resolve("local/smollm2-135m", settings={"context": 1_000_000_000, "slots": 4})
    with pytest.raises(
        UsageError, match=r"does not fit into memory: 0\.1 GB .* 92160\.0 GB for 4 x"
    ) as failed:
        run_sync(transport.open(huge))
    assert "smaller context" in failed.value.remedy
    assert not transport._servers
