"""Jobs as a caller sees them: scheduled, listed, waited for, cancelled. Doing them is ``services.job_runner``."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Generic, TypeAlias, TypeVar

from pydantic import JsonValue

from mcp_memory.domain.access import LOCAL, Caller
from mcp_memory.domain.jobs import Job, cancelled, dedup_key
from mcp_memory.domain.replies import JobList
from mcp_memory.domain.requests import ListJobs, Request
from mcp_memory.domain.scope import OPEN, Scope
from mcp_memory.errors import InvalidRequest, JobNotFound, QueueUnavailable
from mcp_memory.ports.given import Clock, NewId, Progress
from mcp_memory.ports.jobs import JobStore, TaskQueue
from mcp_memory.services.audit import note

logger = logging.getLogger(__name__)

Target = TypeVar("Target")

JobAct: TypeAlias = Callable[[Target, Any, Progress], Awaitable[JsonValue]]
"""Do the work upon what it is done to, as the request says; return what came out, to be shown.

It runs on the event loop that requests are answered on, so what takes long is handed to a thread by the act itself.
It may be done twice, and ended at any ``await``: both must leave everything in order.
"""

NOW = timedelta()
KEPT = timedelta(days=7)
"""How long finished jobs can be looked at."""
WATCH_SECONDS = 0.2
"""Between two looks at a job that is waited for."""


@dataclass(frozen=True, slots=True)
class Period:
    """How often a job is done by itself."""

    minutes: str
    """The setting that says how many minutes lie between; 0 is never."""
    only_if: str | None = None
    """A setting that must be true."""


@dataclass(frozen=True, slots=True)
class JobKind(Generic[Target]):
    """One row of the table of jobs, which is in ``services.job_table``."""

    name: str
    says: str
    """What it does, in a line."""
    takes: type[Request]
    act: JobAct[Target]
    period: Period | None = None
    due: Callable[[Target], Awaitable[bool]] | None = None
    """Says whether it has to be done; asked once, when a worker begins."""
    aliases: Sequence[str] = ()
    """Dotted names under which scripts schedule it."""
    max_attempts: int = 3


class Jobs:
    """The jobs of one store. What is scheduled is done, whatever process ends, as long as some worker runs."""

    def __init__(
        self,
        store: JobStore,
        queue: TaskQueue,
        clock: Clock,
        new_id: NewId,
        kinds: Sequence[JobKind[Any]],
        retention: timedelta = KEPT,
    ) -> None:
        self._store = store
        self._queue = queue
        self._clock = clock
        self._new_id = new_id
        self._retention = retention
        self._kinds = {kind.name: kind for kind in kinds}
        self._named = self._kinds | {alias: kind for kind in kinds for alias in kind.aliases}

    @property
    def kinds(self) -> Sequence[JobKind[Any]]:
        """The kinds of jobs that there are."""
        return tuple(self._kinds.values())

    def kind(self, name: str) -> JobKind[Any]:
        """Return the kind of job of a name or a dotted name.

        Raises:
            InvalidRequest: it is no job; the message lists the jobs.
        """
        kind = self._named.get(name)
        if kind is None:
            raise InvalidRequest("\n".join([f"{name} is no job. The jobs are:", *map(_line, self.kinds)]))
        return kind

    async def schedule(self, name: str, request: Request, *, delay: timedelta = NOW, job_id: str | None = None) -> Job:
        """Have the job done once by whatever worker is free, after the delay; answers it when it is stored for good.

        An unfinished job that would do the same in the same scope is answered instead of a second one. ``job_id`` is
        the id that the job gets, unless there is one of this id.
        """
        now = self._clock()
        new = self._new(self.kind(name), request, now, now + delay)
        if job_id is not None and await self._store.job(job_id, OPEN) is None:
            new = new.model_copy(update={"id": job_id})
        job = await self._store.put_job(new)
        if job.ready_at(now):
            await self._tell(job)
        return job

    async def begin_period(self, name: str, request: Request, period_began: datetime) -> Job | None:
        """Have the job done if no process has had it done since the period began."""
        now = self._clock()
        job = await self._store.put_periodic(self._new(self.kind(name), request, now, now), period_began)
        if job is not None:
            await self._tell(job)
        return job

    def _new(self, kind: JobKind[Any], request: Request, now: datetime, not_before: datetime) -> Job:
        if not isinstance(request, kind.takes):
            raise InvalidRequest(f"{kind.name} takes a {kind.takes.__name__}, not a {type(request).__name__}")
        arguments = request.model_dump(mode="json", exclude_defaults=True, by_alias=True)
        scope: Scope = getattr(request, "scope", OPEN)
        return Job(
            id=self._new_id(),
            name=kind.name,
            arguments=arguments,
            namespace=scope.namespace,
            user_id=scope.user_id,
            session_id=scope.session_id,
            dedup_key=dedup_key(kind.name, scope, arguments),
            max_attempts=kind.max_attempts,
            not_before=not_before,
            created_at=now,
        )

    async def _tell(self, job: Job) -> None:
        try:
            await self._queue.enqueue(job.id)
        except QueueUnavailable as error:
            logger.warning("no worker could be told of job %s, they will find it: %s", job.id, error)

    async def list(self, request: ListJobs, *, caller: Caller = LOCAL) -> JobList:
        """Return a page of the jobs within the scope, newest first."""
        within = caller.scope(request.scope)
        found, total = await self._store.jobs(within, states=request.states, limit=request.limit, offset=request.offset)
        return JobList(jobs=found, total=total)

    async def get(self, job_id: str, *, scope: Scope = OPEN, caller: Caller = LOCAL) -> Job:
        """Return one job.

        Raises:
            JobNotFound: there is none in this scope.
        """
        job = await self._store.job(job_id, caller.scope(scope))
        if job is None:
            raise JobNotFound(job_id)
        return job

    async def cancel(self, job_id: str, *, scope: Scope = OPEN, caller: Caller = LOCAL) -> Job:
        """Cancel the job: at once if it waits, else its worker stops it within seconds; a finished one stays so."""
        there = await self.get(job_id, scope=scope, caller=caller)
        job = await self._store.change_job(job_id, partial(cancelled, now=self._clock()))
        if job is None:
            return there
        note(caller, f"job {job.name} cancelled: {job.id}", Scope(job.namespace, job.user_id, job.session_id))
        return job

    async def watch(self, job_id: str, *, scope: Scope = OPEN) -> AsyncIterator[Job]:
        """Yield the job, and again whenever it changed, until it is finished."""
        shown: Job | None = None
        while shown is None or not shown.finished:
            job = await self.get(job_id, scope=scope)
            if job != shown:
                shown = job
                yield job
            else:
                await asyncio.sleep(WATCH_SECONDS)

    async def wait(self, job_id: str, *, scope: Scope = OPEN, progress: Progress | None = None) -> Job:
        """Return the job when it is finished, telling meanwhile how far it is."""
        job = await self.get(job_id, scope=scope)
        async for job in self.watch(job_id, scope=scope):
            if progress is not None and job.progress.total:
                await progress(job.progress.done, job.progress.total, job.progress.message)
        return job

    async def left_over(self, due_by: datetime) -> bool:
        """Say whether a job waits that could have been taken at that moment."""
        return bool(await self._store.ready_jobs(tuple(self._kinds), due_by, 1))

    async def prune(self) -> int:
        """Remove the jobs that finished longer ago than they are kept; return how many there were."""
        return await self._store.prune_jobs(self._clock() - self._retention)


def _line(kind: JobKind[Any]) -> str:
    return "\n".join([f"  {kind.name}: {kind.says}", *(f"    {alias}" for alias in kind.aliases)])
