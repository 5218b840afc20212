"""The ports of work for later: where jobs are kept, and what wakes a worker for one. A part of ``ports``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol, TypeAlias

from mcp_memory.domain.jobs import Job, JobState
from mcp_memory.domain.scope import Scope

JobRule: TypeAlias = Callable[[Job], Job | None]
"""Return what a job becomes, or None to leave it as it is; one of ``domain.jobs``. Pure: it may be called twice."""

RunJob: TypeAlias = Callable[[str], Awaitable[object]]
"""Do the job of this id, if it is still to be done; what fails is recorded with the job and does not come out."""


class JobStore(Protocol):
    """Where jobs are kept: the truth about them, whatever messages are lost. ``MemoryStore``'s promises hold.

    A scope narrows: a job is seen within every scope whose given parts are the job's own.
    """

    async def put_job(self, job: Job) -> Job:
        """Store a new job; an unfinished one of the same ``dedup_key`` is answered instead."""

    async def put_periodic(self, job: Job, period_began: datetime) -> Job | None:
        """Store the job if none of its name was put by this verb since the period began; whoever comes first wins.

        Returns None where another process came first, and the unfinished job of the same ``dedup_key`` where there is
        one: that is the work of this period.
        """

    async def job(self, job_id: str, scope: Scope) -> Job | None:
        """Return the job, None where there is none of this id within the scope."""

    async def jobs(
        self, scope: Scope, *, states: Sequence[JobState] = (), limit: int, offset: int = 0
    ) -> tuple[list[Job], int]:
        """Return a page of jobs in these states (all if none is given), newest first, and how many there are."""

    async def ready_jobs(self, names: Sequence[str], now: datetime, limit: int) -> list[str]:
        """Return the ids of jobs of these names that may be taken: due, or their lease over; longest due first."""

    async def change_job(self, job_id: str, rule: JobRule) -> Job | None:
        """Apply the rule in one transaction; return the changed job, None where the rule or the job is not there.

        Of two rules that are applied at once, by whatever process, the second sees what the first made.
        """

    async def prune_jobs(self, finished_before: datetime) -> int:
        """Remove the jobs that finished before this moment; return how many there were."""


class TaskQueue(Protocol):
    """Wakes a worker for a job. Carries ids only, and may lose them: the jobs' store is the truth, see ``JobStore``."""

    async def enqueue(self, job_id: str) -> None:
        """Hand the id to one worker, soon; workers of other processes count.

        Raises:
            QueueUnavailable: it cannot be handed over; the job is kept and a worker will look for it by itself.
        """

    async def waiting(self) -> int:
        """Return how many ids no worker has taken yet."""

    def consuming(self, run: RunJob, *, concurrency: int, poll_seconds: float) -> AbstractAsyncContextManager[None]:
        """Take ids and run them, so many at once, on the event loop of the caller.

        Ids of other processes are seen after ``poll_seconds`` at the latest. At the exit no more are taken, and
        what runs is waited for.
        """

    async def close(self) -> None:
        """Give back files and connections; ids that wait stay."""
