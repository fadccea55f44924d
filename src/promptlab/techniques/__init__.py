"""How it is asked: prompt programs, one file each. The contract is in `base`."""

from promptlab.techniques.base import Answer, Calls, Technique, technique, techniques
from promptlab.techniques.cell import CellContext
from promptlab.techniques.context import TrialContext

__all__ = ["Answer", "Calls", "CellContext", "Technique", "TrialContext", "technique", "techniques"]
