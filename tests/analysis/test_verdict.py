import numpy as np
import pytest

from promptlab.analysis import Family, compare

ALL = {"seed": 0, "status": "complete", "run": "r1", "experiment": "e", "sent_calls": 0}
BOTH = {"scorers": ("exact_match", "extracted"), "strict": "exact_match", "extracted": "extracted"}


def ones(share: float, n: int = 60, *, first: bool = True) -> list[float]:
    scores = [1.0] * round(share * n) + [0.0] * (n - round(share * n))
    return scores if first else scores[::-1]


def test_a_winner_is_said_with_both_means_the_difference_and_p(cell) -> None:
    cells = [cell("zero_shot", {"s": ones(0.3)}), cell("few_shot", {"s": ones(0.9)})]
    found = compare(cells, Family("s", "zero_shot", ("s",)), **ALL)
    low, high = found.pairs[0].found.low, found.pairs[0].found.high
    assert found.sentences == (
        f"few_shot beats zero_shot: s 0.90 against 0.30, +0.60 [{low:.2f}, {high:.2f}], p < 0.001.",
    )
    assert found.headline[0] == found.sentences[0]


def test_a_loser_is_said_from_the_winners_side(cell) -> None:
    cells = [cell("zero_shot", {"s": ones(0.9)}), cell("few_shot", {"s": ones(0.3)})]
    said = compare(cells, Family("s", "zero_shot", ("s",)), **ALL).sentences[0]
    assert said.startswith("zero_shot beats few_shot: s 0.90 against 0.30, +0.60 [0.")


def test_no_difference_found_says_what_could_have_been_found(cell) -> None:
    cells = [cell("a", {"s": ones(0.5)}), cell("b", {"s": [0.0, 1.0] * 30})]
    said = compare(cells, Family(None, None, ("s",)), **ALL).sentences[0]
    assert said.startswith("b and a are not distinguishable: s 0.50 against 0.50, 0.00 [-0.")
    assert (
        "60 samples are enough to find a difference of 0.25 (80 % power), 0.05 would take about 1,600."
        in said
    )


def test_a_difference_lost_to_the_correction_shows_both_p(cell) -> None:
    cells = [cell("base", {"s": ones(0.5)})]
    cells += [cell(f"v{i}", {"s": ones(0.6)}) for i in range(4)]
    said = compare(cells, Family("s", "base", ("s",)), **ALL).sentences[0]
    assert "not distinguishable" in said
    assert "p = 0.063 after Holm over 4 (0.016 alone)" in said


def format_sentence(cell, base: tuple[float, float], other: tuple[float, float], n: int = 100) -> str:
    cells = [
        cell(name, {"exact_match": ones(strict, n), "extracted": ones(extracted, n)})
        for name, (strict, extracted) in (("zero_shot", base), ("few_shot", other))
    ]
    said = compare(cells, Family("exact_match", "zero_shot", **BOTH), **ALL).headline
    return next((sentence for sentence in said if "once the answer is extracted" in sentence), "")


@pytest.mark.parametrize(
    ("base", "other", "meaning"),
    [
        ((0.3, 0.6), (0.9, 0.83), ": format explains the rest."),
        ((0.3, 0.8), (0.8, 0.82), ": format explains it, and no difference in ability could be shown."),
        ((0.5, 0.6), (0.6, 0.9), ": format hides part of it."),
        ((0.6, 0.6), (0.4, 0.9), ": the answers are better, their format worse."),
        ((0.50, 0.6), (0.52, 0.61), "once the answer is extracted."),
    ],
)
def test_format_and_ability_are_told_apart(cell, base, other, meaning) -> None:
    said = format_sentence(cell, base, other)
    assert said.endswith(meaning)
    assert f"{other[0] - base[0]:+.2f} exact_match; {other[1] - base[1]:+.2f} [" in said


def test_where_extraction_changes_nothing_format_is_not_spoken_of(cell) -> None:
    assert format_sentence(cell, (0.3, 0.3), (0.9, 0.9)) == ""


def test_a_headline_has_at_most_three_sentences(cell) -> None:
    generator = np.random.default_rng(0)
    cells = [
        cell(
            f"v{i}",
            {"exact_match": strict, "extracted": np.maximum(strict, generator.random(80) < 0.4)},
            model=m,
        )
        for m in ("m1", "m2")
        for i in range(5)
        for strict in [(generator.random(80) < 0.2 + 0.12 * i).astype(float)]
    ]
    for baseline in (None, "v0", "v2"):
        said = compare(cells, Family("exact_match", baseline, **BOTH), **ALL).headline
        assert 1 <= len(said) <= 3
        assert all(sentence.endswith(".") for sentence in said)


def test_nothing_beats_the_baseline(cell) -> None:
    cells = [cell(name, {"s": scores}) for name, scores in (
        ("base", ones(0.5)), ("x", ones(0.52)), ("y", ones(0.5, first=False)))]  # fmt: skip
    said = compare(cells, Family("s", "base", ("s",)), **ALL).headline
    assert said[0].startswith("Nothing beats base. x and base are not distinguishable")


def test_the_best_of_several_beats_every_other(cell) -> None:
    cells = [cell("a", {"s": ones(0.2)}), cell("b", {"s": ones(0.9)}), cell("c", {"s": ones(0.4)})]
    said = compare(cells, Family(None, None, ("s",)), **ALL).headline[0]
    assert said.startswith("b beats all 2 other variants. b beats c: s 0.90 against 0.40, +0.50")


def test_the_highest_is_not_called_best_where_it_is_not_distinguishable(cell) -> None:
    cells = [cell("a", {"s": ones(0.2)}), cell("b", {"s": ones(0.9)}), cell("c", {"s": ones(0.88)})]
    said = compare(cells, Family(None, None, ("s",)), **ALL).headline
    assert said[0].startswith(
        "No single best: b scores highest in s and beats a, but is not distinguishable from c"
    )


def test_one_winner_with_all_models_is_said_once(cell) -> None:
    cells = [
        cell(v, {"s": ones(share)}, model=m)
        for m in ("m1", "m2", "m3")
        for v, share in (("zero_shot", 0.3), ("few_shot", 0.8))
    ]
    said = compare(cells, Family("s", "zero_shot", ("s",)), **ALL).headline[0]
    assert said.startswith("few_shot beats zero_shot with all 3 models: s +0.50 [0.")
    assert said.count("with m") == 3


def test_models_that_differ_are_told_apart(cell) -> None:
    cells = [
        cell(v, {"s": ones(share)}, model=m)
        for m, shares in (("m1", (0.3, 0.8)), ("m2", (0.5, 0.5)))
        for v, share in zip(("zero_shot", "few_shot"), shares, strict=True)
    ]
    said = compare(cells, Family("s", "zero_shot", ("s",)), **ALL).headline[0]
    assert said.startswith("s: with m1 zero_shot is beaten by few_shot (by +0.50 [")
    assert said.endswith("with m2 nothing beats zero_shot.")


def test_a_lone_variant_compares_its_models(cell) -> None:
    cells = [cell("v", {"s": ones(share)}, model=m) for m, share in (("small", 0.3), ("large", 0.8))]
    assert (
        compare(cells, Family(None, None, ("s",)), **ALL)
        .headline[0]
        .startswith("large beats small with v: s 0.80")
    )


def test_a_lone_cell_is_compared_with_nothing(cell) -> None:
    said = compare([cell("v", {"s": ones(0.5)})], Family(None, None, ("s",)), **ALL).headline
    assert said == ("v scores 0.50 [0.38, 0.62] s; there is nothing to compare it with.",)


def test_an_oracle_is_named_and_never_the_winner(cell) -> None:
    cells = [
        cell("a", {"s": ones(0.2)}),
        cell("b", {"s": ones(0.7)}),
        cell("knows", {"s": ones(1.0)}, oracle=True),
    ]
    found = compare(cells, Family(None, None, ("s",)), **ALL)
    assert found.headline[0].startswith("b beats a")
    assert any("knows (oracle) beats a" in sentence for sentence in found.sentences)


def test_what_was_drawn_once_is_said(cell) -> None:
    cells = [cell("a", {"s": ones(0.2)}), cell("b", {"s": ones(0.9)}, drawn_once="demo set")]
    assert "b beats a with this demo set: " in compare(cells, Family(None, None, ("s",)), **ALL).sentences[0]


def test_the_price_of_the_winner_is_said(cell) -> None:
    cells = [cell("a", {"s": ones(0.2)}, tokens=130), cell("b", {"s": ones(0.9)}, tokens=415)]
    said = compare(cells, Family(None, None, ("s",)), **ALL).headline
    assert said[-1] == "b takes 3.2 times the tokens of a (415 against 130 per trial)."


def test_errors_that_forbid_a_winner_are_said(cell) -> None:
    cells = [cell("a", {"s": [1.0, 0.0] * 55}, errors=90), cell("b", {"s": [1.0, 1.0, 1.0, 0.0] * 50})]
    said = compare(cells, Family(None, None, ("s",)), **ALL).headline[0]
    assert said.startswith("No winner between b and a: 0 against 90 trials ended without a score")


def test_no_experiment_at_all_says_nothing() -> None:
    assert compare([], Family(None, None, ()), **ALL).headline == ()
