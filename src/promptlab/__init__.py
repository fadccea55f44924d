"""promptlab: which prompt is better, and how sure is that?

import promptlab

experiment = promptlab.load("experiments/quickstart.yaml")
experiment.run()
print(experiment.to_frame())
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promptlab.basics.version import VERSION

__version__ = VERSION
__all__ = ["Experiment", "__version__", "load"]

if TYPE_CHECKING:
    from promptlab.api import Experiment, load


def __getattr__(name: str) -> Any:
    # Importing promptlab stays light: the rooms are imported when something is asked of them.
    if name in ("Experiment", "load"):
        from promptlab import api

        return getattr(api, name)
    raise AttributeError(f"module 'promptlab' has no attribute {name!r}")
