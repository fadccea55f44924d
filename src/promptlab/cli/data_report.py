"""A data set's examination on a terminal, or as an object for JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from promptlab.cli.rows import print_rows, shortened
from promptlab.datasets.grams import text_of

if TYPE_CHECKING:
    from promptlab.datasets import Dataset, NearDuplicate, Where
    from promptlab.datasets.examination import Examination
    from promptlab.datasets.profile import ColumnProfile, Lengths

_SHOWN_GROUPS = 5
_SHOWN_SAMPLES = 3
_SHOWN_LABELS = 8
_EXAMPLE_CELLS = 24
_SNIPPET_CELLS = 56
_CONTEXT_CHARS = 12  # of what is equal before two texts differ
_LISTED_IN_JSON = 100
_HASH_CHARS = 16


def print_examination(found: Examination, dataset: Dataset, roles: Mapping[str, str]) -> None:
    """The report. Texts from the file are shown as text, shortened."""
    click.echo(
        f"{_text(found.name)}: {_counted(found.rows, 'row')}, {_counted(len(found.columns), 'column')}"
    )
    click.echo(f"content hash {found.hash}\n")
    print_rows([_column(each, found.rows, roles.get(each.name, "")) for each in found.columns])
    click.echo()
    print_rows(
        [
            {
                "split": each.split,
                "rows": f"{each.size:,}",
                **({"groups": f"{each.groups:,}"} if each.groups else {}),
                "characters": _lengths(each.chars),
                "labels": _balance(each.labels, each.size),
            }
            for each in found.splits
        ]
    )
    click.echo("characters: median to longest; of a sample, all inputs together\n")
    repeats = found.repeats
    _echo_empty(found)
    if found.compared:
        click.echo(f"Compared by {', '.join(map(_text, found.compared))}:")
    several = len(found.splits) > 1
    overlaps: list[Sequence[Where]] = []
    conflicts: list[Sequence[Where]] = []
    plain_repeats: list[Sequence[Where]] = []
    for each in repeats.duplicates:
        kinds = [kind for kind, is_it in ((overlaps, each.overlap), (conflicts, each.conflict)) if is_it]
        for kind in kinds or [plain_repeats]:
            kind.append(each.samples)
    if several:
        _echo_count("Overlaps between splits", found.overlaps, "inputs that stand in more than one split")
        _echo_groups(overlaps, dataset, found.compared)
    _echo_count("Conflicts", repeats.conflict_groups, "inputs that stand with different targets")
    _echo_groups(conflicts, dataset, found.compared, targets=True)
    above = "" if plain_repeats else ", listed above"
    _echo_count("Duplicates", repeats.duplicate_rows, f"samples that repeat an earlier one{above}")
    _echo_groups(plain_repeats, dataset, found.compared)
    across = f", {repeats.near_overlaps:,} between splits" if several and repeats.near_count else ""
    _echo_count("Near duplicates", repeats.near_count, f"samples much like an earlier one{across}")
    for pair in repeats.near[:_SHOWN_GROUPS]:
        _echo_pair(pair, dataset, found.compared)
    _echo_rest(repeats.near_count)
    for note in repeats.notes:
        click.echo(f"note: {_text(note)}", err=True)


def as_object(found: Examination, dataset: Dataset, roles: Mapping[str, str]) -> dict[str, Any]:
    """The same for JSON. Lists end at 100 entries; the counts are of everything."""
    repeats = found.repeats
    return {
        "dataset": found.name,
        "rows": found.rows,
        "hash": found.hash,
        "columns": [
            {
                "name": each.name,
                "role": roles.get(each.name, "input"),
                "type": each.kind,
                "filled": each.filled,
                "empty": each.empty,
                "empty_in": each.empty_in,
                "distinct": each.distinct,
                "values": each.counts,
                "characters": each.lengths._asdict() if each.lengths else None,
                "examples": each.examples,
            }
            for each in found.columns
        ],
        "splits": [
            {
                "split": each.split,
                "rows": each.size,
                "hash": each.hash,
                "labels": each.labels,
                "groups": each.groups,
                "characters": each.chars._asdict() if each.chars else None,
            }
            for each in found.splits
        ],
        "compared": found.compared,
        "empty_cells": found.empty_cells,
        "overlaps": found.overlaps,
        "conflicts": repeats.conflict_groups,
        "duplicate_rows": repeats.duplicate_rows,
        "duplicates": [
            {
                "overlap": each.overlap,
                "conflict": each.conflict,
                "samples": [_sample(dataset, where) for where in each.samples],
            }
            for each in repeats.duplicates[:_LISTED_IN_JSON]
        ],
        "near_count": repeats.near_count,
        "near_overlaps": repeats.near_overlaps,
        "near_duplicates": [
            {
                "similarity": each.similarity,
                "samples": [_sample(dataset, each.first), _sample(dataset, each.second)],
            }
            for each in repeats.near[:_LISTED_IN_JSON]
        ],
        "notes": repeats.notes,
    }


def _column(column: ColumnProfile, rows: int, role: str) -> dict[str, Any]:
    kind = column.kind
    example = str(column.examples[0]) if column.examples else ""
    return {
        "column": shortened(column.name, _EXAMPLE_CELLS),
        "is": role,
        "type": kind,
        "filled": _share(column.filled, rows),
        "distinct": f"{column.distinct:,}" if column.distinct is not None else "many",
        "characters": _lengths(column.lengths),
        "example": shortened(example, _EXAMPLE_CELLS),
    }


def _lengths(lengths: Lengths | None) -> str:
    if lengths is None:
        return ""
    same = lengths.median == lengths.longest
    return f"{lengths.median:,}" if same else f"{lengths.median:,} to {lengths.longest:,}"


def _share(part: int, whole: int) -> str:
    """A percentage that says 100 % and 0 % only where that is exact."""
    percent = 100 * part / whole
    if part not in (0, whole) and not 0.5 <= percent < 99.5:
        return "<1 %" if percent < 1 else ">99 %"
    return f"{percent:.0f} %"


def _balance(labels: Mapping[str, int] | None, size: int) -> str:
    """Labels by share, or how many there are: targets that hardly repeat are no labels."""
    if labels is None or len(labels) * 2 > size:
        return ""
    shown = [f"{label} {_share(count, size)}" for label, count in list(labels.items())[:_SHOWN_LABELS]]
    more = len(labels) - len(shown)
    return ", ".join([*shown, *([f"{more} more"] if more else [])])


def _echo_empty(found: Examination) -> None:
    empty = [column for column in found.columns if column.empty]
    _echo_count("Empty cells", found.empty_cells, f"in {_counted(len(empty), 'column')}")
    for column in empty:
        more = ", …" if column.empty > len(column.empty_in) else ""
        click.echo(
            f"  {_text(column.name)}: {column.empty:,} ({', '.join(map(_text, column.empty_in))}{more})"
        )


def _echo_count(what: str, count: int, meaning: str) -> None:
    click.echo(f"{what}: {count:,} {meaning}" if count else f"{what}: none")


def _echo_groups(
    groups: Sequence[Sequence[Where]], dataset: Dataset, compared: Sequence[str], *, targets: bool = False
) -> None:
    for samples in groups[:_SHOWN_GROUPS]:
        for number, where in enumerate(samples[:_SHOWN_SAMPLES]):
            click.echo(
                f"  {'-' if number == 0 else ' '} {_snippet(dataset, where, compared, target=targets)}"
            )
        if len(samples) > _SHOWN_SAMPLES:
            click.echo(f"    and {len(samples) - _SHOWN_SAMPLES} more")
    _echo_rest(len(groups))


def _echo_rest(count: int) -> None:
    if count > _SHOWN_GROUPS:
        click.echo(f"  and {count - _SHOWN_GROUPS:,} more; --json lists up to {_LISTED_IN_JSON}")


def _echo_pair(pair: NearDuplicate, dataset: Dataset, compared: Sequence[str]) -> None:
    """Both texts from shortly before they begin to differ."""
    texts = [_compared_text(dataset, where, compared) for where in (pair.first, pair.second)]
    differ = (n for n, (one, other) in enumerate(zip(*texts, strict=False)) if one != other)
    same = next(differ, min(map(len, texts)))
    start = max(0, same - _CONTEXT_CHARS) if same > 2 * _CONTEXT_CHARS else 0
    for text, where, head in zip(
        texts, (pair.first, pair.second), (f"{pair.similarity:.2f}", "    "), strict=True
    ):
        name = f"{where.split} {shortened(where.id, _HASH_CHARS)}"
        cut = shortened(f"{'…' if start else ''}{text[start:]}", _SNIPPET_CELLS)
        click.echo(f"  {head}  {name}  {cut}")


def _compared_text(dataset: Dataset, where: Where, compared: Sequence[str]) -> str:
    sample = dataset.find(where.id, where.split)
    inputs = sample.inputs if sample else {}
    return text_of({name: inputs[name] for name in compared or inputs if name in inputs})


def _snippet(dataset: Dataset, where: Where, compared: Sequence[str], *, target: bool = False) -> str:
    sample = dataset.find(where.id, where.split)
    answer = f" → {shortened(' | '.join(sample.targets), _EXAMPLE_CELLS)}" if target and sample else ""
    text = shortened(_compared_text(dataset, where, compared), _SNIPPET_CELLS - len(answer))
    return f"{where.split} {shortened(where.id, _HASH_CHARS)}  {text}{answer}"


def _sample(dataset: Dataset, where: Where) -> dict[str, Any]:
    sample = dataset.find(where.id, where.split)
    return {
        "split": where.split,
        "id": where.id,
        "target": list(sample.targets) if sample else [],
        "inputs": dict(sample.inputs) if sample else {},
    }


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _text(text: str) -> str:
    from promptlab.export import plain

    return plain(text)
