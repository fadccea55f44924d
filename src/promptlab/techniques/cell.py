"""A cell's surroundings: what a technique is given while it prepares, and what its trials share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from promptlab.basics.errors import ExperimentError
from promptlab.basics.hashing import seeded
from promptlab.datasets.sample import Question
from promptlab.datasets.task import Task
from promptlab.models.door import Door
from promptlab.models.embedding import embedding_requests, vectors_of
from promptlab.models.request import Model
from promptlab.retrieval import own_text
from promptlab.scoring.metric import Metric
from promptlab.techniques.base import Technique
from promptlab.techniques.compiling import Compiling

if TYPE_CHECKING:
    from promptlab.datasets import Dataset
    from promptlab.retrieval import DemoSelector, DemoSpec

Vector = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Sampling:
    """What a call is sent with: the values, which are no one's wish, and all of them spelled out."""

    values: Mapping[str, Any]
    defaults: frozenset[str]
    spelled: tuple[tuple[str, str], ...]


@dataclass
class CellContext:
    """One cell's surroundings: task, model, the train and dev splits, the seed.

    `sampling` is what the variant sets, `embedding` the experiment's embedding model, `vary` what each repeat
    draws anew. `kept` is where a technique puts what it prepares. Optimizers optimize one of the experiment's
    `metrics`, the `headline` unless they name another, may ask its other `models`, and look for a prompt only
    where there is `compiling`.
    """

    task: Task
    model: Model
    technique: Technique
    dataset: Dataset
    seed: int
    sampling: Mapping[str, Any] = field(default_factory=dict)
    cell: str = ""
    timeout_s: float = 60.0
    embedding: Model | None = None
    door: Door | None = None
    allow_unsafe_code: bool = False
    vary: frozenset[str] = frozenset({"completion"})
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    headline: str = ""
    models: Mapping[str, Model] = field(default_factory=dict)
    compiling: Compiling | None = None
    kept: dict[str, Any] = field(default_factory=dict)
    _demos: dict[int, DemoSelector] = field(default_factory=dict)
    _unstaged: Sampling | None = None
    _parts: dict[int, CellContext] = field(default_factory=dict)
    _prepared: CellContext | None = None
    _of: dict[str, CellContext] = field(default_factory=dict)

    def part(self, technique: Technique) -> CellContext:
        """The same surroundings for a technique inside this one."""
        known = self._parts.get(id(technique))
        if known is None:
            if self._prepared is not None:
                known = self._prepared.part(technique).of(self.model)
            else:
                known = replace(
                    self, technique=technique, kept={}, _demos={}, _unstaged=None, _parts={}, _of={}
                )
            self._parts[id(technique)] = known
        return known

    def of(self, model: Model) -> CellContext:
        """The same cell asked of another of the experiment's models: what it prepared is shared."""
        if model.name not in self._of:
            self._of[model.name] = replace(
                self, model=model, _unstaged=None, _parts={}, _prepared=self, _of={}
            )
        return self._of[model.name]

    async def prepare(self) -> None:
        """Prepares the technique and all those inside it. Once, before the first trial."""
        for _, part in self.technique.parts():
            inner = self.part(part)
            inner.door, inner.compiling = self.door, self.compiling
            await inner.prepare()
        spec = self.technique.demo_spec(self.task)
        if spec is not None:
            selector = self.select_demos(spec)
            if spec.select == "knn" and spec.count and self.embedding is not None and self.door is not None:
                from promptlab.retrieval import VectorIndex

                vectors = await self.embed(selector.texts)
                selector.use_vectors(VectorIndex(selector.texts, vectors))
        await self.technique.prepare(self)

    def check(self) -> None:
        """ExperimentError for what is wrong with the technique, or those inside it, on this data."""
        technique = self.technique
        if technique.context is not None and not technique.context.gathers:
            raise ExperimentError(
                f"{technique.context.registered_name} finds nothing to stand before a prompt",
                field="context",
                remedy="Use retrieval, knowledge_graph, mind_map, think_on_graph or generated_knowledge.",
            )
        if technique.demos is not None and not technique.shows_demos:
            raise ExperimentError(
                f"{technique.registered_name} has prompts of its own and shows no demos",
                field="demos",
                remedy="Remove `demos:`.",
            )
        for name, part in technique.parts():
            try:
                self.part(part).check()
            except ExperimentError as error:
                error.field = ".".join(filter(None, (name, error.field)))
                raise
        spec = technique.demo_spec(self.task)
        if spec is not None:
            first = self.dataset.first("test").question()
            selector = self.select_demos(spec)
            for demo in selector.select(first, seeded(self.seed)):
                technique.check_demo(demo)
        technique.check(self)

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """One vector per text, by the experiment's embedding model, through the door."""
        if self.embedding is None or self.door is None:
            raise RuntimeError("embed() needs an embedding model and the door")
        requests = embedding_requests(self.embedding, texts, self.cell, self.timeout_s)
        return list(vectors_of([await self.door.complete(each) for each in requests]).vectors)

    def chosen(self, stage: Mapping[str, Any]) -> Sampling:
        """A call's sampling, strongest first: the variant's, the stage's, the model's, the technique's."""
        if not stage and self._unstaged is not None:
            return self._unstaged
        values = {**self.technique.default_sampling, **self.model.sampling, **stage, **self.sampling}
        wished = self.model.sampling.keys() | self.sampling.keys()
        chosen = Sampling(
            values,
            frozenset(values.keys() - wished),
            tuple(sorted((key, repr(value)) for key, value in values.items())),
        )
        if not stage:
            self._unstaged = chosen
        return chosen

    def select_demos(self, spec: DemoSpec) -> DemoSelector:
        """The selector over what `spec` names. ExperimentError where there are too few."""
        self._demos = {0: self._selector(spec, 0)}
        return self._demos[0]

    def demos_of(self, repeat: int) -> DemoSelector | None:
        """The selector of one repeat: that of the first, unless each repeat draws its own demos."""
        if not self._demos:
            return None
        first = self._demos[0]
        if "demos" not in self.vary or not first.spec.drawn_once:
            return first
        if repeat not in self._demos:
            self._demos[repeat] = self._selector(first.spec, repeat)
        return self._demos[repeat]

    def _selector(self, spec: DemoSpec, repeat: int) -> DemoSelector:
        from promptlab.retrieval import DemoSelector

        # Equal prompts are equal questions, whatever else their rows say.
        return DemoSelector(self.dataset.view("train"), spec, self.seed, text=self._text, repeat=repeat)

    def _text(self, question: Question) -> str:
        own = own_text(question)
        return self.task.render_prompt(question) if own is None else own
