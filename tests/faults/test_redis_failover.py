"""A replica takes the place of its primary at the same address: what was begun meanwhile is done, and once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import pytest
from redis import Redis

from mcp_memory.domain.jobs import Job, JobState
from mcp_memory.domain.scope import Scope
from mcp_memory.domain.tokens import Token
from mcp_memory.domain.views import SummaryView, SummaryViewPartitionResult
from mcp_memory.errors import StoreBusy
from mcp_memory.ports.views import Partition
from mcp_memory.stores.redis.connecting import Place
from mcp_memory.stores.redis.store import RedisStore
from tests import redis_server
from tests.contracts.entries import EVERYWHERE, candidates, entry, operation, session, vector
from tests.faults.redis_front import COMMIT, Front, fronting
from tests.patience import PATIENCE
from tests.standing_clock import NOON, StandingClock

pytestmark = pytest.mark.anyio


T = TypeVar("T")

REMEMBERED_SECONDS = 300
"""Longer than the driver goes on sending a command."""
TOKEN = {"id": "token", "description": "laptop", "lookup": "l", "token_hash": "h", "created_at": NOON}
JOB = {"id": "job", "name": "compact", "created_at": NOON, "not_before": NOON}
VIEW = {"id": "view", "source": "long_term", "group_by": ["user_id"]}
SUMMARY = SummaryViewPartitionResult(view_id="view", group={"user_id": "ann"}, memory_count=1, computed_at=NOON)


def one_more(job: Job) -> Job:
    """Return the job after another attempt."""
    return job.model_copy(update={"attempts": job.attempts + 1})


def ended(job: Job) -> Job:
    """Return the job after it was done."""
    return job.model_copy(update={"state": JobState.SUCCEEDED, "finished_at": NOON})


class Pair(NamedTuple):
    """A primary and its replica behind one address."""

    front: Front
    primary: redis_server.Running
    replica: redis_server.Running
    store: RedisStore

    def handed_on(self) -> None:
        """Wait until the replica has all that was written until now."""
        with Redis.from_url(self.primary.url) as client:
            client.set("mark", "")
            assert client.wait(1, PATIENCE * 1_000) == 1

    def promote(self) -> None:
        """Let the replica be written."""
        with Redis.from_url(self.replica.url) as client:
            client.replicaof("NO", "ONE")

    async def until_refused(self) -> None:
        """Wait until somebody tried to write to the replica."""
        with Redis.from_url(self.replica.url) as client:
            end = monotonic() + PATIENCE
            while "errorstat_READONLY" not in await asyncio.to_thread(client.info, "errorstats"):
                assert monotonic() < end


@asynccontextmanager
async def pair(folder: Path) -> AsyncIterator[Pair]:
    async with AsyncExitStack() as stack:
        servers = []
        for name in ("primary", "replica"):
            (folder / name).mkdir()
            servers.append(stack.enter_context(redis_server.to_be_had(redis_server.server(folder / name))))
        primary, replica = servers
        with Redis.from_url(replica.url) as client:
            client.replicaof("127.0.0.1", str(primary.port))
            end = monotonic() + PATIENCE
            while client.info("replication")["master_link_status"] != "up":
                assert monotonic() < end
        front, url = await stack.enter_async_context(fronting(Front(primary.port)))
        store = RedisStore(Place(url), clock=StandingClock())
        await store.open()
        stack.push_async_callback(store.close)
        yield Pair(front, primary, replica, store)


async def test_a_write_whose_answer_was_lost_in_a_failover_is_done_once(tmp_path: Path) -> None:
    """The replica had it already."""
    async with pair(tmp_path) as made:
        await made.store.add([entry("tea", vector(1))], operation())
        made.front.lose_answer_to(COMMIT)
        adding = asyncio.create_task(made.store.add([entry("milk", vector(0, 1))], operation()))
        await made.front.until_lost()
        made.handed_on()
        made.primary.kill()
        made.promote()
        made.front.switch(made.replica.port)
        assert [done.outcome for done in await adding] == ["stored"]
        assert await made.store.count(EVERYWHERE, ["tea"]) == await made.store.count(EVERYWHERE, ["milk"]) == 1
        assert (await made.store.operations(Scope(), limit=9))[1] == 2
        assert len((await candidates(made.store, vector(1), nearest=9)).handles) == 2


async def test_a_small_write_whose_answer_was_lost_is_done_once(redis_url: str) -> None:
    """Done twice, each would find what it had done itself, and answer that it could not be done."""
    port = urlsplit(redis_url).port or 0
    async with fronting(Front(port)) as (front, url):
        place = redis_server.place(url)
        store = RedisStore(place, clock=StandingClock())
        await store.open()

        async def sent_twice(write: Coroutine[Any, Any, T]) -> T:
            front.lose_answer_to(COMMIT)
            writing = asyncio.create_task(write)
            await front.until_lost()
            front.switch(port)
            return await writing

        token, job, view = Token(**TOKEN), Job(**JOB), SummaryView(**VIEW)
        assert await sent_twice(store.add_token(token))
        assert await sent_twice(store.remove_token(token.id))
        assert (await sent_twice(store.put_session(session(), expected_version=0, now=NOON))).version == 1
        assert await sent_twice(store.put_periodic(job, NOON)) == job
        assert await sent_twice(store.change_job(job.id, one_more)) == one_more(job)
        await store.change_job(job.id, ended)
        assert await sent_twice(store.prune_jobs(NOON + timedelta(days=1))) == 1
        assert await sent_twice(store.remove_session("monday", Scope(), NOON))
        await sent_twice(store.put_view(view))
        await store.put_partition(Partition(SUMMARY, "state"))
        assert await sent_twice(store.remove_partitions(view.id, list(await store.partition_states(view.id)))) == 1
        assert await sent_twice(store.remove_view(view.id, Scope()))
        await store.close()
    redis_server.erase(replace(place, url=redis_url))


async def test_what_says_that_a_write_was_done_goes_by_itself(redis_url: str) -> None:
    place = redis_server.place(redis_url)
    store = RedisStore(place, clock=StandingClock())
    await store.open()
    await store.put_session(session(), expected_version=0, now=NOON)
    await store.add([entry("tea", vector(1))], operation())
    with Redis.from_url(redis_url) as client:
        left = [client.ttl(key) for key in client.scan_iter(f"{place.keys.done('*')}", count=1_000)]
    assert len(left) == 2
    assert all(0 < seconds <= REMEMBERED_SECONDS for seconds in left)
    await store.close()
    redis_server.erase(place)


async def test_a_server_that_says_nothing_any_more_is_asked_once_again(redis_url: str) -> None:
    """Each time takes as long as an answer may."""
    port = urlsplit(redis_url).port or 0
    async with fronting(Front(port)) as (front, url):
        place = redis_server.place(f"{url}?socket_timeout=0.5")
        store = RedisStore(place, clock=StandingClock())
        await store.open()
        front.lose_answer_to(COMMIT)
        with pytest.raises(StoreBusy, match="did not answer in time"):
            await store.add([entry("tea", vector(1))], operation())
        assert front.connections == 2
        front.switch(port)
        await store.close()
    redis_server.erase(replace(place, url=redis_url))


async def test_a_write_that_comes_before_the_replica_is_promoted_waits(tmp_path: Path) -> None:
    async with pair(tmp_path) as made:
        await made.store.add([entry("tea", vector(1))], operation())
        made.handed_on()
        made.front.switch(made.replica.port)
        made.primary.kill()
        adding = asyncio.create_task(made.store.add([entry("milk", vector(0, 1))], operation()))
        await made.until_refused()
        made.promote()
        assert [done.outcome for done in await adding] == ["stored"]
        assert await made.store.count(EVERYWHERE, ["tea", "milk"]) == 2
