"""A job that a test holds, lets go and makes fail, and a worker that lasts as long as a test wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pydantic import JsonValue

from mcp_memory.domain.jobs import Job
from mcp_memory.domain.requests import ListJobs, Request
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.given import Clock, Progress
from mcp_memory.services.job_runner import JobRunner, Terms
from mcp_memory.services.memory import Memory
from tests.patience import PATIENCE

LEASE = timedelta(minutes=1)
TERMS = Terms(lease=LEASE, tend_seconds=0.01)
ALL = ListJobs()


class Digging(Request):
    """A request of the test's own job."""

    namespace: str | None = None
    depth: int = 1

    @property
    def scope(self) -> Scope:
        return Scope(self.namespace)


@dataclass
class Hole:
    """A job that a test holds, lets go, and makes fail."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    depths: list[int] = field(default_factory=list)
    fault: Exception | None = None
    forgets: bool = False
    """Whether it goes on when it is cancelled, as what forgets a cancellation does."""

    async def dig(self, _: Memory, asked: Digging, progress: Progress) -> JsonValue:
        self.depths.append(asked.depth)
        self.begun.set()
        await progress(1, 2, "digging")
        try:
            await self.let_go.wait()
        except asyncio.CancelledError:
            if not self.forgets:
                raise
            await progress(2, 2, "digging on")
        if self.fault is not None:
            raise self.fault
        return {"depth": asked.depth}


def runner(memory: Memory, clock: Clock, terms: Terms = TERMS, **extra: Any) -> JobRunner:
    return JobRunner(memory, memory.queue, clock, terms, **extra)


@asynccontextmanager
async def working(made: JobRunner) -> AsyncIterator[None]:
    stop = asyncio.Event()
    work = asyncio.create_task(made.work(stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(work, PATIENCE)


async def soon(event: asyncio.Event) -> None:
    await asyncio.wait_for(event.wait(), PATIENCE)


async def waited(memory: Memory, job: Job) -> Job:
    return await asyncio.wait_for(memory.jobs.wait(job.id), PATIENCE)


async def until(memory: Memory, job: Job, condition: Callable[[Job], bool]) -> Job:
    """Return the job when it is as the test wants it."""

    async def watch() -> Job:
        async for seen in memory.jobs.watch(job.id):
            if condition(seen):
                return seen
        raise AssertionError("it finished before")

    return await asyncio.wait_for(watch(), PATIENCE)
