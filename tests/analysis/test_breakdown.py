"""A breakdown is the same statistics on parts of the samples, and changes nothing of the family."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from promptlab.analysis import CellResult, Comparison, Family, compare
from promptlab.analysis.breakdown import MAX_VALUES, MIN_PAIRED
from promptlab.analysis.comparison import Verdict

FAMILY = Family(primary=None, baseline=None, scorers=("acc",))
Make = Callable[..., CellResult]


def compared(cells: Sequence[CellResult], breakdown: Sequence[str] = ("level",)) -> Comparison:
    return compare(
        cells, FAMILY, seed=0, status="complete", run="r", experiment="e", sent_calls=0, breakdown=breakdown
    )


def with_levels(cell: CellResult, levels: Sequence[str | None], field: str = "level") -> CellResult:
    return replace(cell, fields={field: np.array(levels, dtype=object)})


def two(cell: Make, levels: Sequence[str | None], **more: object) -> list[CellResult]:
    n = len(levels)
    a = [float(i % 3 > 0) for i in range(n)]
    b = [float(i % 4 > 1) for i in range(n)]
    return [with_levels(cell(name, {"acc": scores}, **more), levels) for name, scores in (("b", b), ("a", a))]


def test_a_part_has_the_numbers_of_a_comparison_of_its_samples_alone(cell: Make) -> None:
    levels = ["easy", "hard", "hard"] * 20
    cells = two(cell, levels)
    whole = compared(cells)
    (found,) = whole.breakdowns
    for level in ("easy", "hard"):
        here = [index for index, each in enumerate(levels) if each == level]
        alone = compared(
            [cell(each.variant, {"acc": each.scores["acc"][here].tolist()}, samples=here) for each in cells],
            (),
        )
        parts = [part for part in found.parts if part.value == level]
        assert [part.scores["acc"].interval for part in parts] == [
            each.scores["acc"].interval for each in alone.cells
        ]
        assert [part.n for part in parts] == [len(here)] * 2
        (pair,) = [each for each in found.pairs if each.value == level]
        assert pair.pair.found == alone.pairs[0].found
        assert pair.n == len(here)


def test_a_breakdown_changes_no_number_of_the_comparison(cell: Make) -> None:
    cells = two(cell, ["x", "y"] * 30)
    plain, broken = compared(cells, ()).to_json(), compared(cells).to_json()
    assert broken.pop("breakdown")
    assert broken == plain


def test_its_differences_are_exploratory(cell: Make) -> None:
    (found,) = compared(two(cell, ["x", "y"] * 30)).breakdowns
    assert found.to_json()["exploratory"] is True
    for each in found.pairs:
        assert each.pair.verdict is Verdict.NOT_TESTED
        assert each.to_json()["p_adjusted"] is None
        assert each.to_json()["p"] is not None


def test_too_few_shared_samples_give_no_difference(cell: Make) -> None:
    levels = ["rare"] * (MIN_PAIRED - 1) + ["often"] * MIN_PAIRED
    (found,) = compared(two(cell, levels)).breakdowns
    by_value = {each.value: each for each in found.pairs}
    assert by_value["rare"].pair.found is None
    assert by_value["rare"].to_json()["n"] == MIN_PAIRED - 1
    assert by_value["often"].pair.found is not None


def test_values_stand_in_the_order_of_numbers_or_letters_and_none_comes_last(cell: Make) -> None:
    (found,) = compared(two(cell, ["10", "9", None] * 12)).breakdowns
    assert list(dict.fromkeys(part.value for part in found.parts)) == ["9", "10", None]
    (found,) = compared(two(cell, ["b", "A", "10"] * 12)).breakdowns
    assert list(dict.fromkeys(part.value for part in found.parts)) == ["10", "A", "b"]


def test_a_field_that_is_an_id_is_left_out_and_that_is_said(cell: Make) -> None:
    shown = compared(two(cell, [str(number) for number in range(MAX_VALUES + 1)]))
    assert not shown.breakdowns[0].parts
    assert shown.notes == (
        f"breakdown by level left out: it has {MAX_VALUES + 1} values, at most {MAX_VALUES} are shown",
    )


def test_several_data_sets_are_broken_down_each_and_together(cell: Make) -> None:
    levels = ["x", "y"] * 15
    cells = [*two(cell, levels, dataset="one"), *two(cell, levels, dataset="two")]
    cells += [cell(each, {"acc": [1.0, 0.0] * 15}, dataset="plain") for each in ("b", "a")]
    (found,) = compared(cells).breakdowns
    assert {part.cell.dataset for part in found.parts} == {"one", "two"}
    sizes = {(each.pair.a.dataset, each.value): each.n for each in found.pairs}
    assert sizes == {
        (dataset, value): n for dataset, n in (("one", 15), ("two", 15), (None, 30)) for value in "xy"
    }


def test_repeats_are_averaged_per_sample_first(cell: Make) -> None:
    one = with_levels(cell("a", {"acc": [1.0, 0.0] * 12}, repeats=2), ["x"] * 24)
    (found,) = compared([one]).breakdowns
    assert found.parts[0].n == 24
    interval = found.parts[0].scores["acc"].interval
    assert interval is not None
    assert (interval.n, interval.mean) == (12, 0.5)


def test_a_filter_shows_less_of_it(cell: Make) -> None:
    shown = compared(two(cell, ["x", "y"] * 30)).filtered(variants=["a"])
    assert {part.cell.variant for part in shown.breakdowns[0].parts} == {"a"}
    assert shown.breakdowns[0].pairs == ()
