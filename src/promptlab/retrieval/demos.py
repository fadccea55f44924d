"""Which train samples a prompt shows as demos."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from promptlab.basics.errors import ExperimentError
from promptlab.basics.hashing import seeded
from promptlab.datasets.dataset import SplitView
from promptlab.datasets.grams import text_of
from promptlab.datasets.sample import Question, Sample
from promptlab.retrieval.demo_spec import BY_SIMILARITY, DemoSpec
from promptlab.retrieval.lexical import Bm25Index, Index, TfidfIndex
from promptlab.retrieval.vectors import VectorIndex

MAX_INDEXED_ROWS = 100_000
MAX_BALANCED_LABELS = 100
# Rows beyond `count` that are at hand where a demo equals the question and another takes its place.
_SPARE_ROWS = 16
_MMR_POOL_ROWS = 50


def question_text(question: Question) -> str:
    """The texts of a question's inputs: what is compared where no other text is given."""
    return text_of(question.inputs)


class _Candidate(NamedTuple):
    sample: Sample
    text: str


class DemoSelector:
    """Selects demos for questions; one per cell.

    Two questions are the same where their `text` is equal: a train row that is the question itself or a
    duplicate of it is never among its demos. The next row takes its place (with `ids` nothing does). `train`
    is read as far as needed; `balanced` and the similarities read all of it, once.
    """

    def __init__(
        self,
        train: Sequence[Sample],
        spec: DemoSpec,
        seed: int,
        *,
        text: Callable[[Question], str] = question_text,
        repeat: int = 0,
    ) -> None:
        """Raises ExperimentError (field "demos.…") where train cannot give such demos.

        What is drawn once is drawn anew for another `repeat`.
        """
        self._text = text
        self._drawn_by = [seed if spec.seed is None else spec.seed, *([repeat] if repeat else [])]
        rows = spec.rows()
        self._train = train = train if rows is None else rows
        if rows is not None and "count" not in spec.model_fields_set:
            spec = spec.model_copy(update={"count": len(rows)})
        self.spec = spec
        self._vectors: VectorIndex | None = None
        self._index: Index
        if spec.count > len(train):
            raise _refused(
                "count",
                f"{spec.source} has {len(train)} rows, too few for that many demos",
                spec.count,
                "Ask for fewer, or make train larger under `split:`." if rows is None else "Ask for fewer.",
            )
        if spec.count and spec.select in BY_SIMILARITY:
            self._build_index()
        elif spec.count and spec.select == "balanced":
            self._draw_balanced()
        elif spec.ids is not None:
            self._in_order = _Remembered([self._candidate(self._by_id(each)) for each in spec.ids])
        elif spec.select == "random":
            self._in_order = _Remembered(self._random_rows(self._once("random")))
        else:
            self._in_order = _Remembered(map(self._candidate, train))

    @property
    def similarity(self) -> str:
        """How near is near: for the record. "" where nothing is compared."""
        if self.spec.select not in BY_SIMILARITY:
            return ""
        if self.spec.select == "bm25":
            return "BM25 over words"
        if self._vectors is not None:
            return "cosine of embeddings"
        without = "; no embedding model is configured" if self.spec.select == "knn" else ""
        return f"TF-IDF over character n-grams{without}"

    @property
    def compares_vectors(self) -> bool:
        return self._vectors is not None

    @property
    def texts(self) -> list[str]:
        """What questions are compared with, where they are compared."""
        return self._texts

    def use_vectors(self, index: VectorIndex) -> None:
        """Compares by these from now on: one vector for each of `texts`."""
        self._index = self._vectors = index

    def asked(self, question: Question) -> str:
        """The text by which a question is compared."""
        return self._text(question)

    def select(
        self, question: Question, rng: random.Random, vector: Sequence[float] | None = None
    ) -> list[Sample]:
        """The demos for a question, in the order in which the prompt shows them.

        `rng` is the trial's; it is drawn from with `per: sample` only. `vector` is the question's, where
        vectors are compared. Fewer than `count` where train holds no more rows that differ from the question.
        """
        if not self.spec.count:
            return []
        asked = self._text(question)
        if self._vectors is not None:
            self._vectors.ask(vector or ())
        if self.spec.select == "balanced":
            demos = self._balanced(asked)
        else:
            if self.spec.per == "sample":
                candidates: Iterable[_Candidate] = self._random_rows(rng)
            elif self.spec.select == "mmr":
                candidates = self._spread(asked)
            elif self.spec.select in BY_SIMILARITY:
                candidates = self._nearest(asked)
            else:
                candidates = self._in_order
            demos = _others(candidates, asked, self.spec.count)
        if self.spec.order == "shuffled":
            (rng if self.spec.per == "sample" else self._once("order")).shuffle(demos)
        elif self.spec.order == "nearest_last":
            demos.reverse()
        return demos

    def _once(self, what: str) -> random.Random:
        """A generator that draws the same for every question of the cell."""
        return seeded("demos", what, *self._drawn_by)

    def _candidate(self, sample: Sample) -> _Candidate:
        return _Candidate(sample, self._text(sample.question()))

    def _by_id(self, sample_id: str) -> Sample:
        if isinstance(self._train, SplitView):
            found = self._train.find(sample_id)
        else:
            found = next((sample for sample in self._train if sample.id == sample_id), None)
        if found is None:
            raise _refused(
                "ids", "train has no row of that id", sample_id, "Ids of test rows cannot be demos."
            )
        return found

    def _random_rows(self, rng: random.Random) -> Iterator[_Candidate]:
        """All rows in random order, drawn one by one."""
        drawn: set[int] = set()
        while len(drawn) < len(self._train):
            position = rng.randrange(len(self._train))
            if position not in drawn:
                drawn.add(position)
                yield self._candidate(self._train[position])

    def _draw_balanced(self) -> None:
        """Keeps for each label the rows that come first in a seeded order, some more than are shown."""
        kept: dict[str, list[tuple[float, int, Sample]]] = {}
        rng = self._once("balanced")
        for position, sample in enumerate(self._train):
            if not sample.targets:
                raise _refused("select", "a train row without target has no label", sample.id, "Use random.")
            row = (-rng.random(), position, sample)
            rows = kept.setdefault(sample.targets[0], [])
            if len(rows) < self.spec.count + _SPARE_ROWS:
                heapq.heappush(rows, row)
            else:
                heapq.heappushpop(rows, row)
            if len(kept) > MAX_BALANCED_LABELS:
                raise _refused(
                    "select", f"train has more than {MAX_BALANCED_LABELS} labels", "balanced", "Use random."
                )
        share, rest = divmod(self.spec.count, len(kept))
        short = min(kept, key=lambda label: len(kept[label]))
        if rest:
            raise _refused(
                "count",
                f"the {len(kept)} labels of train cannot have equally many of that many demos",
                self.spec.count,
                f"Use a multiple of {len(kept)}.",
            )
        if len(kept[short]) < share:
            raise _refused(
                "count",
                f"train has only {len(kept[short])} rows of {short!r}",
                self.spec.count,
                "Ask for fewer.",
            )
        self._share = share
        self._by_label = [
            [self._candidate(sample) for _, _, sample in sorted(kept[label], reverse=True)]
            for label in sorted(kept)
        ]

    def _balanced(self, asked: str) -> list[Sample]:
        """Label after label, in turns."""
        columns = [_others(rows, asked, self._share) for rows in self._by_label]
        turns = itertools.zip_longest(*columns)
        return [sample for turn in turns for sample in turn if sample is not None]

    def _build_index(self) -> None:
        if len(self._train) > MAX_INDEXED_ROWS:
            raise _refused(
                "select",
                f"train has {len(self._train)} rows, too many to compare with",
                self.spec.select,
                f"Use at most {MAX_INDEXED_ROWS} under `split:`, or select: random.",
            )
        self._texts = [self._text(sample.question()) for sample in self._train]
        self._index = (Bm25Index if self.spec.select == "bm25" else TfidfIndex)(self._texts)

    def _nearest(self, asked: str) -> Iterator[_Candidate]:
        """All rows, nearest first."""
        near = self._index.top(asked, self.spec.count + _SPARE_ROWS)
        for hit in near:
            yield _Candidate(self._train[hit.position], self._texts[hit.position])
        for hit in self._index.top(asked, len(self._train))[len(near) :]:
            yield _Candidate(self._train[hit.position], self._texts[hit.position])

    def _spread(self, asked: str) -> Iterator[_Candidate]:
        """Rows by maximal marginal relevance (Carbonell & Goldstein 1998): near, but unlike those before."""
        pool = [
            hit
            for hit in self._index.top(asked, self.spec.count + _MMR_POOL_ROWS)
            if self._texts[hit.position] != asked
        ]
        likeness = dict.fromkeys((hit.position for hit in pool), 0.0)
        while pool:
            best = max(
                pool,
                key=lambda hit: (
                    (1 - self.spec.diversity) * hit.score - self.spec.diversity * likeness[hit.position],
                    -hit.position,
                ),
            )
            pool.remove(best)
            yield _Candidate(self._train[best.position], self._texts[best.position])
            scores = self._index.scores(self._texts[best.position])
            for hit in pool:
                likeness[hit.position] = max(likeness[hit.position], float(scores[hit.position]))


class _Remembered(Iterable[_Candidate]):
    """Candidates that are made once, as far as somebody asks for them."""

    def __init__(self, source: Iterable[_Candidate]) -> None:
        self._source = iter(source)
        self._made: list[_Candidate] = []

    def __iter__(self) -> Iterator[_Candidate]:
        yield from self._made
        for candidate in self._source:
            self._made.append(candidate)
            yield candidate


def _others(candidates: Iterable[_Candidate], asked: str, count: int) -> list[Sample]:
    """The first `count` candidates that are not the question itself."""
    different = (candidate.sample for candidate in candidates if candidate.text != asked)
    return list(itertools.islice(different, count))


def _refused(field: str, message: str, value: object, remedy: str) -> ExperimentError:
    return ExperimentError(message, field=f"demos.{field}", value=value, remedy=remedy)
