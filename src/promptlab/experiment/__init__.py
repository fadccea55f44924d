"""The experiment file: typed, checked, unfolded into trials."""

from promptlab.experiment.loading import Loaded, load_spec, load_text
from promptlab.experiment.matrix import Unfolded
from promptlab.experiment.plan import Cell, Plan, Trial
from promptlab.experiment.planning import make_plan, plan_of
from promptlab.experiment.scoring import Scoring
from promptlab.experiment.spec import ExperimentSpec
from promptlab.experiment.variants import Variant

__all__ = [
    "Cell",
    "ExperimentSpec",
    "Loaded",
    "Plan",
    "Scoring",
    "Trial",
    "Unfolded",
    "Variant",
    "load_spec",
    "load_text",
    "make_plan",
    "plan_of",
]
