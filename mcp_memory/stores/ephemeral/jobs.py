"""Jobs in a dictionary."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from mcp_memory.domain.jobs import Job, JobState
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.jobs import JobRule


class EphemeralJobs:
    """The port ``JobStore``."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._periods: dict[str, datetime] = {}

    async def put_job(self, job: Job) -> Job:
        return self._put_once(job)

    def _put_once(self, job: Job) -> Job:
        if job.dedup_key is not None:
            same = (held for held in self._jobs.values() if held.dedup_key == job.dedup_key and not held.finished)
            if (there := next(same, None)) is not None:
                return there
        self._jobs[job.id] = job
        return job

    async def put_periodic(self, job: Job, period_began: datetime) -> Job | None:
        last = self._periods.get(job.name)
        if last is not None and period_began <= last <= job.created_at:
            return None
        self._periods[job.name] = job.created_at
        return self._put_once(job)

    async def job(self, job_id: str, scope: Scope) -> Job | None:
        there = self._jobs.get(job_id)
        return there if there is not None and _within(there, scope) else None

    async def jobs(
        self, scope: Scope, *, states: Sequence[JobState] = (), limit: int, offset: int = 0
    ) -> tuple[list[Job], int]:
        newest = reversed(self._jobs.values())
        found = [job for job in newest if _within(job, scope) and (not states or job.state in states)]
        return found[offset : offset + limit], len(found)

    async def ready_jobs(self, names: Sequence[str], now: datetime, limit: int) -> list[str]:
        ready = [(job.due_at or now, job.id) for job in self._jobs.values() if job.name in names and job.ready_at(now)]
        return [job_id for _, job_id in sorted(ready, key=lambda held: held[0])][:limit]

    async def change_job(self, job_id: str, rule: JobRule) -> Job | None:
        there = self._jobs.get(job_id)
        changed = None if there is None else rule(there)
        if changed is not None:
            self._jobs[job_id] = changed
        return changed

    async def prune_jobs(self, finished_before: datetime) -> int:
        before = len(self._jobs)
        self._jobs = {
            job_id: job
            for job_id, job in self._jobs.items()
            if job.finished_at is None or job.finished_at >= finished_before
        }
        return before - len(self._jobs)


def _within(job: Job, scope: Scope) -> bool:
    pairs = ((scope.namespace, job.namespace), (scope.user_id, job.user_id), (scope.session_id, job.session_id))
    return all(wanted in {None, own} for wanted, own in pairs)
