"""`match_tokens`: votes over the cheaper variants that cost as many tokens as the dearest variant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from promptlab.basics.hashing import canonical
from promptlab.experiment.variants import Variant
from promptlab.techniques import techniques

# More draws change a majority little (Wang et al. 2022, figure 2).
MOST_DRAWS = 40
_VOTING = "self_consistency"


def matched_variants(variants: Sequence[Variant], tokens: Mapping[str, float]) -> dict[str, Variant]:
    """By the name of a cheaper variant: self-consistency over it, `NAME ×k`, with k of at least 2.

    `tokens` is what a trial of each variant took on the average. The draws are at self-consistency's own
    temperature, also where the variant sets one: k equal draws would be no vote.
    """
    dearest = max(tokens.values(), default=0.0)
    found: dict[str, Variant] = {}
    asked = {canonical(variant.identity(variant.task)) for variant in variants}
    for variant in variants:
        cost = tokens.get(variant.name)
        draws = min(round(dearest / cost), MOST_DRAWS) if cost else 0
        if draws < 2 or variant.technique.registered_name == _VOTING:
            continue
        settings = {"inner": variant.technique, "samples": draws}
        voting = replace(
            variant,
            name=f"{variant.name} ×{draws}",
            technique=techniques.get(_VOTING).model_validate(settings),
            source=_VOTING,
            sampling={name: value for name, value in variant.sampling.items() if name != "temperature"},
        )
        # The file may ask that already; and variants that differ in their temperature only draw alike.
        identity = canonical(voting.identity(voting.task))
        if identity not in asked:
            found[variant.name] = voting
        asked.add(identity)
    return found
