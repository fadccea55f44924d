"""Several runs side by side on the samples that they share, and the paired differences between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from promptlab.analysis import words
from promptlab.analysis.cells import CellResult, Family
from promptlab.analysis.comparing import compare
from promptlab.analysis.comparison import Comparison, Status
from promptlab.analysis.exposure import Tried, tried_over, with_looks
from promptlab.analysis.families import CellName, PlannedPair
from promptlab.analysis.shared_data import SharedData, in_words
from promptlab.analysis.spec_changes import RunSpec, SpecChange, counterparts, spec_changes
from promptlab.analysis.stored import compare_run
from promptlab.basics.errors import UsageError
from promptlab.runs import RunDirectory, RunReader

MOST_SENTENCES = 6
# Stands where the file's baseline stands: every cell is compared with the one of its name in the first run.
COUNTERPART = "the counterpart"

_SAMPLES = """SELECT dataset, position, sample, content FROM samples WHERE position IS NOT NULL
    ORDER BY position"""
_Ident = tuple[str, str]  # a sample's id and the hash of its content


@dataclass(frozen=True, slots=True)
class LabelledRun:
    """A run, and the short name that tells its cells apart: `zero_shot@B`."""

    label: str
    directory: RunDirectory


@dataclass(frozen=True, eq=False)
class AcrossRuns(Comparison):
    """A comparison whose variants are named `variant@run`. Pairs are other run − first run, cell by cell."""

    runs: tuple[Mapping[str, Any], ...] = ()
    changes: tuple[SpecChange, ...] = ()
    data: tuple[SharedData, ...] = ()
    sample_names: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def headline(self) -> tuple[str, ...]:
        """The verdicts on the primary scorer, at most six."""
        from promptlab.analysis.verdict import Speaker

        speaker = Speaker(self)
        pairs = [pair for pair in self.pairs if pair.in_family and pair.scorer == self.primary]
        told = [speaker.verdict(pair) for pair in pairs[:MOST_SENTENCES]]
        rest = len(pairs) - len(told)
        return (*told, f"{rest} more: --verbose shows every paired difference.") if rest else tuple(told)

    def to_json(self) -> dict[str, Any]:
        return {
            **super().to_json(),
            "runs": [dict(each) for each in self.runs],
            "differences": [each.to_json() for each in self.changes],
            "data": [each.to_json() for each in self.data],
        }


def compare_runs(runs: Sequence[LabelledRun], *, allow_changed_data: bool = False) -> AcrossRuns:
    """Compares stored runs on the samples that are the same in all that matters: id and content.

    Every cell is paired with the one of its variant and model in the first run. UsageError: the runs share no
    data set or no scorer, or the test samples differ and `allow_changed_data` is not given.
    """
    opened = [_OpenedRun(run) for run in runs]
    first = opened[0]
    data = [found for other in opened[1:] for found in _match_data(first, other)]
    _refuse_changed(data, opened, allowed=allow_changed_data)
    scorers = [
        name
        for name, spec in first.spec.scorers.items()
        if all(each.spec.scorers.get(name) == spec for each in opened)
    ]
    if not scorers:
        raise UsageError(
            "these runs have no scorer in common.",
            remedy="Give their experiment files the same scorer and run `promptlab compare EXP.yaml`: "
            "stored answers are graded without a call.",
        )
    index = _Index()
    cells = [cell for each in opened for cell in each.cells(index, scorers)]
    family = _family(first.comparison.family, scorers)
    plans = list(_plans(opened, family))
    changes = [each for other in opened[1:] for each in spec_changes(first.spec, other.spec, other.label)]
    found = compare(
        cells,
        family,
        seed=first.comparison.seed,
        status=_status(opened),
        run=", ".join(each.label for each in opened),
        experiment=" / ".join(dict.fromkeys(each.comparison.experiment for each in opened)),
        sent_calls=0,
        notes=tuple(_notes(opened, data, plans)),
        plans=plans,
    )
    found = replace(found, vary=first.comparison.vary, tried=_tried(opened))
    return AcrossRuns(
        **{name: getattr(found, name) for name in Comparison.__dataclass_fields__},
        runs=tuple(each.facts() for each in opened),
        changes=tuple(changes),
        data=tuple(data),
        sample_names=index.names(),
    )


class _Index:
    """Positions over all runs: a sample has the same one wherever its id and content are the same."""

    def __init__(self) -> None:
        self._places: dict[str, dict[_Ident, int]] = {}

    def positions(self, dataset: str, samples: Mapping[int, _Ident]) -> dict[int, int]:
        places = self._places.setdefault(dataset, {})
        return {position: places.setdefault(ident, len(places)) for position, ident in samples.items()}

    def names(self) -> dict[str, list[str]]:
        return {dataset: [ident[0] for ident in places] for dataset, places in self._places.items()}


class _OpenedRun:
    """What is read of one run. `names` gives its data sets the names of the first run."""

    def __init__(self, run: LabelledRun) -> None:
        self.label = run.label
        self.directory = run.directory
        self.comparison = compare_run(run.directory)
        self.manifest = run.directory.manifest()
        with RunReader(run.directory) as reader:
            specs = dict(reader.connection.execute("SELECT id, spec FROM scorers").fetchall())
            scorers = {name: specs[number] for name, number in reader.scorers().items()}
            self.spec = RunSpec.of(self.manifest, reader.cells(), scorers)
            self.datasets = list(dict.fromkeys(row["dataset"] for row in reader.cells()))
            self.test_hashes = {name: reader.meta(f"dataset:{name}") for name in self.datasets}
            self.samples: dict[str, dict[int, _Ident]] = {name: {} for name in self.datasets}
            for row in reader.connection.execute(_SAMPLES):
                if row["dataset"] in self.samples:
                    self.samples[row["dataset"]][row["position"]] = (row["sample"], row["content"])
            self.keys = {row[0] for row in reader.connection.execute("SELECT key FROM calls") if row[0]}
        self.names = {name: name for name in self.datasets}

    def cells(self, index: _Index, scorers: Sequence[str]) -> Iterator[CellResult]:
        for cell in (each.result for each in self.comparison.cells):
            name = self.names[cell.dataset]
            places = index.positions(name, self.samples[cell.dataset])
            yield replace(
                cell,
                variant=f"{cell.variant}@{self.label}",
                dataset=name,
                samples=np.array([places[int(each)] for each in cell.samples], dtype=np.int64),
                scores={scorer: cell.scores[scorer] for scorer in scorers},
            )

    def facts(self) -> dict[str, Any]:
        return {
            "label": self.label,
            "run": self.comparison.run,
            "experiment": self.comparison.experiment,
            "created": self.manifest.get("created"),
            "status": self.comparison.status,
            "git": self.manifest.get("git"),
        }


def _match_data(first: _OpenedRun, other: _OpenedRun) -> Iterator[SharedData]:
    """Data sets are the same by their test samples' hash, else by name, else as the only ones there are."""
    by_hash = {value: name for name, value in first.test_hashes.items()}
    by_name = counterparts(first.datasets, other.datasets)
    for name in other.datasets:
        known = by_hash.get(other.test_hashes[name], by_name.get(name))
        if known is None:
            continue
        other.names[name] = known
        one, two = set(first.samples[known].values()), set(other.samples[name].values())
        shared = len(one & two)
        edited = len({ident[0] for ident in one - two} & {ident[0] for ident in two - one})
        same = first.test_hashes[known] == other.test_hashes[name]
        yield SharedData(
            label=other.label,
            name=known,
            same=same,
            shared=shared,
            edited=edited,
            only_first=len(one) - shared - edited,
            only_other=len(two) - shared - edited,
            train_differs=same and _hash(first, known) != _hash(other, name),
        )


def _hash(run: _OpenedRun, name: str) -> Any:
    return run.manifest["datasets"][name]["hash"]


def _refuse_changed(data: Sequence[SharedData], opened: Sequence[_OpenedRun], *, allowed: bool) -> None:
    first = opened[0].label
    for other in opened[1:]:
        if not any(each.label == other.label for each in data):
            raise UsageError(
                f"{first} and {other.label} share no data set: {', '.join(opened[0].datasets)} against "
                f"{', '.join(other.datasets)}."
            )
    for each in data:
        if not each.same and not allowed:
            remedy = f"--allow-changed-data compares on the {each.shared:,} that are the same."
            raise UsageError(
                f"the test samples of {each.name} differ between {first} and {each.label}: {in_words(each)}.",
                remedy=remedy if each.shared else "There is none to compare on.",
            )


def _family(family: Family, scorers: Sequence[str]) -> Family:
    def kept(name: str | None) -> str | None:
        return name if name in scorers else None

    return replace(
        family,
        scorers=tuple(scorers),
        primary=kept(family.primary),
        baseline=COUNTERPART,
        strict=kept(family.strict),
        extracted=kept(family.extracted),
    )


def _plans(opened: Sequence[_OpenedRun], family: Family) -> Iterator[PlannedPair]:
    """Other − first, for equal variant and model. No variant in common: against the first run's baseline."""
    first, *others = opened
    there = {cell.name for cell in first.comparison.cells}
    baseline = first.comparison.family.baseline or next(iter(first.spec.variants()))
    sides: list[tuple[CellName, CellName]] = []
    for other in others:
        variants = counterparts(list(first.spec.variants()), list(other.spec.variants()))
        models = counterparts(list(first.spec.models()), list(other.spec.models()))
        for cell in other.comparison.cells:
            name = cell.name
            assert name.dataset is not None
            dataset = other.names[name.dataset]
            one = CellName(
                variants.get(name.variant, "") if variants else baseline, models.get(name.model, ""), dataset
            )
            if one in there:
                a = CellName(f"{name.variant}@{other.label}", name.model, dataset)
                sides.append((a, CellName(f"{one.variant}@{first.label}", one.model, dataset)))
    for scorer in family.scorers:
        for a, b in sides:
            yield PlannedPair(scorer, a, b, family.primary in (None, scorer))


def _tried(opened: Sequence[_OpenedRun]) -> tuple[Tried, ...]:
    """Over the folders of all these runs, by the first run's names of their data; looks count once."""
    tests: dict[str, set[str]] = {name: set() for name in opened[0].datasets}
    samples: dict[str, set[_Ident]] = {name: set() for name in opened[0].datasets}
    for run in opened:
        for name, value in run.test_hashes.items():
            tests.setdefault(run.names[name], set()).add(str(value))
            samples.setdefault(run.names[name], set()).update(run.samples[name].values())
    folders = {run.directory.path.parent for run in opened}
    return with_looks(tried_over(folders, tests), folders, samples)


def _status(opened: Sequence[_OpenedRun]) -> Status:
    return next(
        (each.comparison.status for each in opened if each.comparison.status != "complete"), "complete"
    )


def _notes(
    opened: Sequence[_OpenedRun], data: Sequence[SharedData], plans: Sequence[PlannedPair]
) -> Iterator[str]:
    first = opened[0]
    for other in opened[1:]:
        if other.comparison.vary != first.comparison.vary:
            yield (
                f"each repeat of {other.label} draws {words.redrawn(other.comparison.vary)} of its own, "
                f"of {first.label} {words.redrawn(first.comparison.vary)}."
            )
    for each in data:
        if not each.same:
            yield (
                f"{each.name} changed between {first.label} and {each.label}: {in_words(each)}. "
                "Means are over each run's own samples, differences over the same ones."
            )
    for other in opened[1:]:
        shared = len(first.keys & other.keys)
        if shared:
            yield (
                f"{shared:,} of {len(other.keys):,} requests of {other.label} are requests of {first.label} "
                "too: where the cache answered, they are the same answers and no second draw."
            )
    if not plans:
        yield "no two cells ask the same model: nothing is paired."
    for run in opened:
        for note in run.comparison.notes:
            yield f"{run.label}: {note}"
