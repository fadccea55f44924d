"""The three sentences that matter: who won, format or ability, what was not told apart or what it cost."""

from __future__ import annotations

from collections.abc import Sequence

from promptlab.analysis import words
from promptlab.analysis.bouts import Bout, Bouts
from promptlab.analysis.comparison import CellSummary, Comparison, Verdict
from promptlab.analysis.families import CellName
from promptlab.analysis.verdict import Speaker

MOST_SENTENCES = 3
_NOTABLE_RATIO = 1.1  # costs closer than this are the same for a reader
_NOTABLE_SILENCE = 0.25  # more of the trials without an answer than the winner's


def headline(comparison: Comparison) -> tuple[str, ...]:
    """At most three sentences on the primary scorer."""
    return _Headline(comparison).sentences()


class _Headline:
    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison
        self.speaker = Speaker(comparison)
        self.scorer = comparison.primary
        self.bouts = Bouts(comparison, self.speaker)
        self.rings, self.baseline = self.bouts.rings, self.bouts.baseline

    def sentences(self) -> tuple[str, ...]:
        bouts = [bout for ring in self.rings for bout in self.bouts.within(ring)]
        if not bouts:
            return self._alone()
        if all(bout.pair.verdict is Verdict.UNFINISHED for bout in bouts):
            return (self._unfinished(),)
        focus = self._focus()
        outcome = self._outcome()
        others = [bout for bout in bouts if bout.pair is not focus.pair]
        nature = self._format([focus]) or self._answering(focus) or self._format(others)
        said = [outcome, nature, self._limits(bouts, focus, outcome), self._price(focus)]
        return tuple(sentence for sentence in said if sentence)[:MOST_SENTENCES]

    def _alone(self) -> tuple[str, ...]:
        said = []
        for cell in self.comparison.cells:
            score = cell.scores.get(self.scorer)
            if score and score.interval and not cell.result.oracle:
                found = score.interval
                interval = words.bounds(found.low, found.high, self.speaker.digits)
                said.append(
                    f"{cell.name.variant} scores {words.number(found.mean, self.speaker.digits)} {interval} "
                    f"{self.scorer}; there is nothing to compare it with."
                )
        return tuple(said[:1])

    def _unfinished(self) -> str:
        planned = sum(cell.result.planned for cell in self.comparison.cells)
        pending = sum(cell.result.pending for cell in self.comparison.cells)
        done = f"{words.count(planned - pending)} of {words.count(planned)}"
        return f"No verdict yet: {done} trials are finished, and the comparison waits for all of them."

    # Who won

    def _outcome(self) -> str:
        if len(self.rings) > 1:
            return self._outcome_of_many()
        ring = self.rings[0]
        return self._against_baseline(ring) if self.baseline else self._best_of(ring)

    def _against_baseline(self, ring: Sequence[CellName]) -> str:
        bouts = self.bouts.against_baseline(ring)
        winners = [bout for bout in bouts if bout.won]
        if not winners:
            open_bout = next((bout for bout in bouts if bout.undecided), None)
            verdict = self.speaker.verdict((open_bout or bouts[0]).pair)
            return verdict if open_bout or len(bouts) == 1 else f"Nothing beats {self.baseline}. {verdict}"
        text = self.speaker.verdict(winners[0].pair)
        if others := winners[1:]:
            named = [f"{self.bouts.name(bout)} ({self.speaker.signed(bout.pair)})" for bout in others]
            text += f" So {'does' if len(others) == 1 else 'do'} {words.listed(named)}."
        return text

    def _best_of(self, ring: Sequence[CellName]) -> str:
        top = self.bouts.ranked(ring)[0]
        bouts = self.bouts.against(top, ring)
        nearest = bouts[0]
        if len(bouts) == 1:
            return self.speaker.verdict(nearest.pair)
        name = self.bouts.label(top)
        others = "variants" if self.bouts.by_variant else "models"
        if all(bout.won for bout in bouts):
            return f"{name} beats all {len(bouts)} other {others}. {self.speaker.verdict(nearest.pair)}"
        open_bout = next((bout for bout in bouts if bout.undecided), None)
        if open_bout:
            return self.speaker.verdict(open_bout.pair)
        beaten = [self.bouts.name(bout, other=True) for bout in bouts if bout.won]
        equal = [
            f"{self.bouts.name(bout, other=True)} ({self._gain(bout)})" for bout in bouts if not bout.won
        ]
        text = f"No single best: {name} scores highest in {self.scorer}"
        if beaten:
            text += f" and beats {words.listed(beaten)}"
        return f"{text}, but is not distinguishable from {words.listed(equal)}."

    def _outcome_of_many(self) -> str:
        """Several models (or several variants, each over models): one clause each."""
        over = " over all data sets" if self.rings[0][0].dataset is None else ""
        if everywhere := self._same_winner_everywhere():
            return f"{everywhere[0]}{over}: {self.scorer} {everywhere[1]}."
        clauses = []
        for ring in self.rings:
            shared = ring[0].model if self.bouts.by_variant else self.speaker.variant(ring[0].variant)
            clauses.append(f"with {shared} {self._clause(ring)}")
        text = "; ".join(clauses[:4]) + (f"; and {len(clauses) - 4} more" if len(clauses) > 4 else "")
        return f"{self.scorer}{over}: {text}."

    def _same_winner_everywhere(self) -> tuple[str, str] | None:
        """One winner that beats the same opponents in every ring: who, and by how much in each."""
        best: list[tuple[str, str, str]] = []
        for ring in self.rings:
            if self.baseline:
                bouts = [bout for bout in self.bouts.against_baseline(ring) if bout.won]
                if len(bouts) != 1:
                    return None
                whom = self.baseline
            else:
                bouts = self.bouts.against(self.bouts.ranked(ring)[0], ring)
                if not bouts or not all(bout.won for bout in bouts):
                    return None
                whom = self.bouts.name(bouts[0], other=True) if len(bouts) == 1 else "every other"
            shared = ring[0].model if self.bouts.by_variant else self.speaker.variant(ring[0].variant)
            best.append((self.bouts.name(bouts[0]), whom, f"{self._gain(bouts[0])} with {shared}"))
        if len({(who, whom) for who, whom, _ in best}) != 1:
            return None
        kind = "models" if self.bouts.by_variant else "variants"
        who, whom, _ = best[0]
        every = f"both {kind}" if len(best) == 2 else f"all {len(best)} {kind}"
        return f"{who} beats {whom} with {every}", words.listed([gain for _, _, gain in best])

    def _clause(self, ring: Sequence[CellName]) -> str:
        if self.baseline:
            bouts = self.bouts.against_baseline(ring)
            winners = [bout for bout in bouts if bout.won]
            if winners:
                gains = [f"{self.bouts.name(bout)} (by {self._gain(bout)})" for bout in winners]
                return f"{self.baseline} is beaten by {words.listed(gains)}"
            if any(bout.undecided for bout in bouts):
                return "there is no verdict yet"
            return f"nothing beats {self.baseline}"
        top = self.bouts.ranked(ring)[0]
        bouts = self.bouts.against(top, ring)
        if all(bout.won for bout in bouts):
            nearest = bouts[0]
            whom = self.bouts.name(nearest, other=True) if len(bouts) == 1 else "every other"
            return f"{self.bouts.label(top)} beats {whom} (by {self._gain(nearest)})"
        if any(bout.undecided for bout in bouts):
            return "there is no verdict yet"
        names = [
            self.bouts.label(top),
            *(self.bouts.name(bout, other=True) for bout in bouts if not bout.won),
        ]
        return f"{words.listed(names)} are not distinguishable"

    def _gain(self, bout: Bout) -> str:
        speaker = self.speaker
        return (
            f"{speaker.signed(bout.pair, turned=bout.turned)} {speaker.bounds(bout.pair, turned=bout.turned)}"
        )

    # Format or ability, limits, price

    def _focus(self) -> Bout:
        """The bout the other sentences speak about: the clearest one of the first ring that has a winner."""
        for ring in self.rings:
            won = [bout for bout in self.bouts.leading(ring) if bout.won]
            if won:
                return max(won, key=lambda bout: bout.diff) if self.baseline else won[0]
        return self.bouts.leading(self.rings[0])[0]

    def _answering(self, focus: Bout) -> str | None:
        """Where the loser often gave no answer at all, the gain is not only in better answers."""
        if not focus.won:
            return None
        winner, loser = self.bouts.cells_of(focus.pair.a), self.bouts.cells_of(focus.pair.b)
        if focus.turned:
            winner, loser = loser, winner
        silent = [_without_answer(cells) for cells in (winner, loser)]
        trials = [sum(cell.result.n for cell in cells) for cells in (winner, loser)]
        if not all(trials) or silent[1] / trials[1] - silent[0] / trials[0] < _NOTABLE_SILENCE:
            return None
        a, b = self.speaker.sides(focus.pair)
        if focus.turned:
            a, b = b, a
        return (
            f"{b} gave no answer in {words.count(silent[1])} of {words.count(trials[1])} trials, {a} in "
            f"{words.count(silent[0])}: failures score 0, so much of the difference is in answering at all."
        )

    def _format(self, bouts: Sequence[Bout]) -> str | None:
        family = self.comparison.family
        if family.strict is None or family.extracted is None:
            return None
        for bout in bouts:
            strict = self.bouts.pairs.get((family.strict, bout.pair.a, bout.pair.b))
            extracted = self.bouts.pairs.get((family.extracted, bout.pair.a, bout.pair.b))
            if strict and extracted and (said := self.speaker.format_and_ability(strict, extracted)):
                return said
        return None

    def _limits(self, bouts: Sequence[Bout], focus: Bout, outcome: str) -> str | None:
        unclear = [bout.pair for bout in bouts if bout.pair.verdict is Verdict.NOT_DISTINGUISHABLE]
        speaker = self.speaker
        if not unclear or speaker.reach(unclear) in outcome:
            return None
        named = []
        top = focus.pair.b if focus.turned else focus.pair.a
        for pair in unclear:
            if len(self.rings) == 1 and not self.baseline and top in (pair.a, pair.b):
                continue  # the first sentence has said so
            a, b = speaker.sides(pair)
            where = speaker.where(pair) if len(self.rings) > 1 else ""
            named.append(f"{a} and {b}{where} ({speaker.signed(pair)} {speaker.bounds(pair)})")
        if not named:
            return f"{speaker.reach(unclear)}."
        return f"Not distinguishable: {words.listed(named, most=2)}; {speaker.reach(unclear)}."

    def _price(self, focus: Bout) -> str | None:
        one, other = self.bouts.cells_of(focus.pair.a), self.bouts.cells_of(focus.pair.b)
        if focus.turned:
            one, other = other, one
        tokens = [_tokens_per_trial(each) for each in (one, other)]
        if tokens[0] is None or tokens[1] is None or min(tokens[0], tokens[1]) <= 0:
            return None
        ratio = tokens[0] / tokens[1]
        if 1 / _NOTABLE_RATIO < ratio < _NOTABLE_RATIO:
            return None
        a, b = self.speaker.sides(focus.pair)
        if focus.turned:
            a, b = b, a
        said = f"{a} takes {ratio:.{1 if ratio >= 0.1 else 2}f} times the tokens of {b}"
        return f"{said} ({words.count(tokens[0])} against {words.count(tokens[1])} per trial)."


def _without_answer(cells: Sequence[CellSummary]) -> int:
    return sum(int((~cell.result.answered).sum()) for cell in cells)


def _tokens_per_trial(cells: Sequence[CellSummary]) -> float | None:
    trials = sum(cell.result.n for cell in cells)
    parts = [count for cell in cells for count in (cell.result.prompt_tokens, cell.result.completion_tokens)]
    known = [count for count in parts if count is not None]
    return sum(known) / trials if trials and len(known) == len(parts) else None
