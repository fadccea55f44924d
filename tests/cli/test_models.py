"""`promptlab models`: what is usable here, what an endpoint offers, what a model can do, and trying it."""

from __future__ import annotations

import hashlib
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from real_command import RealCommand, model

Answer = tuple[int, str, str]  # status, content type, body


@pytest.fixture
def command(tmp_path: Path) -> RealCommand:
    return RealCommand(tmp_path, XDG_CACHE_HOME=str(tmp_path / "cache"))


@pytest.fixture
def serve() -> Iterator[Callable[..., tuple[str, list[str]]]]:
    """Serves `answers` by path on a port; gives the address and, growing, the Authorization headers."""
    servers: list[ThreadingHTTPServer] = []

    def start(answers: dict[str, Answer]) -> tuple[str, list[str]]:
        seen: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                seen.append(self.headers.get("Authorization", ""))
                status, kind, text = answers.get(self.path, (404, "text/plain", "nothing here"))
                body = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}", seen

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def as_json(value: Any) -> Answer:
    return 200, "application/json", json.dumps(value)


def dead_address() -> str:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{held.getsockname()[1]}"


def test_the_list_says_what_is_usable_and_what_is_missing_within_80_columns(
    command: RealCommand, serve: Any
) -> None:
    running, _ = serve({"/v1/models": as_json({"data": [{"id": "qwen3:0.6b"}]})})
    command.env |= {"DEEPSEEK_API_KEY": "sk-deep", "OLLAMA_HOST": running, "VLLM_BASE_URL": dead_address()}
    text, _ = command.run("models")
    assert all(len(line) <= 80 for line in text.splitlines()), text
    assert "local/smollm2-135m" in text
    assert "qwen3:0.6b" in text
    assert "hosted_vllm" in text.partition("No answer from")[2]
    assert "anthropic (ANTHROPIC_API_KEY)" in " ".join(text.split())
    assert text.index("deepseek/…") < text.index("No key is set for")
    assert "sk-deep" not in text
    found = json.loads(command.run("models", "--json")[0])
    assert found["providers"][0] == {
        "provider": "deepseek",
        "transport": "openai_chat",
        "address": "https://api.deepseek.com/v1",
        "key_source": "DEEPSEEK_API_KEY",
        "variables": ["DEEPSEEK_API_KEY"],
    }
    servers = {each["provider"]: each for each in found["servers"]}
    assert servers["ollama"]["models"] == ["qwen3:0.6b"]
    assert servers["hosted_vllm"]["trouble"] == "not running"
    assert [each["here"] for each in found["local"]] == [False, False]


def test_one_model_is_described_from_the_price_file_without_litellm(command: RealCommand) -> None:
    told = json.loads(command.run("models", "openai/gpt-4o-mini", "--json")[0])
    assert told["endpoint"] == "https://api.openai.com/v1"
    assert told["key"] == "set OPENAI_API_KEY"
    assert told["context"] == 128_000
    assert told["price"]["input"] == pytest.approx(0.15e-6)
    assert {"tools", "vision", "JSON schema"} <= set(told["abilities"])
    assert "litellm" in told["source"]
    assert "0.15 / 0.6 USD" in command.run("models", "openai/gpt-4o-mini")[0]
    code = (
        "import sys; from promptlab.cli.main import run; run(['models', 'openai/gpt-4o-mini']);"
        "sys.exit('litellm' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("openai/gpt-4o-mimi", "'openai/gpt-4o-mini'"),
        ("gpt-4o-mini", "'openai/gpt-4o-mini'"),
        ("opneai/gpt-4o-mini", "'openai'"),
        ("tset", "'test'"),
        ("local/smollm", "'smollm2-135m'"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(command: RealCommand, name: str, said: str) -> None:
    _, err = command.run("models", name, code=2)
    assert said in err
    assert err.count("\n") == 1


def test_an_endpoint_lists_its_models_with_prices_only_where_they_are_known(
    command: RealCommand, serve: Any
) -> None:
    offered = [
        {"id": "plain"},
        {
            "id": "priced",
            "context_length": 4096,
            "pricing": {"prompt": "0.000001", "completion": "0.000002"},
        },
        {"id": "gpt-4o-mini"},
    ]
    url, seen = serve({"/v1/models": as_json({"data": offered})})
    command.env["RELAY_KEY"] = "sk-relay"
    args = ("models", "list", "--api-base", f"{url}/v1", "--key-env", "RELAY_KEY")
    plain, priced, resold = json.loads(command.run(*args, "--json")[0])
    assert seen == ["Bearer sk-relay"]
    assert (plain["context_tokens"], plain["price"]) == (None, None)
    assert (priced["context_tokens"], priced["price"]["output"]) == (4096, 2e-6)
    assert resold["price"] is None  # a list price of another seller
    assert "1 / 2" in command.run(*args)[0]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((401, "application/json", '{"error": {"message": "Wrong key sk-relay."}}'), "RELAY_KEY"),
        ((200, "text/html", "<html>welcome</html>"), "web page"),
        ((200, "application/json", '{"data": "none"}'), "without a list of models"),
        ((404, "text/plain", "nothing here"), "/v1"),
    ],
)
def test_an_endpoint_that_cannot_be_listed_says_why_in_one_line(
    command: RealCommand, serve: Any, answer: Answer, said: str
) -> None:
    url, _ = serve({"/v1/models": answer})
    command.env["RELAY_KEY"] = "sk-relay"
    out, err = command.run("models", "list", "--api-base", f"{url}/v1", "--key-env", "RELAY_KEY", code=None)
    assert said in err
    assert "sk-relay" not in err
    assert (out, err.count("\n")) == ("", 1)


def test_an_endpoint_that_is_down_or_no_address_is_one_line(command: RealCommand) -> None:
    assert "connection failed" in command.run("models", "list", "--api-base", dead_address(), code=None)[1]
    assert "no http address" in command.run("models", "list", "--api-base", "nowhere", code=2)[1]


def test_each_model_is_asked_once_and_a_failure_is_exit_3(command: RealCommand, fake_provider: Any) -> None:
    base = fake_provider.openai
    command.env["LOOP_KEY"] = "sk-loop"
    command.write(3, f"{model('fake-1', base)}, {model('missing-1', base)}")
    out, _ = command.run("models", "test", "exp.yaml", code=3)
    assert fake_provider.requests == 2
    assert [entry["body"]["max_tokens"] for entry in fake_provider.log] == [16, 16]
    assert "fake-1" in out
    assert "This is reply" in out
    assert "failed: missing-1" in out
    assert not (command.folder / ".promptlab").exists()
    results = json.loads(
        command.run("models", "test", "openai/fake-2", "--api-base", base, "--key-env", "LOOP_KEY", "--json")[
            0
        ]
    )
    assert (results[0]["ok"], results[0]["prompt_tokens"] > 0) == (True, True)
    command.run("models", "test", "openai/fake-2", "--api-base", base, "--key-env", "LOOP_KEY")
    assert fake_provider.requests == 4  # never from a cache


@pytest.mark.parametrize("fault", ["429", "500", "hang", "reset"])
def test_a_test_does_not_try_again(command: RealCommand, fake_provider: Any, fault: str) -> None:
    fake_provider.control(rules=[{"fault": fault, "p": 1.0}])
    args = ("models", "test", "x/fake-1", "--api-base", fake_provider.openai, "--timeout", "0.5")
    out, _ = command.run(*args, code=3)
    assert out.startswith("failed: ")
    assert out.count("\n") == 1
    assert fake_provider.requests == 1


CHILD = """
import dataclasses, sys
from promptlab.models import weights
name, size, sha256 = "qwen2.5-0.5b-instruct", int(sys.argv[1]), sys.argv[2]
weights.BUILT_IN[name] = dataclasses.replace(weights.BUILT_IN[name], size_bytes=size, sha256=sha256)
from promptlab.cli.main import run
sys.exit(run(["models", "pull", name]))
"""


@pytest.mark.parametrize("honest", [True, False])
def test_the_model_that_knows_chinese_is_pulled_from_a_mirror_and_checked(
    command: RealCommand, serve: Any, honest: bool
) -> None:
    """A smaller file stands in for the real one; repository, file name, metadata and checks are its own."""
    content = "GGUF" + "weights" * 1000
    sha256 = hashlib.sha256(content.encode()).hexdigest()
    repo, file = "Qwen/Qwen2.5-0.5B-Instruct-GGUF", "qwen2.5-0.5b-instruct-q4_k_m.gguf"
    entry = {"path": file, "size": len(content), "lfs": {"oid": sha256}}
    sent = content if honest else content.replace("weights", "w3ights")
    url, seen = serve(
        {
            f"/api/models/{repo}/tree/main": as_json([entry]),
            f"/{repo}/resolve/main/{file}": (200, "application/octet-stream", sent),
        }
    )
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(len(content)), sha256],
        env={**command.env, "HF_ENDPOINT": url},
        capture_output=True,
        text=True,
        check=False,
    )
    path = command.folder / "cache" / "promptlab" / "models" / "qwen2.5-0.5b-instruct.gguf"
    assert len(seen) == 2
    if honest:
        assert done.returncode == 0, done.stderr
        assert path.read_text() == content
    else:
        assert done.returncode == 2
        assert "SHA-256" in done.stderr
        assert not path.exists()
