"""Jobs: work that is done later. What a job may become is decided here; stores apply these rules in one transaction.

    queued -> running -> succeeded | failed | cancelled
       ^         |
       +---------+   after a failure, with a delay; after its worker died; or when its worker handed it back

``attempts`` counts how often a job was taken. It tells whoever holds the job from whoever held it before: what a
worker says of an attempt that is no longer the last one is not heard.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b

from pydantic import Field, JsonValue

from mcp_memory.domain.moments import Moment
from mcp_memory.domain.records import Record
from mcp_memory.domain.scope import Scope

FIRST_PAUSE = timedelta(seconds=10)
"""Between the first failure and the second attempt; each further pause is four times as long."""
LONGEST_PAUSE = timedelta(hours=1)
MAX_ERROR = 2_000
"""Characters that are kept of an error."""
DIED = "its worker ended before the job did"


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class JobProgress(Record):
    """How far a job is."""

    done: int = 0
    total: int = 0
    message: str = ""


class Job(Record):
    """One piece of work for later, whole, as stored."""

    id: str
    name: str
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    namespace: str | None = None
    user_id: str | None = None
    session_id: str | None = None
    dedup_key: str | None = None
    """While a job is unfinished there is no second one of its key."""
    state: JobState = JobState.QUEUED
    attempts: int = 0
    returned: int = 0
    """Attempts that were handed back unfinished by a worker that was told to leave; they do not count."""
    max_attempts: int = 3
    not_before: Moment
    lease_until: Moment | None = None
    """Until when whoever runs it has said to be alive."""
    progress: JobProgress = Field(default_factory=JobProgress)
    result: JsonValue = None
    error: str | None = None
    created_at: Moment
    started_at: Moment | None = None
    """Of the last attempt."""
    finished_at: Moment | None = None
    cancel_requested: bool = False

    @property
    def scope(self) -> Scope:
        """Whose memories the job is about."""
        return Scope(self.namespace, self.user_id, self.session_id)

    @property
    def finished(self) -> bool:
        """Say whether nothing more will become of it."""
        return self.finished_at is not None

    @property
    def due_at(self) -> datetime | None:
        """From when on a worker may take it; None for a finished one."""
        if self.finished:
            return None
        return self.lease_until if self.state is JobState.RUNNING else self.not_before

    @property
    def exhausted(self) -> bool:
        """Say whether every attempt that it has was used up."""
        return self.attempts - self.returned >= self.max_attempts

    def ready_at(self, now: datetime) -> bool:
        """Say whether a worker may take it."""
        return self.due_at is not None and self.due_at <= now

    def held_at(self, attempt: int) -> bool:
        """Say whether this attempt is the one that is running."""
        return self.state is JobState.RUNNING and self.attempts == attempt


def dedup_key(name: str, scope: Scope, arguments: dict[str, JsonValue]) -> str:
    """Return what two jobs share that would do the same work; jobs of two scopes never share it."""
    parts = [scope.namespace, scope.user_id, scope.session_id, arguments]
    digest = blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=16)
    return f"{name}:{digest.hexdigest()}"


def pause_after(attempts: int) -> timedelta:
    """Return how long to wait after so many failed attempts."""
    return min(FIRST_PAUSE * (1 << 2 * min(attempts - 1, 9)), LONGEST_PAUSE)


def claimed(job: Job, *, now: datetime, lease: timedelta) -> Job | None:
    """Return the job as it is when a worker takes it; None if it may not.

    One whose worker died with its last attempt is failed instead; one that was to be cancelled is cancelled.
    """
    if not job.ready_at(now):
        return None
    if job.cancel_requested:
        return _ended(job, JobState.CANCELLED, now)
    if job.exhausted:
        return _ended(job, JobState.FAILED, now, error=DIED)
    return job.model_copy(
        update={
            "state": JobState.RUNNING,
            "attempts": job.attempts + 1,
            "started_at": now,
            "lease_until": now + lease,
            "progress": JobProgress(),
        }
    )


def reported(job: Job, attempt: int, progress: JobProgress, lease_until: datetime) -> Job | None:
    """Return the job with its lease extended; None if this attempt no longer holds it."""
    if not job.held_at(attempt):
        return None
    return job.model_copy(update={"progress": progress, "lease_until": lease_until})


def succeeded(job: Job, attempt: int, result: JsonValue, now: datetime) -> Job | None:
    """Return the job as done; None if this attempt no longer holds it."""
    if not job.held_at(attempt):
        return None
    return _ended(job, JobState.SUCCEEDED, now).model_copy(update={"result": result, "error": None})


def failed(job: Job, attempt: int, error: str, now: datetime, *, for_good: bool) -> Job | None:
    """Return the job to be tried again after a pause, or failed for good; None if this attempt does not hold it."""
    if not job.held_at(attempt):
        return None
    if job.cancel_requested:
        return _ended(job, JobState.CANCELLED, now, error=error)
    if for_good or job.exhausted:
        return _ended(job, JobState.FAILED, now, error=error)
    again = _queued(job, now + pause_after(job.attempts - job.returned))
    return again.model_copy(update={"error": error[:MAX_ERROR]})


def handed_back(job: Job, attempt: int, now: datetime) -> Job | None:
    """Return the job ready for another worker, the attempt uncounted; None if this attempt no longer holds it."""
    if not job.held_at(attempt):
        return None
    return _queued(job, now).model_copy(update={"returned": job.returned + 1})


def stopped(job: Job, attempt: int, now: datetime) -> Job | None:
    """Return the job as cancelled by its worker; None if this attempt no longer holds it."""
    return _ended(job, JobState.CANCELLED, now) if job.held_at(attempt) else None


def cancelled(job: Job, now: datetime) -> Job | None:
    """Return the job as cancelled if nobody runs it, else with the wish noted; None if it is finished."""
    if job.finished:
        return None
    if job.state is JobState.QUEUED:
        return _ended(job, JobState.CANCELLED, now)
    return job.model_copy(update={"cancel_requested": True})


def _queued(job: Job, not_before: datetime) -> Job:
    return job.model_copy(update={"state": JobState.QUEUED, "not_before": not_before, "lease_until": None})


def _ended(job: Job, state: JobState, now: datetime, *, error: str | None = None) -> Job:
    told = job.error if error is None else error[:MAX_ERROR]
    return job.model_copy(update={"state": state, "finished_at": now, "lease_until": None, "error": told})
