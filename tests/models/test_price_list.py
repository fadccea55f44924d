"""A relay's price list as the experiment file's `price:`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from promptlab.basics.errors import UsageError
from promptlab.experiment.spec import ModelSpec
from promptlab.models.price_list import as_yaml, read_price_list


def written(tmp_path: Path, text: str, name: str = "prices.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8-sig")
    return path


def models(path: Path, **options: object) -> list[ModelSpec]:
    """What the experiment file makes of the list."""
    listed = read_price_list(path, date="2026-11-01", **options)  # type: ignore[arg-type]
    loaded = YAML(typ="safe").load(as_yaml(listed))
    return [ModelSpec.model_validate(each) for each in loaded["models"]]


def test_a_csv_list_becomes_prices_with_date_and_source(tmp_path: Path) -> None:
    path = written(
        tmp_path, 'model,input,output,cached_input,currency\nqwen,0.8,2,,cny\n"a: b",0.000001,0,0.5,\n'
    )
    first, second = models(path)
    assert first.id == "qwen"
    assert first.price is not None
    assert first.price.model_dump(exclude_defaults=True) == {
        "input": 0.8,
        "output": 2,
        "currency": "CNY",
        "source": "prices.csv",
        "date": "2026-11-01",
    }
    assert second.id == "a: b"
    assert second.price is not None
    assert (second.price.input, second.price.output, second.price.cached_input) == (0.000001, 0, 0.5)
    assert second.price.currency == "USD"


def test_a_json_list_may_say_unit_currency_and_price_per_request(tmp_path: Path) -> None:
    rows = [
        {"model": "m", "input": 0.002, "output": 0.004, "request": 0.01, "per": 1000, "date": "2026-10-01"}
    ]
    (only,) = models(written(tmp_path, json.dumps(rows), "list.json"), currency="EUR")
    assert only.price is not None
    assert (only.price.per, only.price.request, only.price.currency) == (1000, 0.01, "EUR")
    assert only.price.date == "2026-10-01"


def test_litellms_own_format_is_read_and_what_has_no_price_per_token_is_left_out(tmp_path: Path) -> None:
    entries = {
        "sample_spec": {"input_cost_per_token": 1, "output_cost_per_token": 1},
        "p/chat": {
            "input_cost_per_token": 1.25e-6,
            "output_cost_per_token": 1e-5,
            "cache_read_input_token_cost": 3.1e-7,
            "input_cost_per_token_above_200k_tokens": 2.5e-6,
        },
        "p/picture": {"output_cost_per_image": 0.04},
    }
    (only,) = models(written(tmp_path, json.dumps(entries), "litellm.json"))
    assert only.id == "p/chat"
    assert only.price is not None
    assert (only.price.input, only.price.output, only.price.per) == (1.25e-6, 1e-5, 1)
    assert only.price.up_to_prompt_tokens == 200_000


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("model,input,output\na,1,2\nb,¥1,2\n", r"prices\.csv:3: input is no price \(got '¥1'\)"),
        ("model,input,output\na,1,\n", r"prices\.csv:2: output is missing"),
        ("model,input,output\n,1,2\n", r"prices\.csv:2: model is missing"),
        ("model,input,output\na,-1,2\n", r"prices\.csv:2: input is no price"),
        ("model,input,output\na,nan,2\n", r"prices\.csv:2: input is no price"),
        ("model,input,output,per\na,1,2,7\n", r"prices\.csv:2: per is '7'"),
        ("model,input,output,currency\na,1,2,元\n", r"prices\.csv:2: currency is no currency"),
        ("model,input,output\na,1,2\na,1,2\n", r"prices\.csv:3: the model 'a' is listed twice"),
        ("model,input,ouput\na,1,2\n", r"unknown column 'ouput'\. Did you mean 'output'"),
        ("model,input,output\na,1,2,3\n", r"prices\.csv:2: there are more cells than columns"),
        ("model,input,output\n", "lists no price"),
    ],
)
def test_what_is_wrong_is_named_with_its_row(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as error:
        models(written(tmp_path, text))
    assert "prices.csv" in str(error.value)


@pytest.mark.parametrize("text", ["{", "3", '["a"]', '{"m": 3}'])
def test_json_of_another_shape_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match=r"list\.json"):
        models(written(tmp_path, text, "list.json"))
