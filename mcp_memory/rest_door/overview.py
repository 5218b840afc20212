"""The routes about the server itself: whether it lives, what it holds, its jobs, its metrics."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response
from fastapi.responses import PlainTextResponse

from mcp_memory.domain.access import Access
from mcp_memory.domain.jobs import Job, JobState
from mcp_memory.domain.replies import JobList
from mcp_memory.domain.requests import ListJobs
from mcp_memory.domain.scope import OPEN
from mcp_memory.errors import NotAllowed
from mcp_memory.http_door.metrics import CONTENT_TYPE
from mcp_memory.rest_door.asking import At, served
from mcp_memory.rest_door.health import OK
from mcp_memory.rest_door.routes import Route
from mcp_memory.rest_door.wire import Counts, Health, Id, JobsQuery, Named, NamespaceList, Ready

_UNAVAILABLE = 503


async def health(request: Request) -> Health:
    """Tell the time: the server answers."""
    return Health(now=int(served(request).clock().timestamp() * 1000))


async def ready(request: Request, response: Response) -> Ready:
    """Say whether the store answers and somebody does the background jobs."""
    parts = await served(request).health.parts()
    lacking = "; ".join(f"{name}: {state}" for name, state in parts.items() if state != OK)
    if lacking:
        response.status_code = _UNAVAILABLE
    return Ready(status="not ready" if lacking else "ready", detail=lacking or None, **parts)


async def stats(at: At, named: Named) -> Counts:
    """Say how much is remembered."""
    held = await at.memory.long_term.stats(scope=named.scope, caller=at.caller)
    return Counts.model_validate(held.model_dump())


async def metrics(request: Request, at: At) -> Response:
    """Tell Prometheus what was asked, how long it took, and how much is held.

    These are everybody's requests, so a token that is bound to a namespace or user is refused.
    """
    if at.caller.bound != OPEN:
        raise NotAllowed("Metrics are about everybody, and your token is bound")
    held = await at.memory.long_term.stats(caller=at.caller)
    waiting = await at.memory.jobs.list(ListJobs(states=[JobState.QUEUED, JobState.RUNNING], limit=1), caller=at.caller)
    counts = {
        "memories": held.memories,
        "memories_without_vector": held.without_vector,
        "sessions": held.sessions,
        "unfinished_jobs": waiting.total,
        "bytes": held.bytes,
    }
    return PlainTextResponse(served(request).metrics.text(counts), media_type=CONTENT_TYPE)


async def namespaces(at: At, named: Named, prefix: Annotated[str, Query(max_length=512)] = "") -> NamespaceList:
    """List the first 100 namespaces that begin with the prefix."""
    found = await at.memory.long_term.namespaces(prefix, scope=named.scope, caller=at.caller)
    return NamespaceList(namespaces=found)


async def list_jobs(at: At, asked: Annotated[JobsQuery, Query()]) -> JobList:
    """List background jobs, newest first."""
    return await at.memory.jobs.list(asked, caller=at.caller)


async def get_job(at: At, job_id: Id, named: Named) -> Job:
    """Read one job."""
    return await at.memory.jobs.get(job_id, scope=named.scope, caller=at.caller)


async def cancel_job(at: At, job_id: Id, named: Named) -> Job:
    """Cancel a job: at once if it waits, else its worker stops it within seconds."""
    return await at.memory.jobs.cancel(job_id, scope=named.scope, caller=at.caller)


_SERVER = "Server"
_JOBS = "Jobs"
ROUTES = (
    Route("GET", "/v1/health", health, None, _SERVER),
    Route("GET", "/v1/ready", ready, None, _SERVER),
    Route("GET", "/v1/stats", stats, Access.READ, _SERVER),
    Route("GET", "/v1/namespaces", namespaces, Access.READ, _SERVER),
    Route("GET", "/metrics", metrics, Access.ADMIN, _SERVER),
    Route("GET", "/v1/jobs", list_jobs, Access.ADMIN, _JOBS),
    Route("GET", "/v1/jobs/{job_id}", get_job, Access.ADMIN, _JOBS, (404,)),
    Route("DELETE", "/v1/jobs/{job_id}", cancel_job, Access.ADMIN, _JOBS, (404,)),
)
