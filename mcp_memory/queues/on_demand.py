"""A queue that is made when it is first needed: a server that gives no job to anybody loads no library for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from mcp_memory.ports.jobs import RunJob, TaskQueue


class QueueOnDemand:
    """Stands for the queue that ``make`` makes, once, in a thread."""

    def __init__(self, make: Callable[[], TaskQueue]) -> None:
        self._make = make
        self._making = asyncio.Lock()
        self._made: TaskQueue | None = None

    async def _queue(self) -> TaskQueue:
        async with self._making:
            if self._made is None:
                self._made = await asyncio.to_thread(self._make)
            return self._made

    async def enqueue(self, job_id: str) -> None:
        await (await self._queue()).enqueue(job_id)

    async def waiting(self) -> int:
        return await (await self._queue()).waiting()

    @asynccontextmanager
    async def consuming(self, run: RunJob, *, concurrency: int, poll_seconds: float) -> AsyncIterator[None]:
        queue = await self._queue()
        async with queue.consuming(run, concurrency=concurrency, poll_seconds=poll_seconds):
            yield

    async def close(self) -> None:
        if self._made is not None:
            await self._made.close()
