"""Whether what a run says of its optimized prompts follows from the artifacts and the searches' calls."""

from __future__ import annotations

import math
from collections import Counter

from promptlab.basics.errors import UsageError
from promptlab.optimizers.artifact import artifact_of
from promptlab.runs import RunDirectory
from promptlab.runs.artifacts import KeptPrompt, ended_as, kept_prompts


def check_searches(run: RunDirectory) -> None:
    """UsageError names the first difference between the manifest, an artifact and its calls.

    An artifact, or calls, that the run did not keep are not missed.
    """
    for each in kept_prompts(run):
        if each.artifact is not None:
            _check(each)


def _check(each: KeptPrompt) -> None:
    name = each.entry["variant"]
    artifact = artifact_of(dict(each.artifact or {}))
    for fact, value in ended_as(artifact).items():
        if each.entry[fact] != value:
            raise UsageError(f"the search of {name!r}: {fact} is {value!r}, the manifest says otherwise.")
    accepted = [row["score"] for row in artifact.history if row["accepted"]]
    if artifact.score is not None and artifact.score not in accepted:
        raise UsageError(f"the search of {name!r}: its dev score is none of its history's.")
    calls = list(each.calls())
    if not calls:
        return
    provenance = artifact.provenance
    if Counter(call["model"] for call in calls) != Counter(provenance["calls"]):
        raise UsageError(f"the search of {name!r}: its calls are not those that it counted.")
    costs = [call["cost_usd"] for call in calls if "reply" in call]
    stated = provenance["cost_usd"]
    total = None if None in costs else math.fsum(costs)
    if (total is None) != (stated is None) or (
        total is not None and not math.isclose(total, stated, abs_tol=1e-9)
    ):
        raise UsageError(f"the search of {name!r}: its calls cost {total}, the artifact says {stated}.")
