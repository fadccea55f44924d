"""Answers that are programs, run against their tests: page by page, several at once, after the trials."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from promptlab.basics.errors import PromptlabError
from promptlab.runs.answers import count_without_score, reread, without_score
from promptlab.runs.control import obeying
from promptlab.runs.events import Listen, told
from promptlab.runs.interrupting import Interruptible, wait_for
from promptlab.runs.progress import Progress
from promptlab.runs.regrade import tasks_of
from promptlab.runs.rows import RereadAnswer, StoredAnswer
from promptlab.runs.store import RunStore
from promptlab.scoring import Answered, AnswerForm, Gold, Scorer
from promptlab.scoring.code_tests import CodeGrade, CodeTests

# Answers in work at once; the sandbox itself runs as many programs as there are processors.
AT_ONCE = 32


@dataclass
class Ran:
    """What one command's programs came to: answers tested by each scorer, and whether it was interrupted."""

    graded: Counter[str] = field(default_factory=Counter)
    interrupted: bool = False


def code_scorers(scorers: Mapping[str, Scorer]) -> dict[str, CodeTests]:
    """Those that run programs."""
    return {name: each for name, each in scorers.items() if isinstance(each, CodeTests)}


def run_missing(
    store: RunStore,
    scorers: Mapping[str, CodeTests],
    rows: Mapping[str, int],
    *,
    allow_unsafe: bool,
    may_interrupt: bool = True,
    tell: Callable[[str], None] = lambda message: None,
    watch: Callable[[Progress], None] | None = None,
    listen: Listen | None = None,
) -> Ran:
    """Tests every stored answer that lacks one of these scores (`rows`: their rows).

    An answer whose program the sandbox had to end becomes the failure `sandbox`, and loses its other scores:
    whoever grades what is missing gives it new ones. UsageError: tests that cannot be run, or nothing may run
    on this machine.
    """
    lacking = max((count_without_score(store, rows[name]) for name in scorers), default=0)
    if not lacking:
        return Ran()
    progress = Progress(planned=lacking, unit="programs")
    if watch is not None:
        watch(progress)
    testing = _Testing(store, scorers, rows, allow_unsafe, progress)
    holder: list[Interruptible] = [testing]

    def dropped() -> Ran:
        testing.interrupt()
        return testing.result

    work = obeying(store, testing, testing.run(), partial(told, listen, progress))
    return wait_for(work, holder, tell, dropped, may_interrupt=may_interrupt)


class _Testing:
    """One use."""

    def __init__(
        self,
        store: RunStore,
        scorers: Mapping[str, CodeTests],
        rows: Mapping[str, int],
        allow_unsafe: bool,
        progress: Progress,
    ) -> None:
        self._store = store
        self._scorers = scorers
        self._rows = rows
        self._allow_unsafe = allow_unsafe
        self._progress = progress
        self._forms = {cell: AnswerForm(task.answer, task.labels) for cell, task in tasks_of(store).items()}
        self.result = Ran()
        self._going = asyncio.Event()
        self._going.set()

    def interrupt(self) -> None:
        """Tests no further answer; what is in work is finished and kept."""
        self.result.interrupted = True
        self._progress.stopping = "interrupted"
        self._going.set()

    def pause(self, paused: bool = True) -> None:
        """Tests no further answer until told otherwise."""
        if not self.result.interrupted:
            (self._going.clear if paused else self._going.set)()
            self._progress.paused = paused

    async def run(self) -> Ran:
        for name in self._scorers:
            pages = without_score(self._store, self._rows[name])
            while not self.result.interrupted:
                page = await asyncio.to_thread(_next, pages)
                if page is None:
                    break
                await self._page(page)
        return self.result

    async def _page(self, page: Sequence[StoredAnswer]) -> None:
        found: list[tuple[StoredAnswer, dict[str, CodeGrade]]] = []
        waiting = iter(page)

        async def work() -> None:
            for each in waiting:
                await self._going.wait()
                if self.result.interrupted:
                    return
                found.append((each, await self._test(each)))
                self._progress.finished += 1

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(AT_ONCE, len(page))):
                    group.create_task(work())
        except* PromptlabError as errors:
            raise errors.exceptions[0] from None
        finally:
            self._keep(found)

    async def _test(self, each: StoredAnswer) -> dict[str, CodeGrade]:
        """All code scorers on one answer: whether its program failed is one fact. Equal tests run once."""
        if each.status == "sandbox" and not each.rule:  # its technique ran a program: there is no answer
            return {name: CodeGrade(0.0) for name in self._scorers}
        sample = each.sample
        gold = Gold(sample.targets, self._forms[each.cell], sample.inputs, sample.metadata)
        answered = Answered(each.text or "", each.value, each.failure)
        by_tests: dict[CodeTests, CodeGrade] = {}
        found = {}
        for name, scorer in self._scorers.items():
            alike = scorer.model_copy(update={"k": 1})
            if alike not in by_tests:
                by_tests[alike] = await alike.grade(answered, gold, allow_unsafe=self._allow_unsafe)
            found[name] = by_tests[alike]
        return found

    def _keep(self, found: Sequence[tuple[StoredAnswer, dict[str, CodeGrade]]]) -> None:
        changed = []
        for each, tested in found:
            failure = next((one.failure for one in tested.values() if one.failure), None)
            status = "sandbox" if failure else "ok" if each.status == "sandbox" and each.rule else each.status
            if status != each.status:
                changed.append(RereadAnswer(each.trial, status, each.value, each.rule or "", True, failure))
                self._progress.failures["sandbox"] += failure is not None
        reread(self._store, changed)
        self._store.add_scores(
            [
                (each.trial, self._rows[name], one.score, None)
                for each, tested in found
                for name, one in tested.items()
            ]
        )
        self.result.graded.update(name for _, tested in found for name in tested)


def _next(pages: Iterator[list[StoredAnswer]]) -> list[StoredAnswer] | None:
    return next(pages, None)
