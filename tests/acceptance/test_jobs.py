"""Jobs done by started programs: killed, told to leave, two at once, and beside a server's requests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from mcp_memory.bootstrap import open_memory
from mcp_memory.config import read_settings
from mcp_memory.domain.filters import Where
from mcp_memory.domain.jobs import Job, JobState
from mcp_memory.domain.requests import Create, ListJobs, NewMemory
from mcp_memory.services.memory import Memory
from tests import redis_server
from tests.acceptance.conftest import patiently
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from tests.acceptance.conftest import Starter, Wire

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(os.name != "posix", reason="Windows ends processes without asking"),
]

MANY = 1_500
"""Facts whose compaction takes long enough to be disturbed."""
WORKER = (sys.executable, "-m", "mcp_memory", "task-worker")
PERIODS = {
    "compact": "COMPACTION_EVERY_MINUTES",
    "expire": "EXPIRY_EVERY_MINUTES",
    "optimise": "OPTIMISE_EVERY_MINUTES",
    "refresh_views": "SUMMARY_VIEW_REFRESH_EVERY_MINUTES",
}
"""What is done by itself, and the setting that says how often."""
NO_PERIODS = dict.fromkeys(PERIODS.values(), "0")
AT_ONCE = {"EMBEDDED_WORKER_DELAY_SECONDS": "0"}
ONE_LONG_PERIOD = dict.fromkeys(PERIODS.values(), "5256000")
OLD = "agent_memory_server.long_term_memory.compact_long_term_memories"
EVERYTHING = ListJobs(limit=100)


STORE = (
    "MEMORY_STORE_URL",
    "REDIS_URL",
    "REDISVL_INDEX_NAME",
    "REDISVL_INDEX_PREFIX",
    "REDISVL_INDEXING_ALGORITHM",
    "EMBEDDING_MODEL",
)


@pytest.fixture(params=["sqlite", "redis"])
def environment(environment: dict[str, str], request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The same for a store in a file, and for one in Redis, which existing configurations name by REDIS_URL."""
    if request.param == "sqlite":
        yield environment
        return
    place = redis_server.place(request.getfixturevalue("redis_url"))
    named = {"REDIS_URL": place.url, "REDISVL_INDEX_NAME": place.index, "REDISVL_INDEX_PREFIX": place.prefix}
    named["REDISVL_INDEXING_ALGORITHM"] = "FLAT"
    yield {name: value for name, value in environment.items() if name != "MEMORY_STORE_URL"} | named
    redis_server.erase(place)


@pytest.fixture
async def memory(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Memory]:
    """The same store, opened in this process."""
    for name in STORE:
        if name in environment:
            monkeypatch.setenv(name, environment[name])
    opened = await open_memory(read_settings())
    yield opened
    await opened.close()


async def remember(memory: Memory, facts: int, copies: int = 2) -> None:
    """Store each fact so many times."""
    for first in range(0, facts * copies, 1000):
        numbers = range(first, min(first + 1000, facts * copies))
        new = [NewMemory(text=f"Fact {number // copies} about the harbour") for number in numbers]
        await memory.long_term.create(Create(memories=new, deduplicate=False))


async def remaining(memory: Memory) -> int:
    return await memory.store.count(Where())


async def until(memory: Memory, job_id: str, condition: Callable[[Job], bool]) -> Job:
    """Return the job when it is as the test wants it."""

    looks = patiently()
    while not condition(seen := await memory.jobs.get(job_id)):
        assert not seen.finished, seen
        next(looks)
    return seen


async def finished(memory: Memory, count: int) -> list[Job]:
    """Return the jobs when so many have finished."""

    for _ in patiently():
        jobs = (await memory.jobs.list(EVERYTHING)).jobs
        if len([job for job in jobs if job.finished]) >= count:
            break
    return jobs


def schedule(start: Starter, *arguments: str) -> list[str]:
    """Call ``schedule-task`` as a person does; return its lines."""
    done = subprocess.run(
        [sys.executable, "-m", "mcp_memory", "schedule-task", *arguments],
        env=start.environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    return done.stdout.splitlines()


def told(worker: Wire, words: str) -> None:
    """Wait until the worker's log says so."""
    assert worker.process.stderr
    line = b""
    while words.encode() not in line:
        line = worker.process.stderr.readline()
        assert line, "the worker left"


async def test_a_worker_killed_in_the_middle_loses_nothing(start: Starter, memory: Memory) -> None:
    """The next one is handed the job after the redelivery timeout, and it is done once."""
    await remember(memory, MANY)
    job_id = schedule(start, OLD)[-1].removeprefix("Job: ")
    start.environment |= NO_PERIODS
    first = start(*WORKER, "--concurrency", "5", "--redelivery-timeout", "1")
    await until(memory, job_id, lambda job: job.state is JobState.RUNNING)
    first.process.kill()
    first.process.wait()
    assert (await memory.jobs.get(job_id)).state is JobState.RUNNING
    second = start(*WORKER, "--redelivery-timeout", "60")
    done = await until(memory, job_id, lambda job: job.finished)
    assert (done.state, done.attempts) == (JobState.SUCCEEDED, 2)
    assert await remaining(memory) == MANY
    second.process.send_signal(signal.SIGTERM)
    assert second.leave()[0] == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_worker_that_is_told_to_leave_finishes_or_hands_back(
    start: Starter, memory: Memory, number: signal.Signals
) -> None:
    await remember(memory, 500)
    start.environment |= NO_PERIODS
    worker = start(*WORKER)
    job_id = schedule(start, "compact")[-1].removeprefix("Job: ")
    await until(memory, job_id, lambda job: job.attempts == 1)
    worker.process.send_signal(number)
    code, err, _ = worker.leave()
    assert (code, "Traceback" in err) == (0, False)
    job = await memory.jobs.get(job_id)
    assert (job.state, job.returned) in {(JobState.SUCCEEDED, 0), (JobState.QUEUED, 1)}


async def test_a_worker_that_is_told_twice_leaves_at_once(start: Starter, memory: Memory) -> None:
    await remember(memory, MANY)
    start.environment |= NO_PERIODS
    worker = start(*WORKER)
    job_id = schedule(start, "compact")[-1].removeprefix("Job: ")
    await until(memory, job_id, lambda job: job.state is JobState.RUNNING)
    worker.process.send_signal(signal.SIGTERM)
    told(worker, "leaves when what runs is done")
    worker.process.send_signal(signal.SIGTERM)
    assert worker.leave()[0] == 128 + signal.SIGTERM
    assert (await memory.jobs.get(job_id)).state is JobState.RUNNING


async def test_two_workers_do_a_periodic_job_once(start: Starter, memory: Memory) -> None:
    start.environment |= ONE_LONG_PERIOD
    workers = [start(*WORKER) for _ in range(2)]
    for worker in workers:
        told(worker, "does the jobs of")
    by_hand = schedule(start, "compact", "-a", "namespace=work")[-1].removeprefix("Job: ")
    await until(memory, by_hand, lambda job: job.finished)
    await finished(memory, len(PERIODS) + 1)
    for worker in workers:
        worker.process.send_signal(signal.SIGTERM)
        assert worker.leave()[0] == 0
    jobs = (await memory.jobs.list(EVERYTHING)).jobs
    assert Counter(job.name for job in jobs) == Counter([*PERIODS, "compact"])
    assert {(job.state, job.attempts) for job in jobs} == {(JobState.SUCCEEDED, 1)}


async def test_the_documented_lines_schedule_compaction(start: Starter, memory: Memory) -> None:
    """Verbatim, but for ``uv run``."""
    for path in (OLD, "mcp_memory.long_term_memory.compact_long_term_memories"):
        lines = schedule(start, path)
        assert lines[:2] == [f"Scheduling task {path} with arguments: {{}}", "Task scheduled successfully"]
    (job,) = (await memory.jobs.list(EVERYTHING)).jobs
    assert lines[2] == f"Job: {job.id}"


async def test_a_server_tidies_by_itself_when_it_is_idle(start: Starter, memory: Memory) -> None:
    await remember(memory, 20, copies=5)
    start.environment |= ONE_LONG_PERIOD | AT_ONCE
    wire = start()
    assert wire.call("search_long_term_memory", text="")["total"] == 100
    jobs = await finished(memory, len(PERIODS))
    assert {(job.name, job.state) for job in jobs} == {(name, JobState.SUCCEEDED) for name in PERIODS}
    assert wire.call("search_long_term_memory", text="")["total"] == 20
    job_id = schedule(start, "optimise")[-1].removeprefix("Job: ")
    await until(memory, job_id, lambda job: job.finished)
    assert wire.leave()[0] == 0


async def test_a_server_that_ends_hands_back_its_job(start: Starter, memory: Memory) -> None:
    await remember(memory, MANY)
    job_id = schedule(start, "compact")[-1].removeprefix("Job: ")
    start.environment |= NO_PERIODS | AT_ONCE
    wire = start()
    wire.call("get_working_memory", session_id="none")
    await until(memory, job_id, lambda job: job.state is JobState.RUNNING)
    code, err, _ = wire.leave()
    assert (code, "Traceback" in err) == (0, False)
    job = await memory.jobs.get(job_id)
    assert (job.state, job.returned) in {(JobState.SUCCEEDED, 0), (JobState.QUEUED, 1)}


@pytest.mark.parametrize("setting", [{"TASK_BACKEND": "docket"}, {"USE_DOCKET": "true"}, {}])
async def test_a_server_leaves_the_jobs_to_a_worker(start: Starter, memory: Memory, setting: dict[str, str]) -> None:
    """Where it is told so; and none begins before the server was idle for a while."""
    await remember(memory, 2)
    start.environment |= setting | (AT_ONCE if setting else {})
    wire = start()
    for _ in range(3):
        assert wire.call("search_long_term_memory", text="")["total"] == 4
    assert wire.leave()[0] == 0
    assert (await memory.jobs.list(EVERYTHING)).total == 0
