"""Jobs scheduled, done, repeated, cancelled and handed back, over the shipped fakes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import JsonValue

from mcp_memory.domain.jobs import Job, JobState
from mcp_memory.domain.requests import Compact, ListJobs, PutSession, Request
from mcp_memory.domain.scope import Scope
from mcp_memory.errors import InvalidRequest, JobNotFound, QueueUnavailable, StoreReadOnly
from mcp_memory.machine import new_ids
from mcp_memory.ports import Progress, TaskQueue
from mcp_memory.queues.inline import InlineQueue
from mcp_memory.services.job_runner import JobRunner, Terms
from mcp_memory.services.job_table import JOBS, Whole
from mcp_memory.services.jobs import JobKind, Jobs
from mcp_memory.services.memory import Memory
from mcp_memory.stores.ephemeral.store import EphemeralStore
from tests.services.conftest import StandingClock

pytestmark = pytest.mark.anyio

PATIENCE = 20
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

    async def dig(self, _: Memory, asked: Digging, progress: Progress) -> JsonValue:
        self.depths.append(asked.depth)
        self.begun.set()
        await progress(1, 2, "digging")
        await self.let_go.wait()
        if self.fault is not None:
            raise self.fault
        return {"depth": asked.depth}


@pytest.fixture
def hole() -> Hole:
    return Hole()


@pytest.fixture
def digging(memory: Memory, hole: Hole, clock: StandingClock) -> Memory:
    """Memory that knows one job more."""
    kinds: list[JobKind[Any]] = [*JOBS, JobKind("dig", "dig a hole", Digging, hole.dig, aliases=("old.dig",))]
    return replace(memory, jobs=Jobs(memory.store, memory.queue, clock, new_ids(), kinds))


def runner(memory: Memory, clock: StandingClock, terms: Terms = TERMS, **extra: Any) -> JobRunner:
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


async def test_a_delayed_job_is_found_when_it_is_due(digging: Memory, hole: Hole, clock: StandingClock) -> None:
    hole.let_go.set()
    job = await digging.jobs.schedule("dig", Digging(), delay=timedelta(hours=1))
    assert await digging.queue.waiting() == 0
    await runner(digging, clock).run(job.id)
    assert hole.depths == []
    clock.advance(hours=1)
    async with working(runner(digging, clock)):
        assert (await waited(digging, job)).state is JobState.SUCCEEDED


async def test_a_job_whose_message_was_lost_is_done(digging: Memory, hole: Hole, clock: StandingClock) -> None:
    hole.let_go.set()
    job = await digging.jobs.schedule("dig", Digging())
    fresh: TaskQueue = InlineQueue()
    async with working(JobRunner(digging, fresh, clock, TERMS)):
        assert (await waited(digging, job)).state is JobState.SUCCEEDED


async def test_a_job_is_kept_where_no_worker_can_be_told(memory: Memory, clock: StandingClock) -> None:
    class Broken(InlineQueue):
        async def enqueue(self, job_id: str) -> None:
            raise QueueUnavailable(job_id)

    jobs = Jobs(memory.store, Broken(), clock, new_ids(), JOBS)
    job = await jobs.schedule("compact", JOBS[0].takes())
    assert await jobs.get(job.id) == job


async def test_messages_do_not_pile_up_while_every_worker_is_busy(
    digging: Memory, hole: Hole, clock: StandingClock
) -> None:
    made = runner(digging, clock)
    async with working(made):
        first = await digging.jobs.schedule("dig", Digging(depth=1))
        await soon(hole.begun)
        second = await digging.jobs.schedule("dig", Digging(depth=2))
        for _ in range(20):
            await made.tend()
        assert await digging.queue.waiting() == 1
        hole.let_go.set()
        await waited(digging, first)
        await waited(digging, second)
    assert hole.depths == [1, 2]


async def test_a_failed_job_is_tried_again_after_a_pause(
    digging: Memory, hole: Hole, clock: StandingClock, caplog: pytest.LogCaptureFixture
) -> None:
    hole.let_go.set()
    hole.fault = ZeroDivisionError("too deep")
    made = runner(digging, clock)
    job = await digging.jobs.schedule("dig", Digging())
    with caplog.at_level(logging.ERROR):
        await made.run(job.id)
    assert "Traceback" in caplog.text
    there = await digging.jobs.get(job.id)
    assert (there.state, there.error, there.attempts) == (JobState.QUEUED, "too deep", 1)
    assert there.not_before > clock.now
    await made.run(job.id)
    assert hole.depths == [1]
    hole.fault = None
    clock.now = there.not_before
    await made.run(job.id)
    there = await digging.jobs.get(job.id)
    assert (there.state, there.error, there.attempts) == (JobState.SUCCEEDED, None, 2)


@pytest.mark.parametrize("fault", [InvalidRequest("no"), JobNotFound("x")])
async def test_what_no_repetition_can_mend_is_not_repeated(
    digging: Memory, hole: Hole, clock: StandingClock, fault: Exception
) -> None:
    hole.let_go.set()
    hole.fault = fault
    job = await digging.jobs.schedule("dig", Digging())
    await runner(digging, clock).run(job.id)
    assert (await digging.jobs.get(job.id)).state is JobState.FAILED


async def test_arguments_that_another_version_stored_fail_the_job(
    digging: Memory, hole: Hole, clock: StandingClock
) -> None:
    job = Job(id="1", name="dig", arguments={"depth": "deep"}, created_at=clock.now, not_before=clock.now)
    await digging.store.put_job(job)
    await runner(digging, clock).run("1")
    there = await digging.jobs.get("1")
    assert there.state is JobState.FAILED
    assert "depth" in (there.error or "")
    assert hole.depths == []


async def test_a_job_that_only_another_version_knows_is_left_to_it(memory: Memory, clock: StandingClock) -> None:
    job = Job(id="1", name="later", created_at=clock.now, not_before=clock.now)
    await memory.store.put_job(job)
    made = runner(memory, clock)
    await made.tend()
    await made.run("1")
    assert await memory.jobs.get("1") == job
    assert await memory.queue.waiting() == 0


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


async def test_a_running_job_is_cancelled_by_its_worker(digging: Memory, hole: Hole, clock: StandingClock) -> None:
    terms = replace(TERMS, lease=timedelta(milliseconds=60))
    async with working(runner(digging, clock, terms)):
        job = await digging.jobs.schedule("dig", Digging())
        await soon(hole.begun)
        assert (await digging.jobs.cancel(job.id)).cancel_requested
        done = await waited(digging, job)
    assert (done.state, done.result) == (JobState.CANCELLED, None)


async def test_the_lease_is_kept_and_progress_is_shown_while_a_job_runs(
    digging: Memory, hole: Hole, clock: StandingClock
) -> None:
    terms = replace(TERMS, lease=timedelta(milliseconds=60))
    async with working(runner(digging, clock, terms)):
        job = await digging.jobs.schedule("dig", Digging())
        await soon(hole.begun)
        clock.advance(seconds=9)
        later = clock.now + terms.lease
        seen = await until(digging, job, lambda job: job.lease_until == later and job.progress.done == 1)
        assert (seen.state, seen.progress.message) == (JobState.RUNNING, "digging")
        hole.let_go.set()
        assert (await waited(digging, job)).attempts == 1


async def test_a_worker_that_lost_its_lease_finishes_nothing(
    digging: Memory, hole: Hole, clock: StandingClock, caplog: pytest.LogCaptureFixture
) -> None:
    job = await digging.jobs.schedule("dig", Digging())
    first = asyncio.create_task(runner(digging, clock).run(job.id))
    await soon(hole.begun)
    clock.advance(seconds=LEASE.total_seconds())
    second = asyncio.create_task(runner(digging, clock).run(job.id))
    running = await until(digging, job, lambda job: job.attempts == 2)
    hole.let_go.set()
    await asyncio.gather(first, second)
    done = await digging.jobs.get(job.id)
    assert (done.state, done.attempts, hole.depths) == (JobState.SUCCEEDED, running.attempts, [1, 1])
    assert "taken over" in caplog.text


async def test_a_worker_that_is_told_to_leave_hands_its_job_back(
    digging: Memory, hole: Hole, clock: StandingClock
) -> None:
    async with working(runner(digging, clock)):
        job = await digging.jobs.schedule("dig", Digging())
        await soon(hole.begun)
    there = await digging.jobs.get(job.id)
    assert (there.state, there.attempts, there.returned) == (JobState.QUEUED, 1, 1)
    hole.let_go.set()
    async with working(runner(digging, clock)):
        assert (await waited(digging, job)).state is JobState.SUCCEEDED


async def test_what_can_finish_within_the_grace_is_finished(digging: Memory, hole: Hole, clock: StandingClock) -> None:
    stop = asyncio.Event()
    work = asyncio.create_task(runner(digging, clock, replace(TERMS, grace_seconds=PATIENCE)).work(stop))
    job = await digging.jobs.schedule("dig", Digging())
    await soon(hole.begun)
    stop.set()
    hole.let_go.set()
    await asyncio.wait_for(work, PATIENCE)
    assert (await digging.jobs.get(job.id)).state is JobState.SUCCEEDED


async def test_a_period_begins_once_for_all_workers(memory: Memory, clock: StandingClock) -> None:
    terms = replace(TERMS, periods={"compact": timedelta(minutes=10), "expire": timedelta(hours=1)})
    workers = [runner(memory, clock, terms) for _ in range(3)]
    for minutes in (0, 3, 6, 9, 10):
        clock.now = clock.now.replace(minute=minutes)
        for made in workers:
            await made.tend()
    # Those of one period are one job as long as it is unfinished.
    assert sorted(job.name for job in (await memory.jobs.list(ALL)).jobs) == ["compact", "expire"]
    async with working(workers[0]):
        for job in (await memory.jobs.list(ALL)).jobs:
            await waited(memory, job)
    clock.advance(minutes=9)
    for made in workers:
        await made.tend()
    assert (await memory.jobs.list(ALL)).total == 2
    clock.advance(minutes=1)
    for made in workers:
        await made.tend()
    assert [job.name for job in (await memory.jobs.list(ALL)).jobs] == ["compact", "expire", "compact"]


async def test_requests_go_first(digging: Memory, hole: Hole, clock: StandingClock) -> None:
    """A runner beside a server waits before a job and at each step of it."""
    busy = asyncio.Event()
    asked: list[str] = []

    async def pause() -> None:
        asked.append("begin" if not hole.depths else "step")
        await busy.wait()

    made = runner(digging, clock, pause=pause)
    job = await digging.jobs.schedule("dig", Digging())
    hole.let_go.set()
    run = asyncio.create_task(made.run(job.id))
    await asyncio.wait({run}, timeout=0)
    assert (await digging.jobs.get(job.id)).state is JobState.QUEUED
    busy.set()
    await run
    assert asked == ["begin", "step"]


async def test_a_store_that_cannot_be_written_ends_the_work(memory: Memory, clock: StandingClock) -> None:
    class ReadOnly(EphemeralStore):
        async def ready_jobs(self, *_: Any) -> list[str]:
            raise StoreReadOnly("not here")

    made = runner(replace(memory, store=ReadOnly(clock)), clock)
    with pytest.raises(StoreReadOnly):
        await asyncio.wait_for(made.work(asyncio.Event()), PATIENCE)


async def test_jobs_are_listed_and_named_within_their_scope(digging: Memory) -> None:
    mine = await digging.jobs.schedule("dig", Digging(namespace="work"))
    await digging.jobs.schedule("dig", Digging(namespace="home"))
    assert (await digging.jobs.list(ALL, scope=Scope("work"))).jobs == [mine]
    assert (await digging.jobs.list(ListJobs(namespace="work"))).jobs == [mine]
    assert (await digging.jobs.list(ListJobs(states=[JobState.FAILED]))).total == 0
    with pytest.raises(InvalidRequest):
        await digging.jobs.list(ListJobs(namespace="home"), scope=Scope("work"))
    acts: list[Callable[..., Awaitable[Job]]] = [digging.jobs.get, digging.jobs.cancel, digging.jobs.wait]
    for act in acts:
        with pytest.raises(JobNotFound):
            await act(mine.id, scope=Scope("home"))
        with pytest.raises(JobNotFound):
            await act("none")


async def test_what_has_outlived_its_time_is_removed(memory: Memory, clock: StandingClock) -> None:
    """The job ``expire``."""
    made = runner(memory, clock)
    old = await memory.jobs.schedule("optimise", Whole())
    await made.run(old.id)
    await memory.working.put(PutSession(session_id="short", ttl_seconds=60))
    clock.advance(days=7, seconds=1)
    job = await memory.jobs.schedule("expire", Whole())
    await made.run(job.id)
    assert (await memory.jobs.get(job.id)).result == {"sessions": 1, "jobs": 1}
    with pytest.raises(JobNotFound):
        await memory.jobs.get(old.id)


async def test_the_public_names_of_compaction_are_one_job(memory: Memory) -> None:
    kind = memory.jobs.kind("agent_memory_server.long_term_memory.compact_long_term_memories")
    assert kind is memory.jobs.kind("mcp_memory.long_term_memory.compact_long_term_memories")
    assert kind.name == "compact"
