"""A machine whose wall clock is set anew at every look, or is off: for processes with this on their path.

`WALL_CLOCK` is so many seconds ahead (negative: behind), or "restless": a day ahead, right, a day behind, …
"""

import itertools
import os
import time

_true = time.time
_DAY_S = 86_400.0

if os.environ["WALL_CLOCK"] == "restless":
    _offsets = itertools.cycle((_DAY_S, 0.0, -_DAY_S))
    time.time = lambda: _true() + next(_offsets)
else:
    time.time = lambda: _true() + float(os.environ["WALL_CLOCK"])
