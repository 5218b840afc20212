"""Jobs as a caller sees them: scheduled, listed, cancelled, and what becomes of each kind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from mcp_memory.domain.access import Caller
from mcp_memory.domain.forgetting import Policy
from mcp_memory.domain.jobs import Job, JobState
from mcp_memory.domain.requests import Compact, Create, ListJobs, NewMemory, PutSession, ShowOperation
from mcp_memory.domain.scope import Scope
from mcp_memory.errors import InvalidRequest, JobNotFound, NotAllowed, QueueUnavailable
from mcp_memory.machine import new_ids
from mcp_memory.queues.inline import InlineQueue
from mcp_memory.services.entries import Indexer
from mcp_memory.services.forgetting import Forgetting
from mcp_memory.services.job_table import JOBS, Whole
from mcp_memory.services.jobs import Jobs
from mcp_memory.services.memory import Memory
from mcp_memory.services.operations import Operations
from tests.patience import PATIENCE
from tests.services.digging import ALL, Digging, Hole, runner, working
from tests.standing_clock import StandingClock

pytestmark = pytest.mark.anyio


async def test_a_scheduled_job_is_done_and_what_came_out_is_kept(
    digging: Memory, hole: Hole, clock: StandingClock
) -> None:
    hole.let_go.set()
    told: list[tuple[int, int, str]] = []

    async def progress(done: int, total: int, message: str) -> None:
        told.append((done, total, message))

    async with working(runner(digging, clock)):
        job = await digging.jobs.schedule("old.dig", Digging(depth=3, namespace="work"))
        done = await asyncio.wait_for(digging.jobs.wait(job.id, progress=progress), PATIENCE)
    assert (done.state, done.result, done.attempts, done.namespace) == (JobState.SUCCEEDED, {"depth": 3}, 1, "work")
    assert (done.arguments, done.started_at) == ({"depth": 3, "namespace": "work"}, clock.now)
    assert told[-1] == (1, 2, "digging")


async def test_a_job_is_not_scheduled_twice_while_it_is_unfinished(digging: Memory) -> None:
    first = await digging.jobs.schedule("dig", Digging())
    assert await digging.jobs.schedule("dig", Digging(depth=1)) == first
    others = [Digging(depth=2), Digging(namespace="work")]
    assert len({first.id, *[(await digging.jobs.schedule("dig", other)).id for other in others]}) == 3


async def test_a_job_is_kept_where_no_worker_can_be_told(memory: Memory, clock: StandingClock) -> None:
    class Broken(InlineQueue):
        async def enqueue(self, job_id: str) -> None:
            raise QueueUnavailable(job_id)

    jobs = Jobs(memory.store, Broken(), clock, new_ids(), JOBS)
    job = await jobs.schedule("compact", JOBS[0].takes())
    assert await jobs.get(job.id) == job


async def test_an_unknown_job_is_refused_and_the_jobs_are_listed(digging: Memory) -> None:
    with pytest.raises(InvalidRequest, match=r"os\.remove is no job") as caught:
        await digging.jobs.schedule("os.remove", Digging())
    assert all(name in str(caught.value) for name in ("compact", "expire", "optimise", "dig", "old.dig"))
    with pytest.raises(InvalidRequest, match="takes a CompactLater"):
        await digging.jobs.schedule("compact", Compact())


async def test_a_waiting_job_is_cancelled_at_once(digging: Memory, hole: Hole, clock: StandingClock) -> None:
    job = await digging.jobs.schedule("dig", Digging())
    assert (await digging.jobs.cancel(job.id)).state is JobState.CANCELLED
    await runner(digging, clock).run(job.id)
    assert hole.depths == []
    assert (await digging.jobs.cancel(job.id)).state is JobState.CANCELLED


async def test_jobs_are_listed_and_named_within_their_scope(digging: Memory) -> None:
    mine = await digging.jobs.schedule("dig", Digging(namespace="work"))
    await digging.jobs.schedule("dig", Digging(namespace="home"))
    assert (await digging.jobs.list(ALL, caller=Caller(bound=Scope("work")))).jobs == [mine]
    assert (await digging.jobs.list(ListJobs(namespace="work"))).jobs == [mine]
    assert (await digging.jobs.list(ListJobs(states=[JobState.FAILED]))).total == 0
    with pytest.raises(NotAllowed):
        await digging.jobs.list(ListJobs(namespace="home"), caller=Caller(bound=Scope("work")))
    acts: list[Callable[..., Awaitable[Job]]] = [digging.jobs.get, digging.jobs.cancel, digging.jobs.wait]
    for act in acts:
        with pytest.raises(JobNotFound):
            await act(mine.id, scope=Scope("home"))
        with pytest.raises(JobNotFound):
            await act("none")


async def test_what_has_outlived_its_time_is_removed(memory: Memory, clock: StandingClock) -> None:
    """The job ``expire``."""
    kept = timedelta(days=7)
    operations = Operations(memory.store, Indexer(memory.embedder), clock, new_ids(), kept)
    memory = replace(memory, operations=operations)
    made = runner(memory, clock)
    await memory.long_term.create(Create(memories=[NewMemory(text="Tea", id="tea")]))
    old = await memory.jobs.schedule("optimise", Whole())
    await made.run(old.id)
    await memory.working.put(PutSession(session_id="short", ttl_seconds=60))
    clock.advance(days=7, seconds=1)
    job = await memory.jobs.schedule("expire", Whole())
    await made.run(job.id)
    assert (await memory.jobs.get(job.id)).result == {"sessions": 1, "jobs": 1, "operations": 1}
    assert (await memory.long_term.get("tea")).text == "Tea"
    with pytest.raises(JobNotFound):
        await memory.jobs.get(old.id)


async def test_memories_are_forgotten_as_the_settings_say(memory: Memory, clock: StandingClock) -> None:
    """The job ``forget``."""
    forgetting = Forgetting(memory.store, clock, new_ids(), Policy(max_age_days=3))
    memory = replace(memory, forgetting=forgetting)
    made = runner(memory, clock)
    await memory.long_term.create(Create(memories=[NewMemory(text="Tea", id="tea")]))
    clock.advance(days=4)
    job = await memory.jobs.schedule("agent_memory_server.long_term_memory.periodic_forget_long_term_memories", Whole())
    await made.run(job.id)
    result = (await memory.jobs.get(job.id)).result
    assert isinstance(result, dict)
    assert (job.name, result["scanned"], result["deleted"]) == ("forget", 1, 1)
    assert (await memory.operations.show(ShowOperation(operation_id=str(result["operation"])))).kind == "forget"


async def test_the_public_names_of_compaction_are_one_job(memory: Memory) -> None:
    kind = memory.jobs.kind("agent_memory_server.long_term_memory.compact_long_term_memories")
    assert kind is memory.jobs.kind("mcp_memory.long_term_memory.compact_long_term_memories")
    assert kind.name == "compact"
