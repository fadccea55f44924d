"""Scores that belong to whole cells: drawn with their samples, paired, and the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score

from promptlab.analysis import CellResult, CorpusTrials, Family, Verdict, compare
from promptlab.analysis.cell_scores import CorpusScores, corpus_difference, corpus_interval, corpus_scores
from promptlab.scoring.corpus import Classes

GENERATOR = np.random.default_rng(11)
TRUTH = GENERATOR.integers(0, 3, 200)
GOOD = np.where(GENERATOR.random(200) < 0.85, TRUTH, GENERATOR.integers(0, 3, 200))
POOR = np.where(GENERATOR.random(200) < 0.4, TRUTH, GENERATOR.integers(0, 3, 200))
F1 = Classes("f1")

Make = Callable[..., CellResult]


@pytest.fixture
def labelled(cell: Make) -> Make:
    """A cell whose scorer `f1` has a corpus score."""

    def make(
        variant: str, guesses: np.ndarray, truth: np.ndarray = TRUTH, *, corpus: Any = F1, **more: Any
    ) -> CellResult:
        made = cell(variant, {"f1": (guesses == truth).astype(float)}, **more)
        rows = np.stack((truth, guesses), axis=1).astype(float)
        return replace(made, corpus={"f1": CorpusTrials(rows, corpus, "recipe")})

    return make


def compared(*cells: CellResult, seed: int = 0, **family: Any) -> Any:
    given: dict[str, Any] = {"primary": "f1", "baseline": None, "scorers": ("f1",), **family}
    return compare(
        cells, Family(**given), seed=seed, status="complete", run="r", experiment="e", sent_calls=0
    )


def test_every_draw_is_the_score_of_the_samples_drawn(labelled: Make) -> None:
    scores = corpus_scores(labelled("a", GOOD), "f1")
    drawn = scores.drawn(7, 40)
    # Whatever was drawn: the same draws of each sample's own position give the samples.
    weights = CorpusScores(scores.samples, scores.samples, np.eye(200), None, _Times(0), scores.dataset)
    seen = np.stack([replace(weights, corpus=_Times(place), _drawn={}).drawn(7, 40) for place in range(200)])
    for draw in range(40):
        rows = np.repeat(np.arange(200), seen[:, draw].astype(int))
        assert len(rows) == 200
        assert drawn[draw] == pytest.approx(f1_score(TRUTH[rows], GOOD[rows], average="macro"))


class _Times:
    """How often one sample was drawn."""

    def __init__(self, place: int) -> None:
        self.place = place

    def expanded(self, rows: np.ndarray) -> np.ndarray:
        return rows

    def values(self, totals: np.ndarray) -> np.ndarray:
        return totals[:, self.place]


def test_the_table_holds_the_score_of_the_whole_cell_with_its_interval(labelled: Make) -> None:
    found = compared(labelled("a", GOOD), labelled("b", POOR))
    summary = found.cells[0].scores["f1"]
    assert summary.mean == pytest.approx(f1_score(TRUTH, GOOD, average="macro"))
    assert summary.interval.method == "bootstrap"
    assert summary.interval.low < summary.mean < summary.interval.high
    assert summary.to_json()["signature"] == "recipe"
    (pair,) = found.pairs
    assert pair.found.test == "bootstrap"
    assert pair.diff == pytest.approx(
        f1_score(TRUTH, POOR, average="macro") - f1_score(TRUTH, GOOD, average="macro")
    )
    assert pair.found.p == 1 / 2001
    assert pair.verdict is Verdict.LOSES
    assert 0 < pair.detectable < 0.3


def test_equal_cells_are_not_distinguishable_and_a_pair_does_not_depend_on_the_other_cells(
    labelled: Make,
) -> None:
    same = compared(labelled("a", GOOD), labelled("b", GOOD)).pairs[0]
    assert (same.diff, same.found.p, same.verdict) == (0, 1, Verdict.NOT_DISTINGUISHABLE)
    assert same.found.low < 0 < same.found.high
    alone = compared(labelled("a", GOOD), labelled("b", POOR)).pairs[0].found
    among = compared(labelled("a", GOOD), labelled("b", POOR), labelled("c", TRUTH)).pairs[0].found
    assert alone == among


def test_the_seed_decides_every_digit(labelled: Make) -> None:
    def bounds(seed: int) -> Any:
        return compared(labelled("a", GOOD), labelled("b", POOR), seed=seed).to_json()

    assert bounds(1) == bounds(1)
    assert bounds(1) != bounds(2)


def test_groups_are_drawn_whole_and_the_interval_is_wider(labelled: Make) -> None:
    # All samples of a group are right or wrong together.
    guesses = np.where(np.repeat(GENERATOR.random(20) < 0.7, 10), TRUTH, (TRUTH + 1) % 3)
    alone = corpus_interval(corpus_scores(labelled("a", guesses), "f1"), 1)
    grouped = corpus_interval(
        corpus_scores(labelled("a", guesses, groups=np.repeat(np.arange(20), 10)), "f1"), 1
    )
    assert grouped.high - grouped.low > 2 * (alone.high - alone.low)
    assert (grouped.groups, grouped.cautions) == (20, ("fewer than 30 groups",))


def test_a_pair_is_drawn_alike_where_one_cell_lacks_samples_and_its_groups_are_numbered_otherwise(
    labelled: Make,
) -> None:
    groups = np.repeat(np.arange(40), 5)
    whole = labelled("a", GOOD, groups=groups)
    kept = np.arange(200) >= 23
    part = labelled(
        "b", GOOD[kept], TRUTH[kept], groups=40 - groups[kept], samples=list(np.arange(200)[kept])
    )
    found, dropped = corpus_difference([corpus_scores(whole, "f1")], [corpus_scores(part, "f1")], 3)
    assert dropped == 23
    assert (found.n, found.diff, found.p) == (177, 0, 1)  # the same answers: every draw differs by nothing


def test_repeats_are_averaged_so_that_every_sample_weighs_one(labelled: Make) -> None:
    truth = np.array([0, 0, 1, 1, 2])
    guesses = np.array([0, 0, 1, 2, 2])
    once = corpus_scores(labelled("a", guesses, truth), "f1")
    thrice = labelled("a", np.repeat(guesses, 3), np.repeat(truth, 3), repeats=3)
    assert corpus_scores(thrice, "f1").value == pytest.approx(once.value)
    # A sample that lost two of its repeats weighs as much as any other.
    lost = np.ones(15, dtype=bool)
    lost[10:12] = False
    uneven = replace(
        thrice,
        samples=thrice.samples[lost],
        corpus={"f1": CorpusTrials(thrice.corpus["f1"].rows[lost], F1)},
    )
    assert corpus_scores(uneven, "f1").value == pytest.approx(once.value)
    summary = compared(thrice).cells[0].scores["f1"]
    assert summary.repeats == pytest.approx((once.value,) * 3)


def test_no_interval_has_zero_width_and_few_samples_show_little(labelled: Make) -> None:
    truth = np.array([0, 1, 0, 1])
    right, wrong = labelled("a", truth, truth), labelled("b", 1 - truth, truth)
    interval = corpus_interval(corpus_scores(right, "f1"), 0)
    assert (interval.mean, interval.method) == (1, "wilson")
    assert interval.low < 1
    found, _ = corpus_difference([corpus_scores(right, "f1")], [corpus_scores(wrong, "f1")], 0)
    assert found.diff == 1
    assert found.low < found.high
    assert found.p == 2**-3  # exchanging the answers to four samples can show no more


def test_over_several_data_sets_the_score_is_the_mean_of_theirs_by_samples(labelled: Make) -> None:
    half = TRUTH[:50], GOOD[:50]
    found = compared(
        labelled("a", GOOD, dataset="x"),
        labelled("a", half[1], half[0], dataset="y"),
        labelled("b", POOR, dataset="x"),
        labelled("b", POOR[:50], half[0], dataset="y"),
    )
    over = next(pair for pair in found.pairs if pair.a.dataset is None)
    alone = {pair.a.dataset: pair.diff for pair in found.pairs}
    assert over.found.n == 250
    assert over.diff == pytest.approx(0.8 * alone["x"] + 0.2 * alone["y"])
