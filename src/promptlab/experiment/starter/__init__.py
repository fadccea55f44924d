"""The experiments that `promptlab init` writes: a ready one, or a draft for a data file."""

from promptlab.experiment.starter.draft import Draft, SplitSizes

__all__ = ["Draft", "SplitSizes"]
