import pytest

from promptlab.analysis import Family, compare
from promptlab.analysis.items import disputed, flips, worst
from promptlab.analysis.pareto import pareto_fronts
from promptlab.basics.errors import UsageError
from promptlab.export.cost_line import cost_sentences

ALL = {"seed": 0, "status": "complete", "run": "r", "experiment": "e", "sent_calls": 0}
FAMILY = Family("s", None, ("s",))
NAMES = {"d": ["p", "q", "r", "t"]}


def test_flips_name_the_samples_each_way(cell) -> None:
    found = compare([cell("x", {"s": [1, 1, 0, 0]}), cell("y", {"s": [1, 0, 1, 1]})], FAMILY, **ALL)
    (flip,) = flips(found, "x", "y", NAMES)
    assert [each.sample for each in flip.a_better] == ["q"]
    assert [each.sample for each in flip.b_better] == ["r", "t"]
    assert flip.n == 4
    (turned,) = flips(found, "y", "x", NAMES)
    assert turned.a_better[0].sample == "r"


def test_models_flip_too_and_each_setting_stands_alone(cell) -> None:
    cells = [cell(v, {"s": [1, int(m == "m1"), 0, 0]}, model=m) for v in "xy" for m in ("m1", "m2")]
    found = compare(cells, FAMILY, **ALL)
    by_model = flips(found, "m1", "m2", NAMES)
    assert [(each.a.variant, len(each.a_better)) for each in by_model] == [("x", 1), ("y", 1)]


@pytest.mark.parametrize(("a", "b", "said"), [("x", "z", "named 'z'"), ("x", "x", "is one")])
def test_flips_of_what_is_not_there_are_refused(cell, a: str, b: str, said: str) -> None:
    found = compare([cell("x", {"s": [1]}), cell("y", {"s": [1]})], FAMILY, **ALL)
    with pytest.raises(UsageError, match=said):
        flips(found, a, b, NAMES)


def test_worst_are_wrong_everywhere_and_disputed_divide_the_cells(cell) -> None:
    cells = [
        cell("x", {"s": [1, 0, 0, 1]}),
        cell("y", {"s": [1, 0, 1, 1]}),
        cell("z", {"s": [1, 0, 0, 1]}, oracle=True),
    ]
    found = compare(cells, FAMILY, **ALL)
    assert [(each.sample, each.mean, each.cells) for each in worst(found, NAMES)] == [
        ("q", 0.0, 2),
        ("r", 0.5, 2),
    ]
    assert [(each.sample, each.spread) for each in disputed(found, NAMES)] == [("r", 0.5)]


def offers(cell, *points: tuple[str, float, float | None]):
    cells = [
        cell(name, {"s": [1.0] * round(share * 10) + [0.0] * round(10 - share * 10)}, cost_usd=usd)
        for name, share, usd in points
    ]
    return compare(cells, FAMILY, **ALL)


def test_the_pareto_front_has_no_cell_that_another_beats_for_less(cell) -> None:
    found = offers(cell, ("dear", 0.9, 0.05), ("cheap", 0.5, 0.01), ("bad", 0.4, 0.02), ("waste", 0.9, 0.06))
    (front,) = pareto_fronts(found)
    assert [each.name.variant for each in front.front] == ["cheap", "dear"]
    assert [each.name.variant for each in front.behind] == ["bad", "waste"]
    (said,) = cost_sentences(found)
    assert "cheap (0.50 at 1.00 USD) and dear (0.90 at 5.00 USD); 2 behind it" in said


def test_an_unknown_cost_is_unknown_and_never_free(cell) -> None:
    found = offers(cell, ("known", 0.5, 0.01), ("dark", 0.4, None), ("free", 0.1, 0.0))
    (front,) = pareto_fronts(found)
    assert [each.name.variant for each in front.front] == ["free", "known"]
    assert [each.name.variant for each in front.unknown] == ["dark"]
    assert front.to_json()["unknown"][0]["usd_per_1000_trials"] is None
    (said,) = cost_sentences(found)
    assert said.endswith("Cost unknown: dark.")
    (nothing,) = cost_sentences(offers(cell, ("x", 0.5, None), ("y", 0.6, None)))
    assert nothing == "Cost and s: the cost of every cell is unknown."


def test_equal_cells_are_both_on_the_front_and_equal_costs_need_no_sentence(cell) -> None:
    twins = offers(cell, ("x", 0.5, 0.01), ("y", 0.5, 0.01))
    assert len(pareto_fronts(twins)[0].front) == 2
    assert list(cost_sentences(twins)) == []
