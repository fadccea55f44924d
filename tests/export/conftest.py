"""The cells of the analysis tests, and the readers of this folder."""

import importlib.util
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

_SPEC = importlib.util.spec_from_file_location(
    "analysis_cells", Path(__file__).parents[1] / "analysis" / "conftest.py"
)
assert _SPEC is not None
assert _SPEC.loader is not None
_analysis = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_analysis)

cell = _analysis.cell
