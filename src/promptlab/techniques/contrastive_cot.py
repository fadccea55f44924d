"""Contrastive chain of thought: a right and a wrong explanation in every demo."""

from __future__ import annotations

import re
from typing import ClassVar

from promptlab.datasets.sample import Sample
from promptlab.datasets.task import Task
from promptlab.techniques.base import Fidelity, technique
from promptlab.techniques.chain_of_thought import ChainOfThought


@technique("contrastive_cot")
class ContrastiveCoT(ChainOfThought):
    """Chia et al. 2023 (arXiv 2311.09277). Demos with a right and a wrong rationale. One call, temperature 0.

    The wrong one has the numbers and quotations of the right one in another order (the paper's incoherent
    objects); a rationale with fewer than two is shown alone. Demos and settings are chain_of_thought's.
    Records the demos and where they are from. Limit: the wrong rationales are made by rule.
    """

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="a valid and an invalid rationale in each demo; the objects of the invalid one are shuffled",
        chat="demos as chat turns",
        rebuilt="objects are numbers and quotations, turned by one place; the wording of the labels",
    )
    example: ClassVar[str] = "{technique: contrastive_cot}"

    def demo_reply(self, demo: Sample, task: Task) -> str:
        right = super().demo_reply(demo, task)
        wrong = incoherent(demo.rationale or "")
        return f"{right}\nWrong explanation: {wrong}" if wrong else right


_OBJECT = re.compile(r'\d+(?:\.\d+)?|"[^"\n]{1,40}"')


def incoherent(rationale: str) -> str | None:
    """The rationale with its numbers and quotations turned by one place; None where that changes nothing."""
    found = _OBJECT.findall(rationale)
    turned = iter([*found[1:], *found[:1]])
    if len(set(found)) < 2:
        return None
    return _OBJECT.sub(lambda _: next(turned), rationale)
