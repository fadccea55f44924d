"""What is missing of a lane's cells, trial by trial, for its workers."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence

from promptlab.experiment import Cell, Plan, Trial
from promptlab.runs.progress import Progress
from promptlab.runs.store import RunStore

CHUNK_SAMPLES = 128


class Feed:
    """The missing trials of some cells, lazily, sample by sample; many workers draw from it.

    The next chunk is placed in the store while one is worked on. Close it with `aclose`.
    """

    def __init__(self, plan: Plan, cells: Sequence[Cell], store: RunStore, progress: Progress) -> None:
        self._plan = plan
        self._cells = cells
        self._store = store
        self._progress = progress
        self._chunks = self._placed()
        self._items: deque[tuple[Trial, int]] = deque()
        self._lock = asyncio.Lock()
        self._done = False

    async def next(self) -> tuple[Trial, int] | None:
        """A trial and its sample's row in the store, or None at the end."""
        while not self._items and not self._done:
            async with self._lock:
                if not self._items and not self._done:
                    try:
                        self._items.extend(await anext(self._chunks))
                    except StopAsyncIteration:
                        self._done = True
        return self._items.popleft() if self._items else None

    async def aclose(self) -> None:
        await self._chunks.aclose()

    async def _placed(self) -> AsyncGenerator[list[tuple[Trial, int]]]:
        by_dataset: dict[str, list[Cell]] = {}
        for cell in self._cells:
            by_dataset.setdefault(cell.dataset.name, []).append(cell)
        placing: asyncio.Task[list[tuple[Trial, int]]] | None = None
        try:
            for group in by_dataset.values():
                dataset = group[0].dataset
                for chunk in self._plan.chunks(group, dataset, CHUNK_SAMPLES):
                    before, placing = placing, asyncio.create_task(self._place(dataset.name, chunk))
                    if before is not None:
                        yield await before
            if placing is not None:
                yield await placing
        finally:
            if placing is not None and not placing.done():
                placing.cancel()
                await asyncio.wait([placing])

    async def _place(self, dataset: str, chunk: list[list[Trial]]) -> list[tuple[Trial, int]]:
        """Enters a chunk's samples into the store; which of its trials are missing there."""
        samples = [(trials[0].position, trials[0].sample) for trials in chunk]
        wanted = [trial.identity for trials in chunk for trial in trials]
        rows, finished = await self._store.place(dataset, samples, wanted)
        self._progress.reused += len(finished)
        return [
            (trial, row)
            for row, trials in zip(rows, chunk, strict=True)
            for trial in trials
            if trial.identity not in finished
        ]
