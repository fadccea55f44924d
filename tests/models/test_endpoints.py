"""Endpoints that somebody added: kept without a key, asked for what they offer, ready for a file."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from promptlab.basics.errors import CallError, StorageError, UsageError
from promptlab.experiment.spec import ModelSpec
from promptlab.models import endpoints, keys
from promptlab.models.endpoints import FILE, Endpoint
from promptlab.models.price_list import ListedPrice
from promptlab.models.pricing import price_of

LISTED = ListedPrice("qwen", {"input": 0.8, "output": 2.0}, "CNY", 1_000_000, "typed", "2026-11-01")
RELAY = Endpoint("my relay", "https://relay.example/v1", "RELAY_KEY", ("qwen", "a/b"), {"qwen": LISTED})


def test_what_is_kept_is_read_back_and_holds_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAY_KEY", "sk-secret-of-the-relay")
    keys.hold("OTHER_KEY", "sk-held-in-memory")
    endpoints.keep(tmp_path, RELAY)
    endpoints.keep(tmp_path, Endpoint("here", "http://127.0.0.1:9/v1"))
    assert endpoints.load(tmp_path) == [Endpoint("here", "http://127.0.0.1:9/v1"), RELAY]
    assert b"sk-" not in (tmp_path / FILE).read_bytes()
    endpoints.remove(tmp_path, "here")
    assert endpoints.load(tmp_path) == [RELAY]
    keys.hold("OTHER_KEY", "")


def test_no_endpoint_is_lost_to_another_of_its_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'my relay' already"):
        endpoints.save(tmp_path, [RELAY, RELAY])
    endpoints.save(tmp_path, [RELAY])
    with pytest.raises(UsageError, match="Did you mean 'my relay'"):
        endpoints.named(tmp_path, "my rely")


@pytest.mark.parametrize(
    "given",
    [
        {"api_base": "relay.example"},
        {"api_base": "https://user:sk-secret@relay.example/v1"},
        {"api_base": "https://relay.example/v1?key=sk-secret"},
        {"key_env": "sk-secret"},
        {"key_env": "A" * 100},
        {"name": " "},
        {"name": "a\nb"},
    ],
)
def test_what_may_hold_a_secret_or_is_no_address_is_refused_without_repeating_it(
    given: dict[str, Any],
) -> None:
    with pytest.raises(UsageError) as refused:
        Endpoint(**{"name": "r", "api_base": "https://relay.example/v1", **given})
    assert "sk-secret" not in str(refused.value)


def test_a_damaged_file_is_named_and_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"endpoints": [{"name": "x"}]}')
    with pytest.raises(StorageError, match=FILE):
        endpoints.keep(tmp_path, RELAY)
    assert "x" in (tmp_path / FILE).read_text()


def test_its_models_go_into_a_file_and_are_asked_there_alike() -> None:
    for name in RELAY.models:
        model, entry = RELAY.model(name), ModelSpec.model_validate(RELAY.entry(name))
        assert (entry.id, entry.api_base, entry.api_key_env) == (model.id, model.api_base, model.key_env)
        assert model.wire_name == name
    price = price_of(RELAY.model("qwen"))
    assert price is not None
    assert (price.input, price.currency) == (pytest.approx(0.8e-6), "CNY")
    assert price_of(RELAY.model("a/b")) is None


def test_a_providers_own_address_keeps_its_list_prices() -> None:
    openai = Endpoint("o", "https://api.openai.com/v1/", "MY_KEY")
    assert openai.has_list_prices
    assert openai.id("gpt-4o-mini") == "openai/gpt-4o-mini"
    assert not RELAY.has_list_prices


def test_without_a_key_variable_nobodys_key_is_sent(
    fake_provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-somebody-elses")
    found = asyncio.run(endpoints.offered(Endpoint("fake", fake_provider.openai)))
    assert found
    assert not any("authorization" in entry["headers"] for entry in fake_provider.log)
    assert Endpoint("fake", fake_provider.openai).model("m").key_env == ""


def test_a_needed_key_that_is_nowhere_is_said_before_anything_is_asked() -> None:
    with pytest.raises(UsageError, match="RELAY_KEY"):
        asyncio.run(endpoints.offered(RELAY))


def test_an_endpoint_that_is_down_says_so() -> None:
    with pytest.raises(CallError):
        asyncio.run(endpoints.offered(Endpoint("down", "http://127.0.0.1:9/v1")))


def test_the_command_adds_lists_and_removes(
    fake_provider: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from promptlab.cli.main import run as command

    monkeypatch.setenv("PROMPTLAB_HOME", str(tmp_path))
    monkeypatch.setenv("RELAY_KEY", "sk-never-printed")
    (tmp_path / "prices.csv").write_text("model,input,output\nfake-1,1,2\n")
    given = ["models", "endpoints", "add", "fake", "--api-base", fake_provider.openai]
    assert command([*given, "--key-env", "RELAY_KEY", "--prices", str(tmp_path / "prices.csv")]) == 0
    assert command(["models", "endpoints", "add", "down", "--api-base", "http://127.0.0.1:9/v1"]) == 0
    told = capsys.readouterr()
    assert "1 prices" in told.err
    assert "could not be fetched" in told.err
    assert command(["models", "endpoints"]) == 0
    shown = capsys.readouterr().out
    assert "RELAY_KEY" in shown
    assert "sk-never" not in shown + told.out + told.err
    assert command(["models", "endpoints", "remove", "down"]) == 0
    (kept,) = endpoints.load(tmp_path)
    assert "fake-1" in kept.models
    assert kept.prices["fake-1"].amounts == {"input": 1, "output": 2}
