"""Corpus scores over labels equal scikit-learn's."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from promptlab.scoring.classification import classification

LABELS = ("a", "b", "c")
PAIRS = st.lists(
    st.tuples(st.sampled_from(LABELS), st.sampled_from((*LABELS, None))), min_size=1, max_size=60
)


@pytest.mark.filterwarnings("ignore:A single label was found")
@given(PAIRS)
def test_scores_equal_scikit_learn(pairs: list[tuple[str, str | None]]) -> None:
    truth, predicted = [true for true, _ in pairs], [guess for _, guess in pairs]
    found = classification(truth, predicted, LABELS)
    guessed = [guess or "(none)" for guess in predicted]
    for average, ours in (("macro", found.macro), ("weighted", found.weighted), ("micro", found.micro)):
        expected = metrics.precision_recall_fscore_support(
            truth, guessed, labels=list(LABELS), average=average, zero_division=0
        )
        assert (ours.precision, ours.recall, ours.f1) == pytest.approx(expected[:3])
    single = metrics.precision_recall_fscore_support(truth, guessed, labels=list(LABELS), zero_division=0)
    for index, ours in enumerate(found.by_label):
        assert (ours.precision, ours.recall, ours.f1) == pytest.approx([part[index] for part in single[:3]])
    assert found.accuracy == pytest.approx(metrics.accuracy_score(truth, guessed))
    assert found.mcc == pytest.approx(metrics.matthews_corrcoef(truth, guessed))
    matrix = metrics.confusion_matrix(truth, guessed, labels=[*LABELS, "(none)"])
    assert [list(row) for row in found.confusion] == matrix[:3].tolist()
    assert found.support == tuple(matrix[:3].sum(axis=1))


def test_failed_answers_lower_recall_and_no_precision() -> None:
    found = classification(["a", "a", "b"], ["a", None, "b"])
    assert (found.by_label[0].precision, found.by_label[0].recall) == (1.0, 0.5)
    assert math.isclose(found.accuracy, 2 / 3)


def test_labels_that_are_not_offered_are_refused() -> None:
    with pytest.raises(ValueError, match="z"):
        classification(["a"], ["z"], ["a", "b"])
    with pytest.raises(ValueError, match="at least one"):
        classification([], [])
