"""Jobs in the file. Every function is called within one transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

import apsw

from mcp_memory.domain.jobs import Job, JobState
from mcp_memory.domain.moments import microseconds
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.jobs import JobRule
from mcp_memory.stores.sqlite.filters import Condition
from mcp_memory.stores.sqlite.rows import Row
from mcp_memory.stores.sqlite.statements import sql


def put(connection: apsw.Connection, job: Job) -> Job:
    """Store the job, or answer the unfinished one of its key."""
    there = None if job.dedup_key is None else connection.execute(sql("unfinished_job"), (job.dedup_key,)).get
    if there is not None:
        return _job(there)
    connection.execute(sql("add_job"), (job.id, job.name, *_columns(job)))
    return job


def put_periodic(connection: apsw.Connection, job: Job, period_began: datetime) -> Job | None:
    """Store the job if its period has none yet."""
    now = microseconds(job.created_at)
    if connection.execute(sql("begin_period"), (job.name, now, microseconds(period_began))).get is None:
        return None
    return put(connection, job)


def find(connection: apsw.Connection, job_id: str, scope: Scope) -> Job | None:
    """Return the job of this id within the scope."""
    condition = _within(scope)
    condition.require("id = ?", [job_id])
    found = connection.execute(sql("job", condition.text), condition.values).get
    return None if found is None else _job(found)


def page(
    connection: apsw.Connection, scope: Scope, states: Sequence[JobState], limit: int, offset: int
) -> tuple[list[Job], int]:
    """Return a page of jobs, newest first, and how many there are."""
    condition = _within(scope)
    if states:
        condition.require(sql("has_state"), [_json(states)])
    total = int(connection.execute(sql("count_jobs", condition.text), condition.values).get)
    rows = connection.execute(sql("page_of_jobs", condition.text), (*condition.values, limit, offset))
    return [_job(document) for (document,) in rows], total


def ready(connection: apsw.Connection, names: Sequence[str], now: datetime, limit: int) -> list[str]:
    """Return the ids of jobs that may be taken, longest due first."""
    return [str(found) for (found,) in connection.execute(sql("ready_jobs"), (microseconds(now), _json(names), limit))]


def change(connection: apsw.Connection, job_id: str, rule: JobRule) -> Job | None:
    """Apply the rule to the job."""
    found = connection.execute(sql("job", "id = ?"), (job_id,)).get
    changed = None if found is None else rule(_job(found))
    if changed is not None:
        connection.execute(sql("change_job"), (*_columns(changed), job_id))
    return changed


def prune(connection: apsw.Connection, finished_before: datetime) -> int:
    """Remove the jobs that finished before."""
    connection.execute(sql("prune_jobs"), (microseconds(finished_before),))
    return connection.changes()


def _columns(job: Job) -> Row:
    due, finished = (None if moment is None else microseconds(moment) for moment in (job.due_at, job.finished_at))
    scope = (job.namespace, job.user_id, job.session_id)
    return (*scope, job.dedup_key, str(job.state), due, finished, job.model_dump_json())


def _job(document: object) -> Job:
    return Job.model_validate_json(str(document))


def _json(words: Sequence[str]) -> str:
    return json.dumps([str(word) for word in words])


def _within(scope: Scope) -> Condition:
    found = Condition()
    for column, name in (("namespace", scope.namespace), ("user", scope.user_id), ("session", scope.session_id)):
        if name is not None:
            found.require(f"{column} = ?", [name])
    return found
