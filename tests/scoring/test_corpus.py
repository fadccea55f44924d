"""Scores of whole cells, made of counts that add up, equal scikit-learn's and sacrebleu's on any draw."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from promptlab.datasets.task import AnswerType
from promptlab.scoring import Answered, AnswerForm, Gold, Scorer, scorers
from promptlab.scoring.corpus import Classes
from promptlab.scoring.translation import Sacrebleu, script_of

LABELS = ("a", "b", "c", "d")
FORM = AnswerForm(AnswerType.LABEL, LABELS)
PAIRS = st.lists(
    st.tuples(st.sampled_from(LABELS), st.sampled_from((*LABELS, None))), min_size=1, max_size=40
)


def build(name: str, **given: Any) -> Scorer:
    return scorers.get(name).model_validate(given)


def rows_of(scorer: Scorer, pairs: list[tuple[str, str | None]]) -> np.ndarray:
    return np.array(
        [
            scorer.statistics(Answered("", guess, None if guess else "unparsed"), Gold((true,), FORM))
            for true, guess in pairs
        ]
    )


def cell_score(scorer: Scorer, rows: np.ndarray, times: np.ndarray) -> float:
    corpus = scorer.corpus()
    assert corpus is not None
    return float(corpus.values(times[None, :].astype(float) @ corpus.expanded(rows))[0])


@pytest.mark.filterwarnings("ignore:A single label was found", "ignore:.*classes not in y_true")
@given(PAIRS, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_scores_over_any_draw_of_samples_equal_scikit_learn(
    pairs: list[tuple[str, str | None]], rng: random.Random
) -> None:
    times = np.array([rng.randrange(3) for _ in pairs])
    times[0] += 1
    drawn = [pair for pair, count in zip(pairs, times, strict=True) for _ in range(count)]
    truth, guesses = [true for true, _ in drawn], [guess or "(none)" for _, guess in drawn]
    occurring = sorted({*truth, *guesses} - {"(none)"})
    for number, name in enumerate(("precision", "recall", "f1")):
        for average in ("macro", "micro", "weighted"):
            scorer = build(name, average=average)
            expected = metrics.precision_recall_fscore_support(
                truth, guesses, labels=occurring, average=average, zero_division=0
            )[number]
            assert cell_score(scorer, rows_of(scorer, pairs), times) == pytest.approx(expected)
        alone = build(name, label="b")
        expected = metrics.precision_recall_fscore_support(truth, guesses, labels=["b"], zero_division=0)
        assert cell_score(alone, rows_of(alone, pairs), times) == pytest.approx(expected[number][0])
    mcc = build("mcc")
    found = cell_score(mcc, rows_of(mcc, pairs), times)
    assert found == pytest.approx(metrics.matthews_corrcoef(truth, guesses), abs=1e-9)


def test_of_several_accepted_labels_the_one_that_was_given_is_the_true_one() -> None:
    gold = Gold(("a", "b"), FORM)
    assert build("f1").statistics(Answered("", "b"), gold) == (1, 1)
    assert build("f1").statistics(Answered("", "c"), gold) == (0, 2)
    assert build("f1").statistics(Answered("", None, "refused"), gold) == (0, -1)
    assert build("f1").statistics(Answered("", "a"), Gold(("strange",), FORM)) is None


def test_a_label_that_nobody_met_and_nobody_gave_counts_in_no_average() -> None:
    assert Classes("f1").values(Classes("f1").expanded(np.array([[3.0, 3.0]])))[0] == 1.0
    assert (
        Classes("recall", only=1).values(Classes("recall", only=1).expanded(np.array([[0.0, 0.0]])))[0] == 0
    )


WORDS = ["the", "cat", "sat", "on", "a", "mat", ".", "it's", "3.5", "rain", "&quot;", "—", "IN", "Spain"]
TEXT = st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join)
CHINESE = st.text(alphabet="我今天去北京旅游了。，abc 12", max_size=16)


@pytest.mark.parametrize("name", ["bleu", "chrf", "ter"])
@pytest.mark.parametrize("script", ["", "zh", "ja"])
@given(st.data())
@settings(max_examples=30, deadline=None)
def test_scores_over_any_draw_of_texts_equal_sacrebleu(name: str, script: str, data: st.DataObject) -> None:
    text = CHINESE if script else TEXT
    samples = data.draw(
        st.lists(st.tuples(text, text.filter(str.strip), text.filter(str.strip)), min_size=1, max_size=8)
    )
    times = np.array([data.draw(st.integers(0, 2)) for _ in samples])
    times[0] += 1
    scorer = build(name)
    rows = np.array(
        [
            scorer.statistics(Answered(candidate, candidate), Gold(targets, FORM, script=script))
            for candidate, *listed in samples
            for targets in [tuple(listed)]
        ]
    )
    drawn = [sample for sample, count in zip(samples, times, strict=True) for _ in range(count)]
    candidates = [candidate.strip() for candidate, *_ in drawn]
    streams = [[first for _, first, _ in drawn], [second for _, _, second in drawn]]
    wide = {"normalized": True, "asian_support": True} if script else {}
    expected = {
        "bleu": lambda: (
            sacrebleu.corpus_bleu(
                candidates, streams, tokenize={"zh": "zh", "ja": "char", "": "13a"}[script]
            ).score
        ),
        "chrf": lambda: sacrebleu.corpus_chrf(candidates, streams).score,
        "ter": lambda: 100 - sacrebleu.corpus_ter(candidates, streams, **wide).score,
    }[name]()
    assert 100 * cell_score(scorer, rows, times) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", ["bleu", "chrf", "ter"])
def test_the_signature_is_the_one_that_sacrebleu_prints(name: str) -> None:
    scorer = build(name)
    assert isinstance(scorer, Sacrebleu)
    metric = {"bleu": sacrebleu.BLEU(), "chrf": sacrebleu.CHRF(), "ter": sacrebleu.TER()}[name]
    metric.corpus_score(["a b"], [["a c"]])
    assert scorer.signature("", 1) == str(metric.get_signature())
    assert "nrefs:var" in scorer.signature("", None)
    assert "tok:zh" in build("bleu").signature("zh", 1)  # type: ignore[attr-defined]


def test_a_failed_answer_counts_as_an_empty_text_and_lowers_the_score() -> None:
    bleu = build("bleu")
    gold = Gold(("the cat sat on the mat",), FORM, script="")
    good = bleu.statistics(Answered("the cat sat on the mat", None), gold)
    failed = bleu.statistics(Answered("the cat sat on the mat", None, "truncated"), gold)
    assert good is not None
    assert failed is not None
    assert failed[:2] == (0, 6)
    assert cell_score(bleu, np.array([good, failed]), np.array([1, 1])) < 0.4 < 1


@pytest.mark.parametrize(
    ("targets", "script"),
    [
        (["The cat.", "A dog."], ""),
        (["我今天去北京。", "42", "天气很好"], "zh"),
        (["東京都", "私は猫です", "大阪"], "ja"),
        (["He said 你好 to me.", "Nothing more.", "And again nothing."], ""),
        ([], ""),
    ],
)
def test_the_script_is_that_of_most_targets(targets: list[str], script: str) -> None:
    assert script_of([text] for text in targets) == script
