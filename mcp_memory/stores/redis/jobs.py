"""Jobs: a hash for each, found by whose it is, by its state, and by when it is due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from mcp_memory.domain.jobs import Job, JobState
from mcp_memory.domain.moments import microseconds
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.jobs import JobRule
from mcp_memory.stores.redis import queries
from mcp_memory.stores.redis.committing import NUMBER, Check, commit
from mcp_memory.stores.redis.documents import label_digest, pairs
from mcp_memory.stores.redis.server import Command, Server

_OPTIONAL = ("ns", "us", "se", "due", "finished")


async def put(server: Server, job: Job, *, period: Check | None = None) -> Job:
    """Store the job, or answer the unfinished one of its key; the period is begun with it where one is given."""
    commands: list[Command] = []
    checks: list[Check] = []
    if period is not None:
        checks.append(period)
        commands.append(("SET", period.key, microseconds(job.created_at)))
    there = None
    if job.dedup_key is not None:
        key = server.keys.unfinished(job.dedup_key)
        held = await server.call("GET", key)
        checks.append(Check(key, "", held))
        there = None if held is None else await _unfinished(server, held.decode(), job.dedup_key)
        if there is None:
            commands.append(("SET", key, job.id))
    if there is None:
        commands.append(("HSET", server.keys.job(job.id), *pairs(_document(job) | {"number": NUMBER})))
    if commands:
        await commit(server, checks, commands)
    return there or job


async def _unfinished(server: Server, job_id: str, dedup_key: str) -> Job | None:
    there = await _read(server, job_id)
    return there if there is not None and not there.finished and there.dedup_key == dedup_key else None


async def put_periodic(server: Server, job: Job, period_began: datetime) -> Job | None:
    """Store the job if its period has none yet."""
    key = server.keys.period(job.name)
    last = await server.call("GET", key)
    if last is not None and microseconds(period_began) <= int(last) <= microseconds(job.created_at):
        return None
    return await put(server, job, period=Check(key, "", last))


async def _read(server: Server, job_id: str) -> Job | None:
    doc = await server.call("HGET", server.keys.job(job_id), "doc")
    return None if doc is None else Job.model_validate_json(doc)


async def find(server: Server, job_id: str, scope: Scope) -> Job | None:
    """Return the job of this id within the scope."""
    there = await _read(server, job_id)
    return there if there is not None and scope.covers(there.scope) else None


async def page(
    server: Server, scope: Scope, states: Sequence[JobState], limit: int, offset: int
) -> tuple[list[Job], int]:
    """Return a page of jobs, newest first, and how many there are."""
    query = queries.within(scope)
    if states:
        query.wanted.append(queries.tag("state", map(str, states)))
    words = ("RETURN", 1, "doc", "SORTBY", "number", "DESC", "LIMIT", offset, limit)
    answer = await server.find("jobs", query.text, *words)
    return [Job.model_validate_json(row.fields[b"doc"]) for row in answer.rows if row.fields], answer.total


async def ready(server: Server, names: Sequence[str], now: datetime, limit: int) -> list[str]:
    """Return the ids of jobs that may be taken, longest due first."""
    if not names or not limit:
        return []
    text = f"{queries.tag('name', map(label_digest, names))} {queries.until('due', microseconds(now))}"
    steps = ("LOAD", 1, "@id", "SORTBY", 4, "@due", "ASC", "@number", "ASC", "MAX", limit, "LIMIT", 0, limit)
    return [row[b"id"].decode() for row in await server.gather("jobs", text, *steps) if b"id" in row]


async def change(server: Server, job_id: str, rule: JobRule) -> Job | None:
    """Apply the rule to the job, if nobody changed it since it was read."""
    key = server.keys.job(job_id)
    doc = await server.call("HGET", key, "doc")
    changed = None if doc is None else rule(Job.model_validate_json(doc))
    if changed is None:
        return None
    written = _document(changed)
    stale = [name for name in _OPTIONAL if name not in written]
    commands: list[Command] = [("HDEL", key, *stale)] if stale else []
    commands.append(("HSET", key, *pairs(written)))
    await commit(server, [Check(key, "doc", doc)], commands)
    return changed


async def ended(server: Server, finished_before: datetime) -> list[str]:
    """Return the ids of jobs that finished before."""
    text = queries.span("finished", None, microseconds(finished_before))
    answer = await server.find("jobs", text, "RETURN", 1, "id", "LIMIT", 0, queries.MOST_ROWS)
    return [row.fields[b"id"].decode() for row in answer.rows if row.fields]


async def remove(server: Server, job_id: str) -> bool:
    """Delete the job, with the key that may still lead to it."""
    key = server.keys.job(job_id)
    doc = await server.call("HGET", key, "doc")
    if doc is None:
        return False
    checks, commands = [Check(key, "doc", doc)], [("DEL", key)]
    dedup_key = Job.model_validate_json(doc).dedup_key
    if dedup_key is not None:
        unfinished = server.keys.unfinished(dedup_key)
        held = await server.call("GET", unfinished)
        if held == job_id.encode():
            checks.append(Check(unfinished, "", held))
            commands.append(("DEL", unfinished))
    await commit(server, checks, commands)
    return True


def _document(job: Job) -> dict[str, str | bytes | int]:
    parts = (("ns", job.namespace), ("us", job.user_id), ("se", job.session_id), ("name", job.name))
    moments = (("due", job.due_at), ("finished", job.finished_at))
    return {
        "doc": job.model_dump_json(),
        "id": job.id,
        "state": str(job.state),
        **{name: label_digest(value) for name, value in parts if value is not None},
        **{name: microseconds(moment) for name, moment in moments if moment is not None},
    }
