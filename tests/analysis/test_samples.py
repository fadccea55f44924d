import numpy as np
import pytest

from promptlab.analysis.samples import mean_answered, paired, pooled, repeat_means, sample_scores


def test_repeats_are_averaged_before_anything_else(cell) -> None:
    found = sample_scores(cell("v", {"s": [1, 0, 1, 1, 0, 0]}, repeats=2), "s")
    assert found.values.tolist() == [0.5, 1.0, 0.0]
    assert not found.binary


def test_a_trial_without_a_score_is_missing_not_zero(cell) -> None:
    found = sample_scores(cell("v", {"s": [1, np.nan, np.nan, np.nan]}, repeats=2), "s")
    assert found.samples.tolist() == [0]
    assert found.values.tolist() == [1.0]


def test_order_of_trials_changes_nothing(cell) -> None:
    given = cell("v", {"s": [0.1, 0.2, 0.3]}, samples=[2, 0, 1], groups=[5, 6, 7])
    found = sample_scores(given, "s")
    assert found.values.tolist() == [0.2, 0.3, 0.1]
    assert found.groups is not None
    assert found.groups.tolist() == [6, 7, 5]


def test_failures_count_in_the_mean_and_not_in_the_second_column(cell) -> None:
    given = cell("v", {"s": [0, 0, 1, 1, 0]}, unparsed=2)
    assert sample_scores(given, "s").values.mean() == pytest.approx(0.4)
    assert mean_answered(given, "s") == pytest.approx(2 / 3)
    assert mean_answered(cell("v", {"s": [0, 0]}, unparsed=2), "s") is None


def test_the_spread_of_repeats_is_kept(cell) -> None:
    assert repeat_means(cell("v", {"s": [1, 0, 1, 0, 1, 1]}, repeats=2), "s").tolist() == [1.0, 1 / 3]


def test_pairs_share_samples_and_count_the_dropped(cell) -> None:
    a = sample_scores(cell("a", {"s": [1, 1, 0]}, samples=[0, 1, 2]), "s")
    b = sample_scores(cell("b", {"s": [0, 1, 1, 1]}, samples=[5, 2, 1, 7]), "s")
    found = paired(a, b)
    assert (found.a.tolist(), found.b.tolist(), found.dropped) == ([1.0, 0.0], [1.0, 1.0], 3)


def test_groups_of_two_data_sets_stay_apart(cell) -> None:
    one = sample_scores(cell("a", {"s": [1, 1, 0]}, groups=[0, 0, 1]), "s")
    other = sample_scores(cell("a", {"s": [1, 0]}), "s")
    found = pooled([paired(one, one), paired(other, other)])
    assert found.groups is not None
    assert len(np.unique(found.groups)) == 4
    assert pooled([paired(other, other)] * 2).groups is None


def test_a_scorer_that_never_ran_has_no_samples(cell) -> None:
    assert len(sample_scores(cell("v", {"s": [1]}), "other")) == 0
    assert len(sample_scores(cell("v", {}), "s")) == 0
