"""A command's own client: over the home's cache and the experiment's ledger."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from promptlab.models import Client, Limits


def open_client(
    home: Path,
    experiment: str,
    limits: Limits,
    *,
    seed: int,
    tell: Callable[[str], None],
    use_cache: bool = True,
    max_age_s: float | None = None,
    fresh: bool = False,
) -> Client:
    """For the running loop; who opens it closes it. `fresh` begins a new ledger. Raises as `Client.open`."""
    from promptlab.models.client import CacheMode, Client
    from promptlab.models.transports import make_transport

    return Client.open(
        home,
        experiment=experiment,
        transports=lambda name: make_transport(name, progress=tell),
        limits=limits,
        mode=CacheMode(read=use_cache, max_age_s=max_age_s),
        fresh=fresh,
        seed=seed,
    )
