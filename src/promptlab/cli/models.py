"""`models`: what can be used here, and fetching the embedded ones."""

from __future__ import annotations

import click


@click.group(invoke_without_command=True)
@click.pass_context
def models(ctx: click.Context) -> None:
    """List local models and providers: what can be used here, and what is missing."""
    if ctx.invoked_subcommand is not None:
        return
    from promptlab.cli.rows import print_rows
    from promptlab.models.keys import KEY_VARIABLES, find_key
    from promptlab.models.providers import PROVIDERS
    from promptlab.models.weights import BUILT_IN, stored_path

    print_rows(
        [
            {
                "local model": f"local/{name}",
                "here": "yes" if stored_path(weights).is_file() else f"promptlab models pull {name}",
                "size": f"{weights.size_bytes / 1e6:.0f} MB",
                "languages": weights.languages,
                "licence": weights.licence,
            }
            for name, weights in sorted(BUILT_IN.items())
        ]
    )
    print_rows(
        [
            {
                "provider": f"{name}/…",
                "key": "no key needed"
                if provider.local_server
                else next(
                    (f"{variable} is set" for variable in KEY_VARIABLES.get(name, ()) if find_key(variable)),
                    f"set {KEY_VARIABLES[name][0]}" if KEY_VARIABLES.get(name) else "its own credentials",
                ),
                "address": provider.api_base,
            }
            for name, provider in sorted(PROVIDERS.items())
            if provider.transport == "openai_chat" and name == provider.name and provider.api_base
        ]
    )
    click.echo(
        "Every other provider of litellm works by its litellm id; any OpenAI-compatible relay by api_base."
    )


@models.command()
@click.argument("name")
def pull(name: str) -> None:
    """Fetch the weights of a built-in local model, checked by size and SHA-256."""
    from promptlab.models.weights import pull as fetch

    path = fetch(name.removeprefix("local/"), lambda message: click.echo(message, err=True))
    click.echo(path)
