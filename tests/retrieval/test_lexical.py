"""BM25 and TF-IDF: the textbook scores, CJK without spaces, ties by position."""

from __future__ import annotations

import math

import pytest

from promptlab.retrieval import Bm25Index, Hit, TfidfIndex

TEXTS = ["the cat sat", "the dog sat on the mat", "a bird flew", "猫坐在垫子上", "狗在跑"]


def test_bm25_is_the_textbook_score() -> None:
    index = Bm25Index(["cat cat dog", "dog bird", "fish"])
    idf = math.log(1 + (3 - 1 + 0.5) / (1 + 0.5))
    expected = idf * 2 * 2.5 / (2 + 1.5 * (1 - 0.75 + 0.75 * 3 / 2))
    assert index.scores("cat") == pytest.approx([expected, 0, 0])
    assert index.scores("cat cat") == pytest.approx([2 * expected, 0, 0])


@pytest.mark.parametrize("kind", [Bm25Index, TfidfIndex])
def test_nearest_comes_first_in_english_and_chinese(kind: type[Bm25Index] | type[TfidfIndex]) -> None:
    index = kind(TEXTS)
    assert index.top("a cat sat down", 1)[0].position == 0
    assert index.top("垫子上的猫", 1)[0].position == 3
    assert index.top("the dog sat on the mat", 5)[0].position == 1


@pytest.mark.parametrize("kind", [Bm25Index, TfidfIndex])
def test_ties_go_to_the_lower_position(kind: type[Bm25Index] | type[TfidfIndex]) -> None:
    index = kind(["same", "other", "same", "same"])
    assert [hit.position for hit in index.top("same", 3)] == [0, 2, 3]
    assert index.top("unknown", 2) == [Hit(0, 0.0), Hit(1, 0.0)]
    assert kind([]).top("anything", 3) == []
    assert kind(["", ""]).top("", 1)[0].position == 0


def test_tfidf_is_a_cosine() -> None:
    index = TfidfIndex(TEXTS)
    for position, text in enumerate(TEXTS):
        scores = index.scores(text)
        assert scores[position] == pytest.approx(1)
        assert (scores <= 1 + 1e-9).all()
        assert (scores >= 0).all()
