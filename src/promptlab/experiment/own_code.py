"""Code of its own that an experiment file names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from promptlab.experiment.yaml_lines import Path_

_OWN_CODE = re.compile(r"\S+\.py:\w+")


def own_code(value: Any, path: Path_ = ()) -> Iterator[tuple[Path_, str]]:
    """Where a file's value names Python code of its own, or lets models' programs run unconfined.

    To be asked before the file is loaded further: planning imports what it names.
    """
    if isinstance(value, dict):
        for key, each in value.items():
            yield from own_code(each, (*path, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from own_code(each, (*path, index))
    elif isinstance(value, str) and _OWN_CODE.fullmatch(value.strip()):
        yield path, value
    elif value is True and path == ("allow_unsafe_code",):
        yield path, "true"
