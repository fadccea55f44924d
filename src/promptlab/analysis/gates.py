"""Whether a run meets its gates. What cannot be judged is not met."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from promptlab.analysis import words
from promptlab.analysis.baseline import Baseline, BaselineCell, corpus_recipe, scorer_specs, stored_samples
from promptlab.analysis.cell_scores import corpus_difference, corpus_scores
from promptlab.analysis.cells import CellResult
from promptlab.analysis.comparison import CellSummary, Comparison
from promptlab.analysis.paired import difference
from promptlab.analysis.samples import SampleScores, paired, sample_scores
from promptlab.basics.hashing import short_digest
from promptlab.experiment.gates import GateSpec
from promptlab.runs import RunDirectory


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate on one cell: `name` says what is asked, `reason` what was found."""

    name: str
    passed: bool
    reason: str

    def to_json(self) -> dict[str, Any]:
        return {"gate": self.name, "passed": self.passed, "reason": self.reason}


def judge(
    comparison: Comparison, gates: Sequence[GateSpec], run: RunDirectory, baselines: Mapping[str, Baseline]
) -> list[GateResult]:
    """Every gate on every cell that it names. `baselines` holds what `no_worse_than` names."""
    return [found for gate in gates for found in _Judge(comparison, gate, run, baselines).results()]


class _Judge:
    def __init__(
        self, comparison: Comparison, gate: GateSpec, run: RunDirectory, baselines: Mapping[str, Baseline]
    ) -> None:
        self._comparison = comparison
        self._gate = gate
        self._run = run
        self._baselines = baselines
        self._scorer = gate.scorer or comparison.primary

    def results(self) -> Iterator[GateResult]:
        gate = self._gate
        for cell in self._comparison.cells:
            result = cell.result
            if any(
                wanted is not None and wanted != has
                for wanted, has in (
                    (gate.variant, result.variant),
                    (gate.model, result.model),
                    (gate.dataset, result.dataset),
                )
            ):
                continue
            name = f"{result.variant} × {result.model} × {result.dataset}: {self._asked()}"
            if result.pending or result.errors:
                left = words.count(result.pending + result.errors)
                told = f"{left} of {words.count(result.planned)} trials have no result"
                yield GateResult(name, False, f"{told}: not judged")
            else:
                yield GateResult(name, *self._found(cell))

    def _asked(self) -> str:
        gate = self._gate
        if gate.min is not None:
            return f"{self._scorer} at least {gate.min:g}"
        if gate.max_cost_usd is not None:
            return f"cost at most {gate.max_cost_usd:g} USD"
        if gate.max_latency_s is not None:
            return f"95 % of trials within {gate.max_latency_s:g} s"
        return f"{self._scorer} no worse than {gate.no_worse_than} by {gate.margin:g}"

    def _found(self, cell: CellSummary) -> tuple[bool, str]:
        gate, result = self._gate, cell.result
        if gate.min is not None:
            mean = cell.scores[self._scorer].mean
            if mean is None:
                return False, f"{self._scorer} has no score"
            return mean >= gate.min, f"{self._scorer} is {_digits(mean, gate.min)}"
        if gate.max_cost_usd is not None:
            cost = result.cost_usd
            if cost is None:
                return False, "the cost is unknown: give the model a `price:`"
            return cost <= gate.max_cost_usd, f"the cost is {words.usd(cost)}"
        if gate.max_latency_s is not None:
            latency = result.latency_p95_s
            if latency is None:
                return False, "no latency is known"
            return (
                latency <= gate.max_latency_s,
                f"95 % took at most {_digits(latency, gate.max_latency_s)} s",
            )
        return self._no_worse(cell)

    def _no_worse(self, cell: CellSummary) -> tuple[bool, str]:
        gate, result = self._gate, cell.result
        assert gate.no_worse_than is not None
        assert gate.margin is not None
        baseline = self._baselines[gate.no_worse_than]
        old = baseline.cell(result.variant, result.model, result.dataset, self._scorer)
        if old is None:
            return False, f"{baseline.run} has no such cell with {self._scorer}"
        if old.spec != scorer_specs(self._run)[self._scorer]:
            return False, f"{baseline.run} was scored in another way: {old.spec}"
        samples, positions = stored_samples(self._run)
        now, then = samples[result.dataset], baseline.samples.get(result.dataset, {})
        places = {name: place for place, name in positions[result.dataset].items()}
        scored = {positions[result.dataset][place] for place in self._scored(result)}
        changed = [name for name in scored if then.get(name) != now[name]]
        if changed:
            count = f"{len(changed):,} of {len(scored):,} samples"
            return False, f"the data changed: {count} are not those of the baseline"
        seed = int(short_digest(["gate", self._comparison.seed, self._scorer, cell.name.to_json()]), 16)
        if self._scorer not in result.corpus:
            earlier = _earlier_scores(old, {name: places[name] for name in scored & old.scores.keys()})
            found = difference(paired(sample_scores(result, self._scorer), earlier), seed)
        elif old.recipe != corpus_recipe(result, self._scorer) or not old.counts:
            told = old.recipe or "a version that kept no counts"
            return False, f"{baseline.run} was counted in another way: {told}"
        else:
            before = _earlier_trials(old, result, {name: places[name] for name in scored & old.counts.keys()})
            one, other = (corpus_scores(each, self._scorer) for each in (result, before))
            found, _ = corpus_difference([one], [other], seed)
        if found is None or found.low is None:
            return False, "there is no interval of the difference"
        digits = max(2, words.decimals(found.n))
        told = (
            f"the difference is {words.signed(found.diff, digits)} "
            f"{words.bounds(found.low, found.high, digits)} over {words.count(found.n)} samples; "
            f"its lower bound must lie above -{gate.margin:g}"
        )
        return found.low > -gate.margin, told

    def _scored(self, cell: CellResult) -> set[int]:
        """Positions of the samples that have a score."""
        if self._scorer in cell.corpus:
            return set(corpus_scores(cell, self._scorer).samples.tolist())
        return set(sample_scores(cell, self._scorer).samples.tolist())


def _earlier_scores(old: BaselineCell, places: Mapping[str, int]) -> SampleScores:
    """The baseline's scores at `places`: sample id → position now."""
    names = sorted(places, key=places.__getitem__)
    values = [old.scores[name] for name in names]
    return SampleScores(
        samples=np.array([places[name] for name in names], dtype=np.int64),
        values=np.array(values, dtype=np.float64),
        groups=None,
        binary=old.binary,
        bounded=all(0 <= value <= 1 for value in values),
    )


def _earlier_trials(old: BaselineCell, now: CellResult, places: Mapping[str, int]) -> CellResult:
    """The cell with the baseline's counts in place of its own, in the groups that its samples are in now."""
    kept = [(places[name], row) for name, row in old.rows() if name in places]
    samples = np.array([place for place, _ in kept], dtype=np.int64)
    groups = None
    if now.groups is not None:
        of_sample = dict(zip(now.samples.tolist(), now.groups.tolist(), strict=True))
        groups = np.array([of_sample[place] for place in samples.tolist()], dtype=np.int64)
    rows = np.array([row for _, row in kept], dtype=np.float64)
    trials = replace(now.corpus[old.scorer], rows=rows)
    return replace(now, samples=samples, groups=groups, corpus={old.scorer: trials})


def _digits(value: float, limit: float) -> str:
    """Rounded, unless that would hide on which side of the limit the value lies."""
    text = f"{value:.3g}"
    return text if (float(text) >= limit) == (value >= limit) else repr(value)
