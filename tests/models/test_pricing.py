"""What a call costs. Unknown is None, never 0."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from promptlab.models.catalog import resolve
from promptlab.models.limits import Rate
from promptlab.models.pricing import cost_of, in_usd, list_price, price_of
from promptlab.models.request import Model, Price, Usage

PRICE = Price(input=2.0, output=10.0, cached_input=0.5, reasoning=20.0, request=100.0)


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        (Usage(10, 3), 20 + 30 + 100),
        (Usage(10, 3, cached_tokens=4), 6 * 2 + 4 * 0.5 + 30 + 100),
        (Usage(10, 3, reasoning_tokens=2), 20 + 10 + 40 + 100),
        (Usage(10, 3, cached_tokens=99), 10 * 0.5 + 30 + 100),
        (Usage(0, 0), 100),
        (Usage(None, 3), None),
        (Usage(10, None), None),
        (Usage(), None),
    ],
)
def test_cost_follows_usage(usage: Usage, cost: float | None) -> None:
    assert cost_of(usage, PRICE) == cost


def test_without_special_prices_cached_and_reasoning_tokens_cost_like_others() -> None:
    assert cost_of(Usage(10, 3, cached_tokens=4, reasoning_tokens=2), Price(input=2.0, output=10.0)) == 50


@pytest.mark.parametrize("price", [None, Price(None, 1.0), Price(1.0, None)])
def test_an_unknown_price_is_unknown_and_not_0(price: Price | None) -> None:
    assert cost_of(Usage(10, 3), price) is None


def test_what_is_free_is_0_even_where_nothing_was_counted() -> None:
    assert cost_of(Usage(), Price(0.0, 0.0)) == 0.0


def test_prompts_beyond_the_reach_of_a_price_are_unknown() -> None:
    price = Price(1.0, 1.0, up_to_prompt_tokens=100)
    assert cost_of(Usage(100, 1), price) == 101
    assert cost_of(Usage(101, 1), price) is None


def test_other_currencies_need_a_rate() -> None:
    rates = {"CNY": Rate(usd=0.14, date="2026-11-01", source="a bank")}
    assert in_usd(10.0, "CNY", rates) == pytest.approx(1.4)
    assert in_usd(10.0, "EUR", rates) is None
    assert in_usd(10.0, "USD", {}) == 10.0
    assert in_usd(None, "CNY", rates) is None


def test_list_prices_come_from_the_price_file() -> None:
    price = list_price("openai/gpt-4o-mini")
    assert price is not None
    assert price.input == pytest.approx(1.5e-7)
    assert price.output == pytest.approx(6e-7)
    assert price.cached_input == pytest.approx(7.5e-8)
    assert price.source.startswith("litellm ")
    deepseek = list_price("deepseek/deepseek-chat")
    assert deepseek is not None
    assert deepseek.input


def test_a_price_in_tiers_holds_for_its_first_tier() -> None:
    price = list_price("dashscope/qwen-flash")
    assert price is not None
    assert price.input == pytest.approx(5e-8)
    assert price.up_to_prompt_tokens == 256_000


@pytest.mark.parametrize(
    "model", ["openai/no-such-model", "anthropic/gpt-4o-mini", "sample_spec", "ollama/llama3"]
)
def test_what_the_price_file_does_not_know_is_unknown(model: str) -> None:
    assert list_price(model) is None


def test_behind_a_custom_address_list_prices_do_not_apply() -> None:
    assert price_of(resolve("openai/gpt-4o-mini")) == list_price("openai/gpt-4o-mini")
    relay = resolve("openai/gpt-4o-mini", api_base="https://relay.example/v1")
    assert price_of(relay) is None
    stated = resolve("openai/gpt-4o-mini", api_base="https://relay.example/v1", price=PRICE)
    assert price_of(stated) == PRICE


def test_a_local_model_costs_nothing() -> None:
    local = Model(id="local/smollm2-135m", name="l", transport="local", endpoint="sha256:abc")
    assert cost_of(Usage(100, 100), price_of(local)) == 0.0


def test_prices_are_found_without_importing_litellm() -> None:
    code = (
        "import sys\n"
        "from promptlab.models.pricing import list_price\n"
        "assert list_price('openai/gpt-4o-mini')\n"
        "assert 'litellm' not in sys.modules\n"
    )
    source = Path(__file__).parents[2] / "src"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": str(source)})
