"""DSPy's KNNFewShot: for every question demos from the train rows that are nearest to it."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from promptlab.optimizers.dspy.engine import load_dspy

_DIMENSIONS = 2048
_GRAM = 3


def nearest_demos(program: Any, kept: Mapping[str, Any], metric: Callable[..., Any] | None) -> Any:
    """The program as KNNFewShot makes it: at each call the `k` nearest rows of `kept["train"]` are run by
    it, and those that `metric` finds right become its demos."""
    dspy = load_dspy()
    rows = [
        dspy.Example(question=each["question"], answer=each["answer"]).with_inputs("question")
        for each in kept["train"]
    ]
    made = dspy.KNNFewShot(
        k=kept["k"],
        trainset=rows,
        vectorizer=dspy.Embedder(vectors),
        metric=metric,
        max_bootstrapped_demos=kept["bootstrapped_demos"],
        max_labeled_demos=kept["labeled_demos"],
        max_errors=10**9,
    )
    return made.compile(program)


def vectors(texts: Sequence[str]) -> Any:
    """One unit vector a text: how often each group of three characters stands in it. No model is asked."""
    import numpy as np

    found = np.zeros((len(texts), _DIMENSIONS), dtype=np.float32)
    for row, text in enumerate(texts):
        spelled = f"  {' '.join(text.casefold().split())} "
        for at in range(len(spelled) - _GRAM + 1):
            found[row, zlib.crc32(spelled[at : at + _GRAM].encode()) % _DIMENSIONS] += 1
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    return found / np.where(lengths == 0, 1, lengths)
