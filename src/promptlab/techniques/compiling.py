"""What surrounds an optimizer while it looks for a prompt: where it keeps it, and whom it tells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from promptlab.models.limits import Rate


@dataclass(frozen=True)
class Compiling:
    """Where optimizers keep what they find, whom they tell, and who stops them.

    Without `reuse` what was kept before is found again.
    """

    folder: Path
    label: str
    tell: Callable[[str], None]
    stopped: Callable[[], bool]
    rates: Mapping[str, Rate]
    reuse: bool = True
