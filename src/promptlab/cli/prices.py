"""`models prices`: a relay's price list for the experiment file."""

from __future__ import annotations

import time
from pathlib import Path

import click

from promptlab.basics.errors import UsageError


@click.command()
@click.argument("names", nargs=-1, metavar="[MODEL]...")
@click.option(
    "--from", "path", required=True, type=click.Path(path_type=Path), metavar="FILE", help="csv or JSON."
)
@click.option("--to", "target", type=click.Path(path_type=Path), metavar="FILE.yaml", help="Write it there.")
@click.option("--currency", default="USD", show_default=True, help="Where a row names none.")
@click.option(
    "--per", type=click.Choice(["1", "1000", "1000000"]), default="1000000", show_default=True, help="Tokens."
)
@click.option("--date", metavar="YYYY-MM-DD", help="Of which day the list is (default: today).")
def prices(
    names: tuple[str, ...], path: Path, target: Path | None, currency: str, per: str, date: str | None
) -> None:
    """Turn a price list into `price:` entries for the experiment file, of all models or of those named.

    csv with the columns model, input, output and, if wanted, cached_input, reasoning, request, currency, per,
    date, source; a JSON list of such objects; or litellm's own JSON.
    """
    from promptlab.basics.files import write_atomically
    from promptlab.basics.registry import did_you_mean
    from promptlab.models.price_list import as_yaml, read_price_list

    listed = read_price_list(path, currency=currency, per=int(per), date=date or time.strftime("%Y-%m-%d"))
    known = [each.model for each in listed]
    for name in names:
        if name not in known:
            raise UsageError(f"{path} lists no model {name!r}.", remedy=did_you_mean(name, known))
    chosen = [each for each in listed if not names or each.model in names]
    if target is None:
        click.echo(as_yaml(chosen), nl=False)
    elif target.exists():
        raise UsageError(f"{target} is already there.", remedy="Give another name; it is not overwritten.")
    else:
        try:
            write_atomically(target, as_yaml(chosen).encode())
        except OSError as error:
            raise UsageError(f"cannot write {target}: {error.strerror}.") from error
        click.echo(f"{target}: {len(chosen):,} prices", err=True)
    foreign = sorted({each.currency for each in chosen} - {"USD"})
    if foreign:
        rates = ", ".join(f"{each}: {{usd: …, date: …, source: …}}" for each in foreign)
        click.echo(f"For costs in USD add `limits: {{rates: {{{rates}}}}}`.", err=True)
