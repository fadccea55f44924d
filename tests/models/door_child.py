"""A process of its own that sends requests: door_child.py HOME URL FIRST LAST [LIMITS as JSON].

Prints one JSON object: texts, sent calls, hits, and the error's type and text where there was one.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from door_parts import MODEL, Posting, request

from promptlab.basics.errors import PromptlabError
from promptlab.models.client import Client
from promptlab.models.limits import Limits

home, url, first, last, *more = sys.argv[1:]


async def main() -> dict[str, object]:
    from dataclasses import replace

    model = replace(MODEL, transport="posting", api_base=url)
    limits = Limits(**(json.loads(more[0]) if more else {}))
    size = json.loads(more[1]) if len(more) > 1 else 0
    client = Client.open(Path(home), experiment="e", transports={"posting": Posting()}, limits=limits)
    calls = [client.complete(request(f"{i}" + "x" * size, model=model)) for i in range(int(first), int(last))]
    done = await asyncio.gather(*calls, return_exceptions=True)
    await client.close()
    return {
        "texts": [each.text for each in done if not isinstance(each, BaseException)],
        "errors": sorted(
            {f"{type(each).__name__}: {each}" for each in done if isinstance(each, BaseException)}
        ),
        "sent": client.stats.sent_calls,
        "hits": client.stats.hits,
    }


try:
    print(json.dumps(asyncio.run(main())))
except PromptlabError as error:
    print(json.dumps({"texts": [], "errors": [f"{type(error).__name__}: {error}"], "sent": 0, "hits": 0}))
