"""A relay's price list as the experiment file's `price:`. Reads csv, JSON and litellm's own format."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from promptlab.basics.errors import UsageError
from promptlab.basics.registry import did_you_mean
from promptlab.models.request import Price

AMOUNTS = ("input", "output", "cached_input", "reasoning", "request")
COLUMNS = ("model", *AMOUNTS, "up_to_prompt_tokens", "currency", "per", "source", "date")
PER = (1, 1000, 1_000_000)

_CURRENCY = re.compile("[A-Za-z]{3}")
_LITELLM = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cached_input",
    "output_cost_per_reasoning_token": "reasoning",
}
_LITELLM_TIER = re.compile(r"input_cost_per_token_above_(\d+)k_tokens")


@dataclass(frozen=True, slots=True)
class ListedPrice:
    """One model's row as it was listed: `amounts` in `currency` per `per` tokens (`request`: per call)."""

    model: str
    amounts: Mapping[str, float]
    currency: str
    per: int
    source: str
    date: str
    up_to_prompt_tokens: int | None = None

    @classmethod
    def of(cls, model: str, price: Price) -> Self:
        """What an endpoint says itself, per million tokens as people read prices."""
        per = 1_000_000
        amounts = {
            name: round(value * per, 9)
            for name in ("input", "output", "cached_input", "reasoning")
            if (value := getattr(price, name)) is not None
        }
        if price.request:
            amounts["request"] = price.request
        return cls(model, amounts, price.currency, per, price.source, price.date, price.up_to_prompt_tokens)

    def price(self) -> Price:
        """The same per token, as costs are worked out."""
        per_token = {name: value / self.per for name, value in self.amounts.items() if name != "request"}
        return Price(
            input=per_token.get("input"),
            output=per_token.get("output"),
            cached_input=per_token.get("cached_input"),
            reasoning=per_token.get("reasoning"),
            request=self.amounts.get("request", 0.0),
            currency=self.currency,
            source=self.source,
            date=self.date,
            up_to_prompt_tokens=self.up_to_prompt_tokens,
        )

    def entry(self) -> dict[str, Any]:
        """The same under `price:` of an experiment file."""
        tier = self.up_to_prompt_tokens
        return {
            **self.amounts,
            **({"up_to_prompt_tokens": tier} if tier is not None else {}),
            "currency": self.currency,
            "per": self.per,
            **({"source": self.source} if self.source else {}),
            **({"date": self.date} if self.date else {}),
        }


def read_price_list(
    path: Path, *, currency: str = "USD", per: int = 1_000_000, date: str
) -> list[ListedPrice]:
    """The prices in a file, in its order. `currency`, `per` and `date` hold where a row has none of its own.

    csv (with a header) and JSON (a list of objects) have the columns `model`, `input`, `output`, and may have
    the rest of COLUMNS; a JSON object by model name with `input_cost_per_token` is litellm's format, of which
    entries without a price per token are left out. UsageError: what is wrong, with file and row.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}.") from error
    rows = list(_rows(path, text))
    found: dict[str, ListedPrice] = {}
    for place, row in rows:
        price = _Row(place, row).price(currency, per, path.name, date)
        if price.model in found:
            raise UsageError(f"{place}: the model {price.model!r} is listed twice.", remedy="Keep one row.")
        found[price.model] = price
    if not found:
        raise UsageError(f"{path} lists no price.", remedy=f"Columns: {', '.join(COLUMNS)}.")
    return list(found.values())


def as_yaml(prices: Iterable[ListedPrice]) -> str:
    """A `models:` list with one `price:` each, to be pasted into an experiment file."""
    lines = ["models:"]
    for each in prices:
        fields = [f"{name}: {_scalar(name, value)}" for name, value in each.entry().items()]
        lines += [f"  - id: {_text(each.model)}", f"    price: {{{', '.join(fields)}}}"]
    return "\n".join(lines) + "\n"


def _scalar(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value if name == "currency" else _text(value)
    text = f"{value:.15f}".rstrip("0").rstrip(".")
    return text if float(text) == value else repr(value)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)  # JSON's strings are YAML's


def _rows(path: Path, text: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(where, row) of every model."""
    if path.suffix.lower() == ".json":
        try:
            loaded = json.loads(text)
        except json.JSONDecodeError as error:
            raise UsageError(f"{path}:{error.lineno}: this is no JSON: {error.msg}.") from error
        if isinstance(loaded, dict):
            yield from _litellm_rows(path, loaded)
            return
        if not isinstance(loaded, list):
            raise UsageError(f"{path} holds neither a list of prices nor an object by model.")
        for number, row in enumerate(loaded, 1):
            if not isinstance(row, dict):
                raise UsageError(f"{path}: entry {number} is no object (got {row!r:.80}).")
            yield f"{path}: entry {number}", row
        return
    reader = csv.DictReader(io.StringIO(text), restkey="", skipinitialspace=True, strict=True)
    try:
        for row in reader:
            place = f"{path}:{reader.line_num}"
            if "" in row:
                raise UsageError(
                    f"{place}: there are more cells than columns.", remedy="Quote cells with commas."
                )
            yield place, row
    except csv.Error as error:
        raise UsageError(f"{path}:{reader.line_num}: {error}.") from error


def _litellm_rows(path: Path, loaded: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, entry in loaded.items():
        place = f"{path}: {name!r}"
        if not isinstance(entry, dict):
            raise UsageError(f"{place} is no object (got {entry!r:.80}).")
        # The file writes 0 also for what it does not know.
        if name == "sample_spec" or not all(entry.get(each) for each in list(_LITELLM)[:2]):
            continue
        row: dict[str, Any] = {ours: entry[theirs] for theirs, ours in _LITELLM.items() if entry.get(theirs)}
        row |= {"request": request} if (request := entry.get("input_cost_per_request")) else {}
        tiers = [int(match[1]) * 1000 for key in entry if (match := _LITELLM_TIER.fullmatch(key))]
        row |= {"up_to_prompt_tokens": min(tiers)} if tiers else {}
        yield place, {"model": name, **row, "currency": "USD", "per": 1}


class _Row:
    """One row, cell by cell; every error names the row and the column."""

    def __init__(self, place: str, row: Mapping[str, Any]) -> None:
        self._place = place
        self._row = {str(name).strip().lower(): value for name, value in row.items()}
        for name in self._row:
            if name not in COLUMNS:
                raise UsageError(f"{place}: unknown column {name!r}.", remedy=did_you_mean(name, COLUMNS))

    def price(self, currency: str, per: int, source: str, date: str) -> ListedPrice:
        amounts = {name: self._amount(name) for name in AMOUNTS}
        for name in ("input", "output"):
            if amounts[name] is None:
                raise self._error(name, "is missing", "A price that is not known is no row: leave it out.")
        up_to = self._amount("up_to_prompt_tokens")
        return ListedPrice(
            model=self._word("model", ""),
            amounts={name: value for name, value in amounts.items() if value is not None},
            currency=self._currency(currency),
            per=self._per(per),
            source=self._word("source", source),
            date=self._word("date", date),
            up_to_prompt_tokens=None if up_to is None else int(up_to),
        )

    def _cell(self, name: str) -> Any:
        value = self._row.get(name)
        value = value.strip() if isinstance(value, str) else value
        return None if value == "" else value

    def _amount(self, name: str) -> float | None:
        value = self._cell(name)
        if value is None:
            return None
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number) or number < 0:
            raise self._error(
                name, f"is no price (got {value!r})", "Write a number, without a currency sign."
            )
        return number

    def _word(self, name: str, default: str) -> str:
        value = self._cell(name)
        if value is None and default:
            return default
        if not isinstance(value, str):
            raise self._error(name, "is missing" if value is None else f"is no text (got {value!r})", "")
        return value

    def _currency(self, default: str) -> str:
        value = self._word("currency", default)
        if not _CURRENCY.fullmatch(value):
            raise self._error("currency", f"is no currency (got {value!r})", "Write USD, CNY, EUR, …")
        return value.upper()

    def _per(self, default: int) -> int:
        value = self._cell("per")
        per = default if value is None else self._amount("per")
        if per not in PER:
            raise self._error("per", f"is {value!r}", "Prices are per 1, 1000 or 1000000 tokens.")
        return int(per)

    def _error(self, name: str, what: str, remedy: str) -> UsageError:
        return UsageError(f"{self._place}: {name} {what}.", remedy=remedy)
