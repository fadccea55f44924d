"""`models`: what can be used here, what is known of a model, fetching and trying one."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from promptlab.cli.endpoints import endpoints
from promptlab.cli.name_or_command import NameOrCommand
from promptlab.cli.prices import prices

if TYPE_CHECKING:
    from promptlab.models.request import Model, Price

LINE_CHARS = 80
_PER = 1e6  # prices are shown per million tokens
_MB = 1e6
PRICE = "USD per 1M in / out"


@click.group(cls=NameOrCommand)
def models() -> None:
    """Show what can be used here, or what is known of one model: `promptlab models NAME`."""


_json = click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
_api_base = click.option("--api-base", metavar="URL", help="Ask this endpoint.")
_key_env = click.option("--key-env", metavar="NAME", help="The variable that holds its key.")


@models.command("list")
@_api_base
@_key_env
@_json
def list_models(api_base: str | None, key_env: str | None, as_json: bool) -> None:
    """Local models, servers on this machine, providers by key; or what the endpoint --api-base offers."""
    from promptlab.basics.loop import run_sync
    from promptlab.cli.rows import print_json, print_rows
    from promptlab.models import usable

    if api_base:
        offers = run_sync(usable.offers(api_base, key_env))
        if as_json:
            print_json(offers)
        elif not offers:
            click.echo("The endpoint offers no models.", err=True)
        else:
            print_rows(
                [
                    {"model": each.id, "context": _count(each.context_tokens), PRICE: _figures(each.price)}
                    for each in offers
                ]
            )
        return
    servers, accounts = run_sync(usable.servers()), usable.accounts()
    if as_json:
        print_json({"local": _local_rows(), "servers": servers, "providers": accounts})
        return
    print_rows(
        [
            {
                "local model": each["id"],
                "here": "yes" if each["here"] else "not yet",
                "size": f"{each['size_bytes'] / _MB:.0f} MB",
                "languages": each["languages"],
            }
            for each in _local_rows()
        ]
    )
    click.echo("Fetch one: promptlab models pull NAME. Any GGUF file: local/path/to/model.gguf\n")
    running = [each for each in servers if not each.trouble]
    if running:
        print_rows(
            [
                {"server": f"{each.provider}/…", "models": ", ".join(each.models), "address": each.address}
                for each in running
            ]
        )
        click.echo()
    _echo_wrapped(
        "No answer from",
        [f"{each.provider} ({each.address}: {each.trouble})" for each in servers if each.trouble],
    )
    ready = [each for each in accounts if each.key_source]
    if ready:
        print_rows(
            [
                {"provider": f"{each.provider}/…", "key": each.key_source, "address": each.address}
                for each in ready
            ]
        )
        click.echo()
    _echo_wrapped(
        "No key is set for",
        [
            f"{each.provider} ({each.variables[0]})"
            for each in accounts
            if each.variables and each not in ready
        ],
    )
    _echo_wrapped("With credentials of their own", [each.provider for each in accounts if not each.variables])
    click.echo("Any other OpenAI-compatible endpoint: promptlab models list --api-base URL")


@models.command()
@click.argument("name")
@_api_base
@_key_env
@_json
def show(name: str, api_base: str | None, key_env: str | None, as_json: bool) -> None:
    """What is known of one model NAME (PROVIDER/MODEL), or of a provider's models. Calls nothing."""
    from promptlab.cli.described import described_model
    from promptlab.cli.rows import print_json, print_rows
    from promptlab.models.facts import known_models
    from promptlab.models.pricing import list_price
    from promptlab.models.providers import PROVIDERS

    if name in PROVIDERS and not api_base:
        known = known_models(PROVIDERS[name].name)
        rows: list[dict[str, Any]] = [
            {
                "model": id,
                "context": _count(each.context_tokens),
                PRICE: _figures(list_price(id)),
                "abilities": ", ".join(each.abilities),
            }
            for id, each in known.items()
        ]
        if as_json:
            print_json(rows)
        elif rows:
            print_rows(rows)
        else:
            click.echo(f"The price file lists no models of {name}: see its own list.", err=True)
        return
    described = described_model(name, api_base, key_env, commands=list(models.commands))
    if as_json:
        print_json(described)
        return
    shown = {**described, "context": _count(described["context"]), "price": _price(described["price"])}
    shown["abilities"] = ", ".join(described["abilities"])
    for label, value in shown.items():
        if value:
            click.echo(f"{label:<11} {value}")


@models.command()
@click.argument("name")
def pull(name: str) -> None:
    """Fetch the weights of a built-in local model, checked by size and SHA-256."""
    from promptlab.models.weights import pull as fetch

    path = fetch(name.removeprefix("local/"), lambda message: click.echo(message, err=True))
    click.echo(path)


models.add_command(prices)
models.add_command(endpoints)


@models.command()
@click.argument("names", nargs=-1, metavar="[ID|EXP.yaml]...")
@_api_base
@_key_env
@click.option(
    "--timeout", "timeout_s", type=click.FloatRange(min=0.1), default=60.0, show_default=True, metavar="S"
)
@_json
def test(
    names: tuple[str, ...], api_base: str | None, key_env: str | None, timeout_s: float, as_json: bool
) -> int:
    """Send one tiny request to each model, past the cache. Without names: to what runs on this machine.

    Exit code 3 if any of them failed.
    """
    from promptlab.basics.errors import ExitCode, UsageError
    from promptlab.basics.loop import run_sync
    from promptlab.cli.rows import print_json, print_rows
    from promptlab.models.probe import probe

    chosen = _chosen(names, api_base, key_env) if names else _running_here()
    if not chosen:
        raise UsageError(
            "no model runs on this machine.", remedy="Name one: promptlab models test PROVIDER/MODEL"
        )
    results = run_sync(probe(chosen, timeout_s, lambda message: click.echo(message, err=True)))
    if as_json:
        print_json(results)
    else:
        answered = [each for each in results if each.ok]
        print_rows(
            [
                {
                    "model": each.model,
                    "latency": f"{each.latency_s:.2f} s",
                    "tokens": f"{_count(each.prompt_tokens)} + {_count(each.completion_tokens)}",
                    "reply": each.reply,
                }
                for each in answered
            ]
        )
        for each in results:
            if not each.ok:
                click.echo(f"failed: {each.error}")
    return ExitCode.DONE if all(each.ok for each in results) else ExitCode.TRIAL_ERRORS


def _chosen(names: Sequence[str], api_base: str | None, key_env: str | None) -> list[Model]:
    from promptlab.experiment import load_spec
    from promptlab.experiment.models import resolve_models
    from promptlab.models import resolve

    chosen: list[Model] = []
    for name in names:
        if name.endswith((".yaml", ".yml")) and not name.startswith("scripted/"):
            chosen += resolve_models(load_spec(Path(name)))
        else:
            chosen.append(resolve(name, api_base=api_base, key_env=key_env))
    return chosen


def _running_here() -> list[Model]:
    from promptlab.basics.loop import run_sync
    from promptlab.models import resolve, usable

    here = [each["id"] for each in _local_rows() if each["here"]]
    here += [f"{each.provider}/{each.models[0]}" for each in run_sync(usable.servers()) if each.models]
    return [resolve(id) for id in here]


def _local_rows() -> list[dict[str, Any]]:
    from promptlab.models.weights import BUILT_IN, stored_path

    return [
        {
            "id": f"local/{name}",
            "here": stored_path(weights).is_file(),
            "path": str(stored_path(weights)),
            "size_bytes": weights.size_bytes,
            "languages": weights.languages,
            "licence": weights.licence,
        }
        for name, weights in sorted(BUILT_IN.items())
    ]


def _price(price: Price | None) -> str:
    if price is None:
        return "unknown"
    if not price.input and not price.output:
        return f"free ({price.source})"
    return f"{_figures(price)} {price.currency} per 1M tokens in / out"


def _figures(price: Price | None) -> str:
    if price is None:
        return "unknown"
    return " / ".join(
        "unknown" if each is None else f"{each * _PER:g}" for each in (price.input, price.output)
    )


def _count(number: int | None) -> str:
    return "unknown" if number is None else f"{number:,}"


def _echo_wrapped(start: str, names: Sequence[str]) -> None:
    if names:
        text = f"{start}: {', '.join(each.replace(' ', chr(160)) for each in names)}"
        click.echo(
            "\n".join(textwrap.wrap(text, LINE_CHARS, subsequent_indent="  ")).replace(chr(160), " ") + "\n"
        )
