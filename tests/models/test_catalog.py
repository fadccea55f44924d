"""A model's id says where and how it is asked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from promptlab.basics.errors import UsageError
from promptlab.basics.hashing import file_digest
from promptlab.models.catalog import check_key, key_needed, list_prices_apply, resolve, where
from promptlab.models.providers import PROVIDERS


@pytest.mark.parametrize(
    ("id", "transport", "endpoint", "key_env", "wire_name"),
    [
        ("openai/gpt-4o-mini", "openai_chat", "https://api.openai.com/v1", "OPENAI_API_KEY", "gpt-4o-mini"),
        ("openrouter/meta-llama/llama-3-8b", "openai_chat", "https://openrouter.ai/api/v1",
         "OPENROUTER_API_KEY", "meta-llama/llama-3-8b"),
        ("vllm/qwen", "openai_chat", "http://127.0.0.1:8000/v1", "HOSTED_VLLM_API_KEY", "qwen"),
        ("anthropic/claude-sonnet-4-5", "litellm", "anthropic", "ANTHROPIC_API_KEY", "claude-sonnet-4-5"),
        ("bedrock/amazon.nova-lite-v1:0", "litellm", "bedrock", "", "amazon.nova-lite-v1:0"),
    ],
)  # fmt: skip
def test_ids_lead_to_their_provider(
    id: str, transport: str, endpoint: str, key_env: str, wire_name: str
) -> None:
    model = resolve(id)
    assert (model.transport, model.endpoint, model.key_env) == (transport, endpoint, key_env)
    assert (model.wire_name, model.name) == (wire_name, id)


def test_an_api_base_beats_the_environment_which_beats_the_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    assert where(resolve("openai/x")) == "https://api.openai.com/v1"
    monkeypatch.setenv("OPENAI_API_BASE", "https://second.example/v1")
    assert resolve("openai/x").endpoint == "https://second.example/v1"
    monkeypatch.setenv("OPENAI_BASE_URL", "https://first.example/v1/")
    model = resolve("openai/x")
    assert model.api_base == "https://first.example/v1"
    assert where(model) == "https://first.example/v1 (from OPENAI_BASE_URL)"
    assert where(resolve("openai/x", api_base="https://relay.example/v1")) == "https://relay.example/v1"
    assert resolve("deepseek/x").endpoint == "https://api.deepseek.com/v1"


@pytest.mark.parametrize(
    ("given", "api_base", "endpoint"),
    [
        ("HTTPS://Me:pw@Relay.Example:443/v1/?key=1#x", "https://Me:pw@Relay.Example:443/v1?key=1",
         "https://relay.example/v1"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1", "http://[::1]:8080/v1"),
        ("https://relay.example/v1/chat/completions", "https://relay.example/v1", "https://relay.example/v1"),
    ],
)  # fmt: skip
def test_an_endpoint_has_no_secrets_and_one_spelling(given: str, api_base: str, endpoint: str) -> None:
    model = resolve("openai/x", api_base=given)
    assert (model.api_base, model.endpoint) == (api_base, endpoint)


def test_ollama_is_found_as_its_own_variable_writes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "box:11434")
    assert resolve("ollama/qwen3:0.6b").api_base == "http://box:11434/v1"
    assert resolve("ollama/qwen3:0.6b", transport="litellm").api_base == "http://box:11434"


@pytest.mark.parametrize(
    "address", ["relay.example/v1", "${RELAY_URL}", "ftp://x/v1", "http://", "http://x:99999"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="api_base is no http address"):
        resolve("openai/x", api_base=address)


def test_a_password_in_a_bad_address_is_not_shown() -> None:
    with pytest.raises(UsageError) as failed:
        resolve("openai/x", api_base="ftp://me:hunter22@x/v1?token=abc")
    assert "hunter22" not in str(failed.value)
    assert "abc" not in str(failed.value)


@pytest.mark.parametrize(
    ("id", "remedy"),
    [
        ("opnai/gpt-4o", "'openai'"),
        ("gpt-4o-mini", "'openai/gpt-4o-mini'"),
        ("claude-sonnet-4-5", "'anthropic/claude-sonnet-4-5'"),
        ("whatever", "PROVIDER/MODEL"),
        ("Qwen/Qwen2.5-7B-Instruct", "api_base"),
        ("local/smolm2-135m", "'smollm2-135m'"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(id: str, remedy: str) -> None:
    with pytest.raises(UsageError) as failed:
        resolve(id)
    assert remedy in failed.value.remedy


@pytest.mark.parametrize("id", ["Qwen/Qwen2.5-7B-Instruct", "qwen-plus"])
def test_with_an_api_base_any_name_goes_out_as_written(id: str) -> None:
    model = resolve(id, api_base="https://relay.example/v1")
    assert (model.wire_name, model.name, model.key_env) == (id, id, "OPENAI_API_KEY")
    assert resolve(id, api_base="https://relay.example/v1", key_env="RELAY_KEY").key_env == "RELAY_KEY"


def test_an_unknown_transport_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="'openai_chat'"):
        resolve("openai/x", transport="openai_chats")


def test_a_needed_key_is_named_and_servers_of_ones_own_need_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="Set DEEPSEEK_API_KEY"):
        check_key(resolve("deepseek/deepseek-chat"))
    with pytest.raises(UsageError, match="Set RELAY_KEY"):
        check_key(resolve("openai/x", api_base="https://relay.example/v1", key_env="RELAY_KEY"))
    for address in (
        "http://127.0.0.1:1/v1",
        "http://localhost/v1",
        "http://10.0.0.7:8000/v1",
        "http://gpu1:8000/v1",
    ):
        check_key(resolve("openai/x", api_base=address))
    for id in ("ollama/x", "lm_studio/x", "hosted_vllm/x", "llama_cpp/x", "sglang/x", "local/smollm2-135m"):
        check_key(resolve(id))
    assert not key_needed(resolve("bedrock/x"))
    monkeypatch.setenv("DEEPSEEK_API_KEY", "sk-1234")
    check_key(resolve("deepseek/deepseek-chat"))


def test_list_prices_apply_at_the_providers_own_addresses_only() -> None:
    for id in ("openai/x", "anthropic/x", "bedrock/x", "deepseek/x"):
        assert list_prices_apply(resolve(id)), id
    assert list_prices_apply(resolve("moonshot/x", api_base="https://api.moonshot.ai/v1"))
    assert list_prices_apply(resolve("azure/x", api_base="https://mine.openai.azure.com"))
    assert not list_prices_apply(resolve("openai/x", api_base="https://relay.example/v1"))
    assert not list_prices_apply(resolve("anthropic/x", api_base="https://relay.example"))
    assert not list_prices_apply(resolve("ollama/x"))
    assert not list_prices_apply(resolve("local/smollm2-135m"))


def test_a_local_model_is_its_weights_and_its_context(tmp_path: Path) -> None:
    sha256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
    assert resolve("local/smollm2-135m").endpoint == f"gguf:{sha256}:ctx2048"
    assert resolve("local/smollm2-135m", settings={"context": 4096}).endpoint == f"gguf:{sha256}:ctx4096"
    gguf = tmp_path / "models" / "mine.gguf"
    gguf.parent.mkdir()
    gguf.write_bytes(b"GGUF mine")
    model = resolve("local/models/mine.gguf", settings={"folder": str(tmp_path)})
    assert model.endpoint == f"gguf:{file_digest(gguf)}:ctx2048"
    with pytest.raises(UsageError, match="there is no file"):
        resolve("local/models/other.gguf", settings={"folder": str(tmp_path)})
    with pytest.raises(UsageError, match="context"):
        resolve("local/smollm2-135m", settings={"context": "big"})


def test_every_provider_resolves(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROVIDERS:
        base = "https://relay.example/v1" if name in ("openai_like", "custom_openai") else None
        assert resolve(f"{name}/some-model", api_base=base).wire_name == "some-model"


def test_resolving_imports_nothing_heavy() -> None:
    code = (
        "import sys; from promptlab.models.catalog import resolve; resolve('openai/x', transport='litellm');"
        "heavy = {'litellm', 'aiohttp', 'httpx', 'pandas', 'numpy', 'keyring', 'ssl'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
