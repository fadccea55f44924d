"""Asking by hand, through the same door, with the same requests as an experiment: one client per home."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

from promptlab.datasets import Dataset, Question
from promptlab.models import Client, Draw, Limits, Message, Request
from promptlab.models.call_record import CallRecord
from promptlab.playground.answering import Answering
from promptlab.playground.candidates import Candidate
from promptlab.playground.prompt import Prompt
from promptlab.runs.opening import open_client
from promptlab.techniques import CellContext, TrialContext
from promptlab.techniques.base import Trace

LEDGER = "playground"
LIMITS = Limits(timeout_s=180.0, retry_429_s=60.0, attempts=3)  # somebody sits in front of it

_askers: dict[Path, Asker] = {}
_lock = threading.Lock()


class Asker:
    """Asks candidates. Its client lives on the process's loop until the process ends, or it is closed.

    `told` is what takes long before a first answer can come: weights on their way.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.told = ""
        self._client: Client | None = None
        self._opening = asyncio.Lock()

    def ask(
        self, candidate: Candidate, prompt: Prompt, question: Question, dataset: Dataset, *, draw: int = 0
    ) -> Answering:
        """The candidate's technique on one question; `dataset` has the rows that its demos come from.

        The request is that of an experiment with this task: what either has paid for, the other has too.
        """
        answer = Answering()

        async def work(answer: Answering) -> str | None:
            door = answer.listens(await self._open())
            cell = CellContext(
                task=prompt.task(),
                model=candidate.model,
                technique=candidate.technique,
                dataset=dataset,
                seed=0,
                timeout_s=LIMITS.timeout_s,
                door=door,
            )
            trial = TrialContext(cell, door, question, draw)
            answer.traces(trial.trace)
            await cell.prepare()
            found = await trial.solve()
            value = trial.read(found).value
            return ", ".join(value) if isinstance(value, tuple) else value

        answer.start(work)
        return answer

    def follow(
        self, candidate: Candidate, history: Sequence[Message], said: str, *, draw: int = 0
    ) -> Answering:
        """A further turn of a conversation: `history` as it was sent and answered, then `said`."""
        answer = Answering()
        technique, model = candidate.technique, candidate.model
        sampling = {**technique.default_sampling, **model.sampling}
        request = Request(
            model=model,
            messages=(*history, Message("user", said)),
            sampling=sampling,
            defaults=frozenset(sampling.keys() - model.sampling.keys()),
            draw=Draw(draw),
            timeout_s=LIMITS.timeout_s,
        )

        async def work(answer: Answering) -> None:
            record = CallRecord(request.name, request.messages, sampling)
            answer.traces(Trace([record]))
            record.completion = await answer.listens(await self._open()).complete(request)

        answer.start(work)
        return answer

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _open(self) -> Client:
        async with self._opening:
            if self._client is None:
                self._client = open_client(self.home, LEDGER, LIMITS, seed=0, tell=self._tell)
            return self._client

    def _tell(self, message: str) -> None:
        self.told = message


def asker(home: Path) -> Asker:
    """The process's asker over that home."""
    with _lock:
        if home not in _askers:
            _askers[home] = Asker(home)
        return _askers[home]
