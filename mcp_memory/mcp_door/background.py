"""What the server does when nobody asks: background jobs. They begin late, let requests go first, and end with it."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import anyio

from mcp_memory.errors import StoreReadOnly
from mcp_memory.mcp_door.unanswered import NEVER_ANSWERED

if TYPE_CHECKING:
    from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

    from mcp_memory.mcp_door.on_demand import MemoryOnDemand, Work

logger = logging.getLogger(__name__)

LONGEST_YIELD = 2.0
"""Seconds that a step of a job waits for requests at most: a client that never stops asking must not stop all."""
TURN_SECONDS = 0.000_5
"""How long a thread that computes for a job keeps the interpreter from a request; Python's own 5 ms are felt, since an
answer passes through several threads."""
ENDING_SECONDS = 0.8
"""What handing back a job may take when the server ends; one that is not handed back is taken over later."""


class Traffic:
    """Knows whether a request is being answered."""

    def __init__(self) -> None:
        self._under_way = 0
        self._seen = 0
        self._free = asyncio.Event()
        self._free.set()

    async def watch(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Note the request while it lasts; a middleware of the server."""
        if ctx.method in NEVER_ANSWERED:
            return await call_next(ctx)
        with self.answering():
            return await call_next(ctx)

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Note a request that is being answered while this lasts."""
        self._seen += 1
        self._under_way += 1
        self._free.clear()
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._free.set()

    async def lull(self) -> None:
        """Wait until no request is being answered, but not for ever."""
        if self._under_way:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._free.wait(), LONGEST_YIELD)

    async def quiet(self, seconds: float) -> None:
        """Wait until there was no request for so long."""
        seen = -1
        while seen != self._seen:
            await self._free.wait()
            seen = self._seen
            await asyncio.sleep(seconds)


class Background:
    """Does the work of the memory that was opened, from the first quiet moment until the server ends."""

    def __init__(self, memory: MemoryOnDemand, traffic: Traffic) -> None:
        self._memory = memory
        self._traffic = traffic
        self._stop = asyncio.Event()
        self._working = False
        self._task: asyncio.Task[None] | None = None
        self.failed = False
        """Whether it has ended by an error of its own; nothing is done until the server starts again."""

    def begin(self) -> None:
        """Wait beside the requests for the time to work."""
        self._stop.clear()
        self._task = asyncio.create_task(self._attend())

    async def end(self) -> None:
        """Stop working; what is being done is handed back."""
        task, self._task = self._task, None
        if task is None:
            return
        self._stop.set()
        if not self._working:
            task.cancel()
        with anyio.move_on_after(ENDING_SECONDS, shield=True):
            await asyncio.wait({task})

    async def _attend(self) -> None:
        work = (await self._memory.first_opened()).work
        if work is None:
            return
        await self._traffic.quiet(work.after_seconds)
        self._working = True
        try:
            await self._do(work)
        finally:
            self._working = False

    async def _do(self, work: Work) -> None:
        before = sys.getswitchinterval()
        sys.setswitchinterval(TURN_SECONDS)
        try:
            await work.do(self._stop, self._traffic.lull)
        except StoreReadOnly as error:
            logger.info("no background jobs: %s", error)
        except Exception:
            self.failed = True
            logger.exception("background jobs have ended; requests are still answered")
        finally:
            sys.setswitchinterval(before)


@asynccontextmanager
async def attended(memory: MemoryOnDemand, traffic: Traffic) -> AsyncIterator[Background]:
    """While it lasts, do background jobs between requests; then close what was opened."""
    background = Background(memory, traffic)
    background.begin()
    try:
        yield background
    finally:
        await background.end()
        await memory.close()
