"""The experiments that `promptlab init` writes: a ready one, or a draft for a data file."""

from promptlab.experiment.starter.draft import Draft, SplitSizes
from promptlab.experiment.starter.drafting import STARTER, draft_text, starter_text, write_starter_data

__all__ = ["STARTER", "Draft", "SplitSizes", "draft_text", "starter_text", "write_starter_data"]
