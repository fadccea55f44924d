"""One experiment over its runs: each cell's headline score in order of time, and what changed before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from promptlab.analysis.across import AcrossRuns, LabelledRun, compare_runs
from promptlab.analysis.intervals import Interval
from promptlab.analysis.paired import Difference
from promptlab.analysis.stored import compare_run
from promptlab.basics.errors import UsageError
from promptlab.runs import RunDirectory


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """A cell in one run. `change` is this run − the one before, on the samples both share; None: no pair.

    `what` says what differs from the run before: "prompt", "temperature", "data".
    """

    variant: str
    model: str
    dataset: str
    run: str
    created: float
    scorer: str
    score: Interval | None
    change: Difference | None
    what: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        score, change = self.score, self.change
        return {
            **{
                each: getattr(self, each)
                for each in ("variant", "model", "dataset", "run", "created", "scorer")
            },
            "mean": score.mean if score else None,
            "ci_low": score.low if score else None,
            "ci_high": score.high if score else None,
            "n": score.n if score else 0,
            "change": change.diff if change else None,
            "change_low": change.low if change else None,
            "change_high": change.high if change else None,
            "change_n": change.n if change else 0,
            "what": list(self.what),
        }


def trend(runs: Sequence[RunDirectory]) -> list[TrendPoint]:
    """The points of every cell over `runs`, given the oldest first; cells in the order of the newest run.

    Changes have intervals and no verdict: a series of looks is no test.
    """
    if not runs:
        raise UsageError("there is no run to show a trend of.")
    points: list[TrendPoint] = []
    comparisons = [compare_run(run) for run in runs]
    datasets = [{cell.result.dataset for cell in found.cells} for found in comparisons]
    # The only data set of every run is one series, also where its file was given another name.
    alone = max(datasets[-1]) if all(len(each) == 1 for each in datasets) else None
    for index, (run, found) in enumerate(zip(runs, comparisons, strict=True)):
        before = _against(runs[index - 1], run) if index else None
        created = float(run.manifest().get("created", 0.0))
        for cell in found.cells:
            name = cell.name
            change: dict[str, Difference] = {}
            what: tuple[str, ...] = ()
            if before is not None:
                change = _change(before, name.variant, name.model)
                what = _what(before, name.variant, name.model)
            points.append(
                TrendPoint(
                    name.variant,
                    name.model,
                    alone or cell.result.dataset,
                    run.id,
                    created,
                    found.primary,
                    cell.scores[found.primary].interval if found.primary in cell.scores else None,
                    _of_dataset(change, cell.result.dataset, alone=alone is not None),
                    what,
                )
            )
    order = list(dict.fromkeys((each.dataset, each.model, each.variant) for each in reversed(points)))[::-1]
    return sorted(points, key=lambda each: order.index((each.dataset, each.model, each.variant)))


def _against(before: RunDirectory, run: RunDirectory) -> AcrossRuns | UsageError:
    """Both runs on what they share, or why they cannot be compared."""
    try:
        return compare_runs([LabelledRun("1", before), LabelledRun("2", run)], allow_changed_data=True)
    except UsageError as error:
        return error


def _change(before: AcrossRuns | UsageError, variant: str, model: str) -> dict[str, Difference]:
    if isinstance(before, UsageError):
        return {}
    return {
        pair.a.dataset: pair.found
        for pair in before.pairs
        if pair.scorer == before.primary
        and (pair.a.variant, pair.a.model) == (f"{variant}@2", model)
        and pair.a.dataset is not None
        and pair.found is not None
    }


def _of_dataset(change: dict[str, Difference], dataset: str, *, alone: bool) -> Difference | None:
    return next(iter(change.values()), None) if alone else change.get(dataset)


def _what(before: AcrossRuns | UsageError, variant: str, model: str) -> tuple[str, ...]:
    if isinstance(before, UsageError):
        return (before.message.rstrip("."),)
    found = []
    for change in before.changes:
        owner, _, place = change.place.rpartition(": ")
        kind, _, names = owner.partition(" ")
        if not owner:
            kind, _, names = change.place.partition(" ")
            place = change.after if kind in ("variant", "model") else change.place
        mine = {"variant": variant, "variants": variant, "model": model, "models": model}.get(kind)
        if mine is None or mine in names.split(", "):
            found.append(place)
    found += [
        "data" if not each.same else "train data"
        for each in before.data
        if not each.same or each.train_differs
    ]
    return tuple(dict.fromkeys(found))
