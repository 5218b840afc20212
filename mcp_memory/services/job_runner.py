"""Doing jobs: taking one, keeping its lease while it runs, and recording what became of it.

Every process that works has one runner. Whatever it is killed in the middle of is taken by another one when the lease
is over; what an old holder says afterwards is not heard.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Literal, TypeAlias

from pydantic import JsonValue, ValidationError

from mcp_memory.domain.jobs import (
    Job,
    JobProgress,
    JobState,
    claimed,
    failed,
    handed_back,
    reported,
    stopped,
    succeeded,
)
from mcp_memory.errors import InvalidRequest, NotFound, QueueUnavailable, StoreError, StoreReadOnly
from mcp_memory.ports.given import Clock, Progress
from mcp_memory.ports.jobs import JobRule, TaskQueue
from mcp_memory.services.jobs import JobKind
from mcp_memory.services.memory import Memory

logger = logging.getLogger(__name__)

Pause: TypeAlias = Callable[[], Awaitable[None]]
"""Wait as long as something else should go first."""

WHOLE_PAGE = 100
"""Ids that are enqueued again at once."""
LONGEST_BEAT = 5.0
"""Seconds after which a running job is looked at, so that one who cancels it need not wait long."""
PROGRESS_SECONDS = 1.0
"""Progress is recorded at most so often."""
LONGEST_TROUBLE = 60.0
"""Seconds between two tries while the store fails."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Terms:
    """How a process works."""

    lease: timedelta = timedelta(minutes=1)
    """A job whose worker has not been heard of for so long is taken by another."""
    periods: Mapping[str, timedelta] = field(default_factory=dict)
    """The jobs that are done by themselves, and how often."""
    concurrency: int = 1
    poll_seconds: float = 1.0
    tend_seconds: float = 1.0
    """Between two looks for jobs that no message told of."""
    grace_seconds: float = 0.0
    """What running jobs may take to finish when the process is told to leave; then they are handed back."""


async def no_pause() -> None:
    """Let nothing go first."""


@dataclass(slots=True, eq=False)
class _Attempt:
    """One attempt at a job, while it runs in this process."""

    job: Job
    progress: JobProgress = field(default_factory=JobProgress)
    work: asyncio.Task[JsonValue] | None = None
    why: Literal["cancelled", "lost", "handed back"] | None = None

    def stop(self, why: Literal["cancelled", "lost", "handed back"]) -> None:
        """End the act at its next ``await``, at the latest at its next report of progress."""
        if self.work is not None and self.why is None:
            self.why = why
            self.work.cancel()


class JobRunner:
    """Does the jobs of one memory in this process, as many at once as its queue has workers."""

    def __init__(
        self, memory: Memory, queue: TaskQueue, clock: Clock, terms: Terms, *, pause: Pause = no_pause
    ) -> None:
        self._memory = memory
        self._store = memory.store
        self._queue = queue
        self._clock = clock
        self._terms = terms
        self._pause = pause
        self._kinds: Mapping[str, JobKind[Any]] = {kind.name: kind for kind in memory.jobs.kinds}
        self._attempts: set[_Attempt] = set()
        self._begun: dict[str, datetime] = {}
        self._asked: set[str] = set()
        self._leaving = False

    async def work(self, stop: asyncio.Event) -> None:
        """Do jobs until the event; what then runs is finished within the grace, or handed back.

        Raises:
            StoreReadOnly: nothing can be done here.
        """
        loop = asyncio.get_running_loop()
        self._leaving = False
        end: asyncio.TimerHandle | None = None
        terms = self._terms
        try:
            async with self._queue.consuming(self.run, concurrency=terms.concurrency, poll_seconds=terms.poll_seconds):
                try:
                    await self._tend_until(stop)
                finally:
                    self._leaving = True
                    end = loop.call_later(terms.grace_seconds, self._hand_back)
        finally:
            if end is not None:
                end.cancel()

    async def _tend_until(self, stop: asyncio.Event) -> None:
        trouble = 0.0
        while not stop.is_set():
            try:
                await self.tend()
                trouble = 0.0
            except StoreReadOnly:
                raise
            except (StoreError, QueueUnavailable) as error:
                trouble = min(max(2 * trouble, 1.0), LONGEST_TROUBLE)
                logger.warning("jobs wait, next try in %.0f s: %s", trouble, error)
            await _either(stop, self._terms.tend_seconds + trouble)

    async def tend(self) -> None:
        """Schedule what is due, begin the periods, and tell workers of jobs whose message or worker was lost."""
        now = self._clock()
        await self._schedule_due()
        for name, period in self._terms.periods.items():
            began = _EPOCH + (now - _EPOCH) // period * period
            if self._begun.get(name) != began:
                await self._memory.jobs.begin_period(name, self._kinds[name].takes(), began)
                self._begun[name] = began
        ready = await self._store.ready_jobs(list(self._kinds), now, WHOLE_PAGE)
        # While messages wait, all workers are busy: one more for each job would only pile up.
        if ready and not await self._queue.waiting():
            for job_id in ready:
                await self._queue.enqueue(job_id)

    async def _schedule_due(self) -> None:
        """Schedule what is due since this program is another one than the last: once in each process."""
        for kind in self._kinds.values():
            if kind.due is not None and kind.name not in self._asked:
                if await kind.due(self._memory):
                    await self._memory.jobs.schedule(kind.name, kind.takes())
                self._asked.add(kind.name)

    async def run(self, job_id: str) -> None:
        """Do the job of this id if it is still to be done, and record what became of it."""
        try:
            await self._pause()
            if not self._leaving:
                await self._run(job_id)
        except Exception:
            # The outermost frame of a job: its queue would say the same, without what becomes of it.
            logger.exception("job %s was left; it is taken again when its lease is over", job_id)

    async def _run(self, job_id: str) -> None:
        job = await self._store.change_job(job_id, self._claim)
        if job is None or job.state is not JobState.RUNNING:
            return
        logger.info("job %s (%s) begins, attempt %d", job.id, job.name, job.attempts)
        attempt = _Attempt(job)
        self._attempts.add(attempt)
        try:
            rule = await self._outcome(attempt)
        finally:
            self._attempts.discard(attempt)
        ended = await self._store.change_job(job.id, partial(self._end, attempt, rule))
        if ended is None:
            logger.warning("job %s (%s) was taken over by another worker", job.id, job.name)
        else:
            logger.info("job %s (%s): %s", job.id, job.name, ended.state)

    def _claim(self, job: Job) -> Job | None:
        """Take the job, unless it is of a kind that only another version of this program knows."""
        return claimed(job, now=self._clock(), lease=self._terms.lease) if job.name in self._kinds else None

    def _end(self, attempt: _Attempt, rule: JobRule, job: Job) -> Job | None:
        """Apply the rule to the job as it was last seen by whoever did it."""
        now = self._clock()
        there = reported(job, attempt.job.attempts, progress=attempt.progress, lease_until=now)
        return None if there is None else rule(there)

    async def _outcome(self, attempt: _Attempt) -> JobRule:
        """Do the work; return what is to be recorded."""
        number = attempt.job.attempts
        attempt.work = asyncio.create_task(self._acted(attempt))
        beat = asyncio.create_task(self._beat(attempt))
        try:
            result = await attempt.work
        except asyncio.CancelledError:
            if attempt.why is None:
                raise
            end = stopped if attempt.why == "cancelled" else handed_back
            return partial(end, attempt=number, now=self._clock())
        except Exception as error:
            # Whatever an act raises is how it ended, which is recorded.
            logger.exception("job %s (%s) failed, attempt %d", attempt.job.id, attempt.job.name, number)
            told = str(error) or type(error).__name__
            for_good = isinstance(error, InvalidRequest | NotFound)
            return partial(failed, attempt=number, error=told, now=self._clock(), for_good=for_good)
        finally:
            beat.cancel()
        return partial(succeeded, attempt=number, result=result, now=self._clock())

    async def _acted(self, attempt: _Attempt) -> JsonValue:
        kind = self._kinds[attempt.job.name]
        try:
            request = kind.takes.model_validate(attempt.job.arguments)
        except ValidationError as error:
            raise InvalidRequest(f"{kind.name} does not take these arguments: {error}") from error
        return await kind.act(self._memory, request, self._progress_of(attempt))

    def _progress_of(self, attempt: _Attempt) -> Progress:
        async def progress(done: int, total: int, message: str) -> None:
            attempt.progress = JobProgress(done=done, total=total, message=message)
            await self._pause()
            if attempt.why is not None:
                # Python 3.11's wait_for, which Redis' client sends under, now and then forgets a cancellation.
                raise asyncio.CancelledError

        return progress

    async def _beat(self, attempt: _Attempt) -> None:
        """Keep the lease and record progress while the work goes on; stop it where it is no longer wanted."""
        lease = self._terms.lease
        longest = min(lease.total_seconds() / 3, LONGEST_BEAT)
        told, idle = attempt.progress, 0.0
        while attempt in self._attempts:
            step = min(longest, PROGRESS_SECONDS)
            await asyncio.sleep(step)
            idle += step
            if attempt.progress == told and idle < longest:
                continue
            told, idle = attempt.progress, 0.0
            await self._report(attempt, told)

    async def _report(self, attempt: _Attempt, progress: JobProgress) -> None:
        until = self._clock() + self._terms.lease
        rule = partial(reported, attempt=attempt.job.attempts, progress=progress, lease_until=until)
        try:
            there = await self._store.change_job(attempt.job.id, rule)
        except StoreError as error:
            logger.warning("job %s: its lease could not be kept: %s", attempt.job.id, error)
            return
        if there is None:
            attempt.stop("lost")
        elif there.cancel_requested:
            attempt.stop("cancelled")

    def _hand_back(self) -> None:
        for attempt in tuple(self._attempts):
            attempt.stop("handed back")


async def _either(stop: asyncio.Event, seconds: float) -> None:
    """Wait for the event, or so long."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
