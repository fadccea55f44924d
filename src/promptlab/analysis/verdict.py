"""The verdict on one pair, in plain words."""

from __future__ import annotations

from promptlab.analysis import words
from promptlab.analysis.cells import CellResult
from promptlab.analysis.comparison import Comparison, Pair, Verdict
from promptlab.analysis.families import CellName
from promptlab.analysis.power import POWER

_POWER = f"{POWER:.0%}".replace("%", " %") + " power"


class Speaker:
    """Says what a comparison's pairs show, naming only what a reader of this comparison must be told."""

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison
        cells = [cell.result for cell in comparison.cells]
        self._cells = cells
        self.many_models = len({cell.model for cell in cells}) > 1
        self.many_datasets = len({cell.dataset for cell in cells}) > 1
        self._oracles = {cell.variant for cell in cells if cell.oracle}
        # The third decimal of BLEU is the first that anybody prints.
        recipes = any(score.recipe for cell in comparison.cells for score in cell.scores.values())
        samples = max((pair.found.n for pair in comparison.pairs if pair.found), default=0)
        self.digits = words.decimals(words.FINE_SAMPLES if recipes else samples)

    def variant(self, name: str) -> str:
        return f"{name} (oracle)" if name in self._oracles else name

    def sides(self, pair: Pair) -> tuple[str, str]:
        """What tells a from b: the variants, or for the same variant the models."""
        if pair.a.variant != pair.b.variant:
            return self.variant(pair.a.variant), self.variant(pair.b.variant)
        return pair.a.model, pair.b.model

    def where(self, pair: Pair) -> str:
        """The model and data set that both share, where there are several; what was drawn once."""
        parts = []
        if pair.a.variant == pair.b.variant:
            parts.append(f" with {self.variant(pair.a.variant)}")
        elif self.many_models:
            parts.append(f" with {pair.a.model}")
        if pair.a.dataset is None:
            parts.append(" over all data sets")
        elif self.many_datasets:
            parts.append(f" on {pair.a.dataset}")
        if once := self.drawn_once(pair):
            parts.append(f" with this {words.listed(once)}")
        return "".join(parts)

    def drawn_once(self, pair: Pair) -> list[str]:
        """What all trials of either side share by one draw: "demo set"."""
        cells = self._cells_of(pair.a) + self._cells_of(pair.b)
        return sorted({cell.drawn_once for cell in cells if cell.drawn_once})

    def verdict(self, pair: Pair) -> str:
        """One sentence: who beats whom and by how much, or why nobody does."""
        a, b = self.sides(pair)
        match pair.verdict:
            case Verdict.BEATS:
                return f"{a} beats {b}{self.where(pair)}: {self.difference(pair)}, {self.p(pair)}."
            case Verdict.LOSES:
                return (
                    f"{b} beats {a}{self.where(pair)}: {self.difference(pair, turned=True)}, {self.p(pair)}."
                )
            case Verdict.NOT_DISTINGUISHABLE:
                return (
                    f"{a} and {b} are not distinguishable{self.where(pair)}: "
                    f"{self.difference(pair)}, {self.p(pair)}; {self.reach([pair])}."
                )
            case Verdict.UNFINISHED:
                done = f"{words.count(pair.planned - pair.pending)} of {words.count(pair.planned)}"
                return f"No verdict yet on {a} against {b}{self.where(pair)}: {done} trials are finished."
            case Verdict.NO_DATA:
                return f"No verdict on {a} against {b}{self.where(pair)}: no sample has a score in both."
            case Verdict.ERRORS:
                return (
                    f"No winner between {a} and {b}{self.where(pair)}: {words.count(pair.missing_a)} against "
                    f"{words.count(pair.missing_b)} trials ended without a score, "
                    f"a larger share than the difference ({self.signed(pair)} {pair.scorer})."
                )
            case Verdict.NOT_TESTED:
                return f"{a} against {b}{self.where(pair)}: {self.difference(pair)}; outside the family."

    def difference(self, pair: Pair, *, turned: bool = False) -> str:
        """`exact_match 0.90 against 0.30, +0.60 [0.44, 0.72]`, a before b, or b before a."""
        found = pair.found
        if found is None:
            return f"{pair.scorer} has no difference"
        one, other = (found.mean_b, found.mean_a) if turned else (found.mean_a, found.mean_b)
        return (
            f"{pair.scorer} {words.number(one, self.digits)} against {words.number(other, self.digits)}, "
            f"{self.signed(pair, turned=turned)} {self.bounds(pair, turned=turned)}".rstrip()
        )

    def signed(self, pair: Pair, *, turned: bool = False) -> str:
        diff = pair.diff
        return words.signed(-diff if diff is not None and turned else diff, self.digits)

    def bounds(self, pair: Pair, *, turned: bool = False) -> str:
        found = pair.found
        if found is None or found.low is None or found.high is None:
            return ""
        low, high = (-found.high, -found.low) if turned else (found.low, found.high)
        return words.bounds(low, high, self.digits)

    def p(self, pair: Pair) -> str:
        """p after the correction; where the correction decides, also p alone."""
        size = self.comparison.family_sizes.get(pair.scorer, 1)
        if size < 2 or pair.found is None:
            return words.p_words(pair.p_adjusted)
        alone = ""
        if pair.found.p < 0.05 and pair.p_adjusted is not None and pair.p_adjusted >= 0.05:
            alone = f" ({words.p_value(pair.found.p)} alone)"
        return f"{words.p_words(pair.p_adjusted)} after Holm over {size}{alone}"

    def reach(self, pairs: list[Pair]) -> str:
        """The smallest difference that these pairs find at 80 % power, and what `min_effect` would take."""
        n = min(pair.found.n for pair in pairs if pair.found)
        limits = [pair.detectable for pair in pairs]
        known = [limit for limit in limits if limit is not None]
        if not known or len(known) < len(limits):
            return f"{words.count(n)} samples are too few to find any difference ({_POWER})"
        limit = words.number(max(known), self.digits)
        text = f"{words.count(n)} samples are enough to find a difference of {limit} ({_POWER})"
        effect = self.comparison.family.min_effect
        needed = max((pair.needed or 0) for pair in pairs)
        if max(known) > effect:
            text += f", {effect:g} would take about {words.count(_rounded(needed))}"
        return text

    def format_and_ability(self, strict: Pair, extracted: Pair) -> str | None:
        """Both differences and what they say together; None where extraction changes nothing to speak of."""
        meaning = meaning_of(strict, extracted, self.digits)
        if meaning is None:
            return None
        a, b = self.sides(strict)
        return (
            f"{a} against {b}{self.where(strict)}: {self.signed(strict)} {strict.scorer}; "
            f"{self.signed(extracted)} {self.bounds(extracted)} once the answer is extracted"
            + (f": {meaning}." if meaning else ".")
        )

    def _cells_of(self, name: CellName) -> list[CellResult]:
        return [
            cell
            for cell in self._cells
            if (cell.variant, cell.model) == (name.variant, name.model)
            and name.dataset in (None, cell.dataset)
        ]


def meaning_of(strict: Pair, extracted: Pair, digits: int) -> str | None:
    """What both differences say together, "" where nothing can be said; None: extraction changes nothing."""
    if strict.found is None or extracted.found is None:
        return None
    if Verdict.UNFINISHED in (strict.verdict, extracted.verdict) or strict.pending:
        return None
    s, e = strict.found.diff, extracted.found.diff
    if words.number(s, digits) == words.number(e, digits):
        return None
    return _meaning(s, e, _clear(strict), _clear(extracted))


def _clear(pair: Pair) -> bool:
    """The interval excludes zero."""
    found = pair.found
    return (
        found is not None and found.low is not None and found.high is not None and found.low * found.high > 0
    )


def _meaning(strict: float, extracted: float, strict_clear: bool, extracted_clear: bool) -> str:
    if extracted_clear and strict * extracted < 0:
        better = "better, their format worse" if extracted > 0 else "worse, their format better"
        return f"the answers are {better}"
    if extracted_clear and abs(extracted) < abs(strict):
        return "format explains the rest"
    if extracted_clear:
        return "format hides part of it"
    if strict_clear:
        return "format explains it, and no difference in ability could be shown"
    return ""


def _rounded(needed: int) -> int:
    """Two leading digits: a plan is no more exact than that."""
    step = int(10 ** max(0, len(str(needed)) - 2))
    return -(-needed // step) * step
