"""A queue within this process: for stores that keep nothing, and for tests. What waits in it ends with the process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mcp_memory.ports.jobs import RunJob


class InlineQueue:
    """Keeps ids in order until somebody consumes them, then runs them as tasks of the same event loop."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[str] = asyncio.Queue()

    async def enqueue(self, job_id: str) -> None:
        await self._waiting.put(job_id)

    async def waiting(self) -> int:
        return self._waiting.qsize()

    @asynccontextmanager
    async def consuming(self, run: RunJob, *, concurrency: int, poll_seconds: float) -> AsyncIterator[None]:  # noqa: ARG002 -- nothing has to be looked for
        stopped = asyncio.Event()
        workers = [asyncio.create_task(self._work(run, stopped)) for _ in range(concurrency)]
        try:
            yield
        finally:
            stopped.set()
            await asyncio.gather(*workers)

    async def _work(self, run: RunJob, stopped: asyncio.Event) -> None:
        until = asyncio.create_task(stopped.wait())
        while not stopped.is_set():
            taken = asyncio.create_task(self._waiting.get())
            await asyncio.wait({taken, until}, return_when=asyncio.FIRST_COMPLETED)
            if taken.done():
                await run(taken.result())
            else:
                taken.cancel()

    async def close(self) -> None:
        return
