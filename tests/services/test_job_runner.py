"""Doing jobs: found, repeated, cancelled, taken over and handed back, over the shipped fakes."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from mcp_memory.domain.jobs import Job, JobState
from mcp_memory.domain.requests import Request
from mcp_memory.errors import InvalidRequest, JobNotFound, StoreReadOnly
from mcp_memory.machine import new_ids
from mcp_memory.ports.jobs import JobRule, TaskQueue
from mcp_memory.queues.inline import InlineQueue
from mcp_memory.services.job_runner import JobRunner
from mcp_memory.services.job_table import JOBS
from mcp_memory.services.jobs import Jobs
from mcp_memory.services.memory import Memory
from mcp_memory.stores.ephemeral.store import EphemeralStore
from tests.patience import PATIENCE
from tests.services.digging import ALL, LEASE, TERMS, Digging, Hole, runner, soon, until, waited, working
from tests.standing_clock import StandingClock

pytestmark = pytest.mark.anyio


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


async def test_a_running_job_is_cancelled_by_its_worker(digging: Memory, hole: Hole, clock: StandingClock) -> None:
    terms = replace(TERMS, lease=timedelta(milliseconds=60))
    async with working(runner(digging, clock, terms)):
        job = await digging.jobs.schedule("dig", Digging())
        await soon(hole.begun)
        assert (await digging.jobs.cancel(job.id)).cancel_requested
        done = await waited(digging, job)
    assert (done.state, done.result) == (JobState.CANCELLED, None)


async def test_a_job_that_forgets_its_cancellation_is_cancelled_when_it_reports(
    digging: Memory, hole: Hole, clock: StandingClock
) -> None:
    hole.forgets = True
    async with working(runner(digging, clock)):
        job = await digging.jobs.schedule("dig", Digging())
        await soon(hole.begun)
    assert (await digging.jobs.get(job.id)).state is JobState.QUEUED


async def test_a_lease_is_kept_no_longer_than_its_job_runs(digging: Memory, hole: Hole, clock: StandingClock) -> None:
    """Also where a store forgets that its caller was cancelled."""

    class Forgetful(EphemeralStore):
        kept = asyncio.Event()
        forgot = asyncio.Event()

        async def change_job(self, job_id: str, rule: JobRule) -> Job | None:
            there = await super().change_job(job_id, rule)
            if hole.begun.is_set() and not hole.let_go.is_set():
                self.kept.set()
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    self.forgot.set()
            return there

    store = Forgetful(clock)
    made = runner(replace(digging, store=store), clock, replace(TERMS, lease=timedelta(milliseconds=60)))
    job = Job(id="1", name="dig", created_at=clock.now, not_before=clock.now)
    await store.put_job(job)
    before = asyncio.all_tasks()
    run = asyncio.create_task(made.run(job.id))
    await soon(store.kept)
    hole.let_go.set()
    await run
    await soon(store.forgot)
    await asyncio.wait_for(asyncio.gather(*(asyncio.all_tasks() - before)), PATIENCE)


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


async def test_what_waits_for_its_turn_is_not_begun_when_the_process_leaves(
    digging: Memory, hole: Hole, clock: StandingClock
) -> None:
    stop, waits, turn = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def pause() -> None:
        waits.set()
        await turn.wait()

    job = await digging.jobs.schedule("dig", Digging())
    work = asyncio.create_task(runner(digging, clock, pause=pause).work(stop))
    await soon(waits)
    stop.set()
    await asyncio.wait({work}, timeout=0.05)
    turn.set()
    hole.let_go.set()
    await asyncio.wait_for(work, PATIENCE)
    assert (await digging.jobs.get(job.id), hole.depths) == (job, [])


async def test_a_process_asks_once_in_a_period_whether_it_has_begun(memory: Memory, clock: StandingClock) -> None:
    """Each time is a write to the store, which a server that is idle must not make every second."""
    asked: list[datetime] = []

    class Asked(Jobs):
        async def begin_period(self, name: str, request: Request, period_began: datetime) -> Job | None:
            asked.append(period_began)
            return await super().begin_period(name, request, period_began)

    jobs = Asked(memory.store, memory.queue, clock, new_ids(), JOBS)
    made = runner(replace(memory, jobs=jobs), clock, replace(TERMS, periods={"compact": timedelta(minutes=10)}))
    for _ in range(5):
        await made.tend()
    clock.advance(minutes=10)
    await made.tend()
    assert asked == [clock.now - timedelta(minutes=10), clock.now]
