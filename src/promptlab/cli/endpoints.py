"""`models endpoints`: relays and servers by name, as the workbench keeps them."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import click


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def endpoints(context: click.Context, as_json: bool) -> None:
    """List the endpoints that were added here or in the workbench; add and remove one."""
    if context.invoked_subcommand is not None:
        return
    from promptlab.basics.home import find_home
    from promptlab.cli.rows import print_json, print_rows
    from promptlab.models.endpoints import load
    from promptlab.models.keys import find_key

    rows = [
        {
            "endpoint": each.name,
            "address": each.api_base,
            "key": (found.source if (found := find_key(each.key_env)) else f"{each.key_env}: not set")
            if each.key_env
            else "none",
            "models": len(each.models),
            "prices": len(each.prices),
        }
        for each in load(find_home())
    ]
    if as_json:
        print_json(rows)
    elif rows:
        print_rows(rows)
    else:
        click.echo("No endpoint was added. Add one: promptlab models endpoints add NAME --api-base URL")


@endpoints.command()
@click.argument("name")
@click.option("--api-base", required=True, metavar="URL", help="Where it is: https://HOST/v1")
@click.option("--key-env", default="", metavar="NAME", help="The variable that holds its key.")
@click.option(
    "--prices",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Its price list (csv or JSON), as for `models prices`.",
)
def add(name: str, api_base: str, key_env: str, prices: Path | None) -> None:
    """Add the endpoint NAME, or change it, and ask it for its models. Its key is not stored."""
    from promptlab.basics.errors import PromptlabError
    from promptlab.basics.home import open_home
    from promptlab.basics.loop import run_sync
    from promptlab.models.endpoints import Endpoint, keep, offered
    from promptlab.models.price_list import read_price_list

    listed = read_price_list(prices, date=time.strftime("%Y-%m-%d")) if prices else []
    endpoint = Endpoint(name, api_base, key_env, prices={each.model: each for each in listed})
    told = ""
    try:
        endpoint = replace(endpoint, models=tuple(each.id for each in run_sync(offered(endpoint))))
    except PromptlabError as error:
        told = f"; its list of models could not be fetched: {error}"
    keep(open_home(), endpoint)
    click.echo(f"{name}: {len(endpoint.models):,} models, {len(listed):,} prices{told}", err=True)


@endpoints.command()
@click.argument("name")
def remove(name: str) -> None:
    """Remove the endpoint NAME; its key stays where it is."""
    from promptlab.basics.home import find_home
    from promptlab.models.endpoints import remove as forget

    forget(find_home(), name)
    click.echo(f"{name} is removed", err=True)
