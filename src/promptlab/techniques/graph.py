"""Triples of a knowledge graph, from a file, and what can be walked in them."""

from __future__ import annotations

import csv
import io
import random
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import orjson

from promptlab.basics.errors import ExperimentError
from promptlab.basics.named_file import FileContent
from promptlab.datasets.grams import tokens

Triple = tuple[str, str, str]


@dataclass(frozen=True)
class Graph:
    """Triples (subject, relation, object), each once, in the order of the file."""

    triples: tuple[Triple, ...]

    @cached_property
    def entities(self) -> list[str]:
        """Subjects and objects, in the order of their first mention."""
        return list(
            dict.fromkeys(each for subject, _, object_ in self.triples for each in (subject, object_))
        )

    @cached_property
    def _around(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = defaultdict(list)
        for number, (subject, _, object_) in enumerate(self.triples):
            found[subject].append(number)
            if object_ != subject:
                found[object_].append(number)
        return found

    @cached_property
    def _spellings(self) -> dict[tuple[str, ...], str]:
        return {key: entity for entity in reversed(self.entities) if (key := tuple(tokens(entity)))}

    def linked(self, text: str) -> list[str]:
        """The entities that the text names, word for word but for case; the longest name wins."""
        said = list(tokens(text))
        longest = max(map(len, self._spellings), default=0)
        found, at = [], 0
        while at < len(said):
            for length in range(min(longest, len(said) - at), 0, -1):
                entity = self._spellings.get(tuple(said[at : at + length]))
                if entity is not None:
                    found.append(entity)
                    at += length - 1
                    break
            at += 1
        return list(dict.fromkeys(found))

    def neighbours(self, entity: str) -> list[Triple]:
        """The triples that an entity stands in."""
        return [self.triples[number] for number in self._around.get(entity, ())]

    def about(self, entities: Iterable[str]) -> list[Triple]:
        """The triples that any of the entities stands in, in the order of the file."""
        numbers = {number for each in entities for number in self._around.get(each, ())}
        return [self.triples[number] for number in sorted(numbers)]

    def path(self, start: str, end: str, longest: int) -> list[Triple] | None:
        """A shortest way of at most `longest` triples between two entities, whatever their direction."""
        if start == end:
            return None
        came: dict[str, tuple[str, Triple] | None] = {start: None}
        queue = deque([(start, 0)])
        while queue:
            here, far = queue.popleft()
            if far == longest:
                continue
            for triple in self.neighbours(here):
                there = triple[2] if triple[0] == here else triple[0]
                if there in came:
                    continue
                came[there] = (here, triple)
                if there == end:
                    return _walked(came, end)
                queue.append((there, far + 1))
        return None

    def drawn(self, count: int, rng: random.Random) -> list[Triple]:
        """Triples at random: the control."""
        return rng.sample(self.triples, min(count, len(self.triples)))


def _walked(came: dict[str, tuple[str, Triple] | None], end: str) -> list[Triple]:
    steps: list[Triple] = []
    at = came[end]
    while at is not None:
        steps.append(at[1])
        at = came[at[0]]
    return steps[::-1]


def shown(triples: Sequence[Triple]) -> str:
    """`(subject, relation, object)`, a line each."""
    return "\n".join(f"({', '.join(triple)})" for triple in triples)


def graph_in(file: FileContent) -> Graph:
    """Triples as csv or tsv (three columns), or as JSON lines (lists, or subject, relation, object)."""
    try:
        text = file.text()
        if file.name.endswith((".jsonl", ".json")):
            rows = [orjson.loads(line) for line in text.splitlines() if line.strip()]
            rows = [
                [row["subject"], row["relation"], row["object"]] if isinstance(row, dict) else row
                for row in rows
            ]
        else:
            delimiter = "\t" if file.name.endswith((".tsv", ".txt")) else ","
            rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if row]
        triples = [_triple(row, number) for number, row in enumerate(rows, 1)]
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise _refused(file, str(error)) from error
    if not triples:
        raise _refused(file, "it holds no triple")
    return Graph(tuple(dict.fromkeys(triples)))


def _triple(row: Sequence[object], number: int) -> Triple:
    if len(row) != 3 or not all(str(each).strip() for each in row):
        raise ValueError(f"row {number} has not three parts")
    subject, relation, object_ = (str(each).strip() for each in row)
    return subject, relation, object_


def _refused(file: FileContent, why: str) -> ExperimentError:
    return ExperimentError(
        f"{file.name} holds no triples: {' '.join(why.split())}",
        field="facts_file",
        remedy="Write subject, relation, object: csv, tsv, or JSON lines.",
    )
