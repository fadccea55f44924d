"""Think-on-Graph: a beam search in a knowledge graph that the model steers, until it knows enough."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

from pydantic import Field

from promptlab.basics.named_file import NamedFile
from promptlab.datasets.sample import Question
from promptlab.datasets.task import Task
from promptlab.techniques.base import Answer, Calls, Fidelity, Technique, technique
from promptlab.techniques.cell import CellContext
from promptlab.techniques.context import TrialContext
from promptlab.techniques.formats import filled
from promptlab.techniques.graph import Graph, Triple, graph_in, shown

_RELATIONS = (
    "{task}\n\nThe entity {entity} stands in these relations:\n{listed}\n\nWhich of them, at most {width}, "
    "help to answer? Rate each from 0 to 1, one a line, like this:\nrelation: 0.8"
)
_ENTITIES = (
    "{task}\n\nThe relation {relation} leads from {entity} to:\n{listed}\n\nHow much does each help to "
    "answer? Rate each from 0 to 1, one a line, like this:\nentity: 0.8"
)
_ENOUGH = (
    "{task}\n\nKnown facts, as triples:\n{facts}\n\nAre these facts, with what you know, enough to answer? "
    "End with one word on a line of its own: yes or no."
)
_FOUND = "Facts of a knowledge graph, as triples, found on the way from the question's entities:"
# A relation of a large graph may lead to thousands of entities.
_MOST_RATED = 20
_WORD = re.compile(r"\b(yes|no)\b", re.IGNORECASE)
_SCORE = re.compile(r"\d?\.\d{1,6}|\b[01]\b")


class _Path(NamedTuple):
    """Triples in a row, the entity they lead to, and the last step's score."""

    triples: tuple[Triple, ...]
    end: str
    score: float = 1.0


class _Way(NamedTuple):
    """A path and a relation that could lead on from it, to these entities."""

    path: _Path
    relation: str
    ends: dict[str, Triple]
    score: float


@technique("think_on_graph")
class ThinkOnGraph(Technique):
    """Think-on-Graph (Sun et al. 2023, arXiv 2307.07697). The model steers a graph search. 1 to 22 calls.

    From the entities that the question names (linked word for word), `width` paths are kept at each of at
    most `depth` steps. Call "relations", for each path: ratings of the relations that lead on; the best
    `width` of all stay. Call "entities", for each of these that leads to several: ratings of where it leads
    (at most 20 are shown); the best `width` stay. Call "enough": whether the triples so far suffice. If so,
    call "answer" has them before the question; if not at the last step, or where nothing leads on, the model
    answers by itself. As `context:` the answer is the other technique's. Where no rating of entities can be
    read, they count alike; an unrated relation is not taken. Records every step, and `ended_by`.
    Limit: linking knows no synonyms.
    """

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact=(
            "width 3, depth 3; relations are rated, then entities; it stops when that is enough, and answers "
            "without the graph when it never is"
        ),
        chat="each call is a conversation of its own",
        rebuilt="all wording; no demos of ratings; entity linking: word for word; only 20 entities rated",
    )
    example: ClassVar[str] = "{technique: think_on_graph, facts_file: triples.csv, width: 3, depth: 3}"

    gathers: ClassVar[bool] = True

    facts_file: NamedFile
    width: int = Field(default=3, ge=1, le=20)
    depth: int = Field(default=3, ge=1, le=10)

    def planned_calls(self, task: Task) -> Calls:
        return self.gathering_calls(task) + Calls()

    def gathering_calls(self, task: Task) -> Calls:
        high = self.depth * (2 * self.width + 1)
        return Calls(0, min(high, 2 * self.width + 1), high)

    def check(self, ctx: CellContext) -> None:
        graph_in(self.facts_file)

    async def prepare(self, ctx: CellContext) -> None:
        ctx.kept["graph"] = graph_in(self.facts_file)

    async def gather(self, question: Question, ctx: TrialContext) -> str:
        graph: Graph = ctx.cell.kept["graph"]
        asked = ctx.task.render_prompt(question)
        entities = graph.linked(asked)
        paths = [_Path((), entity) for entity in entities[: self.width]]
        steps: list[dict[str, Any]] = []
        ctx.note(entities=entities, steps=steps, ended_by="" if paths else "no entity is linked")
        for _ in range(self.depth if paths else 0):
            ways = await self._relations(graph, paths, asked, question, ctx)
            paths = await self._entities(ways, asked, question, ctx)
            if not paths:
                ctx.note(ended_by="nothing leads on")
                return ""
            known = list(dict.fromkeys(triple for path in paths for triple in path.triples))
            enough = await self._ask(_ENOUGH, "enough", question, ctx, task=asked, facts=shown(known))
            words = _WORD.findall(enough)
            steps.append(
                {
                    "relations": [[way.path.end, way.relation, way.score] for way in ways],
                    "paths": [[list(triple) for triple in path.triples] for path in paths],
                    "enough": words[-1].lower() if words else "unreadable",
                }
            )
            if steps[-1]["enough"] == "yes":
                ctx.note(ended_by="enough")
                return f"{_FOUND}\n{shown(known)}"
        if paths:
            ctx.note(ended_by="depth")
        return ""

    async def _relations(
        self, graph: Graph, paths: Sequence[_Path], asked: str, question: Question, ctx: TrialContext
    ) -> list[_Way]:
        """The best rated ways on, of all paths together; of equals the earlier."""
        ways: list[_Way] = []
        for path in paths:
            leads = _leads(graph, path)
            if not leads:
                continue
            listed = "\n".join(leads)
            told = await self._ask(
                _RELATIONS,
                "relations",
                question,
                ctx,
                task=asked,
                entity=path.end,
                listed=listed,
                width=str(self.width),
            )
            rated = ratings(told, list(leads))
            ways += [_Way(path, each, leads[each], score) for each, score in rated.items() if score > 0]
        return sorted(ways, key=lambda way: -way.score)[: self.width]

    async def _entities(
        self, ways: Sequence[_Way], asked: str, question: Question, ctx: TrialContext
    ) -> list[_Path]:
        """The best rated paths, one step longer. One entity needs no rating."""
        found: list[_Path] = []
        for way in ways:
            ends = list(way.ends)[:_MOST_RATED]
            rated = dict.fromkeys(ends, 1.0)
            if len(ends) > 1:
                told = await self._ask(
                    _ENTITIES,
                    "entities",
                    question,
                    ctx,
                    task=asked,
                    relation=way.relation,
                    entity=way.path.end,
                    listed="\n".join(ends),
                )
                rated = ratings(told, ends) or dict.fromkeys(ends, 1 / len(ends))
            found += [
                _Path((*way.path.triples, way.ends[end]), end, way.score * score)
                for end, score in rated.items()
                if score > 0
            ]
        return sorted(found, key=lambda path: -path.score)[: self.width]

    @staticmethod
    async def _ask(text: str, name: str, question: Question, ctx: TrialContext, **values: str) -> str:
        return (await ctx.ask(ctx.words(question, filled(text, **values)), name=name)).text

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        ctx.use_context(await self.gather(question, ctx))
        return Answer(await ctx.ask(ctx.prompt(question)))


def _leads(graph: Graph, path: _Path) -> dict[str, dict[str, Triple]]:
    """Where the relations of a path's end lead that it has not walked, in the order of the file."""
    found: dict[str, dict[str, Triple]] = {}
    for triple in graph.neighbours(path.end):
        if triple not in path.triples:
            end = triple[2] if triple[0] == path.end else triple[0]
            found.setdefault(triple[1], {}).setdefault(end, triple)
    return found


def ratings(text: str, names: Sequence[str]) -> dict[str, float]:
    """The score that a line gives each name, from 0 to 1. A line is about the longest name in it; the first
    line about a name counts, and one without a score does not."""
    found: dict[str, float] = {}
    spelled = sorted(names, key=len, reverse=True)
    for line in text.splitlines():
        said = line.casefold()
        name = next((each for each in spelled if each.casefold() in said), None)
        if name is None or name in found:
            continue
        scores = _SCORE.findall(line[said.rindex(name.casefold()) + len(name) :])
        if scores and float(scores[0]) <= 1:
            found[name] = float(scores[0])
    return {name: found[name] for name in names if name in found}
