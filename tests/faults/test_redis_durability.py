"""With MEMORY_DURABILITY=full, a write is answered when it is on the disk of the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from redis import Redis

from mcp_memory.errors import StoreUnavailable
from mcp_memory.ports.memories import Added
from mcp_memory.stores.redis.connecting import Place
from mcp_memory.stores.redis.store import RedisStore
from tests import redis_server
from tests.contracts.entries import ANN, EVERYWHERE, entry, operation, session, vector
from tests.faults.redis_front import COMMIT, Front, fronting
from tests.patience import PATIENCE
from tests.standing_clock import NOON, StandingClock

pytestmark = pytest.mark.anyio

LATE = ("--appendonly", "yes", "--appendfsync", "no", "--save", "")
"""A server that writes its file to the disk when it is told to."""


@pytest.fixture
def running(tmp_path: Path) -> Iterator[redis_server.Running]:
    with redis_server.to_be_had(redis_server.server(tmp_path, *LATE)) as made:
        yield made


@asynccontextmanager
async def opened(running: redis_server.Running, url: str) -> AsyncIterator[RedisStore]:
    store = RedisStore(Place(url, durability="full"), clock=StandingClock())
    with Redis.from_url(running.url) as client:
        client.config_set("appendfsync", "always")
        await store.open()
        # What is there is on the disk; what comes now is not.
        await store.add([entry("before", vector(1))], operation())
        await store.put_session(session("s"), expected_version=None, now=NOON)
        client.config_set("appendfsync", "no")
    try:
        yield store
    finally:
        await store.close()


async def until_waiting(running: redis_server.Running, write: asyncio.Future[Any]) -> None:
    """Wait until the server lets a write wait."""
    with Redis.from_url(running.url) as client:
        end = monotonic() + PATIENCE
        while not (await asyncio.to_thread(client.info, "clients"))["blocked_clients"]:
            assert not write.done(), "it was answered before"
            assert monotonic() < end


async def waits_for_the_disk(running: redis_server.Running, write: asyncio.Future[Any]) -> None:
    """Wait until the server lets a write wait, then let it use its disk."""
    await until_waiting(running, write)
    assert not write.done()
    with Redis.from_url(running.url) as client:
        client.config_set("appendfsync", "everysec")
        await asyncio.wait_for(asyncio.shield(write), PATIENCE)
        client.config_set("appendfsync", "no")


async def test_a_write_is_answered_when_it_is_on_the_disk(running: redis_server.Running) -> None:
    async with opened(running, running.url) as store:
        adding = asyncio.create_task(store.add([entry("tea", vector(1))], operation()))
        await waits_for_the_disk(running, adding)
        removing = asyncio.create_task(store.remove_session("s", ANN, NOON))
        await waits_for_the_disk(running, removing)
        assert (adding.result()[0].outcome, removing.result()) == ("stored", True)
        assert await store.count(EVERYWHERE) == 2


async def test_a_write_whose_answer_was_lost_is_waited_for_again(running: redis_server.Running) -> None:
    """It was done over another connection, which the server waits for no more."""
    async with fronting(Front(running.port)) as (front, url), opened(running, url) as store:
        front.lose_answer_to(COMMIT)
        adding: asyncio.Task[list[Added]] = asyncio.create_task(store.add([entry("tea", vector(1))], operation()))
        await until_waiting(running, adding)
        front.switch(running.port)
        await waits_for_the_disk(running, adding)
        assert [done.outcome for done in adding.result()] == ["stored"]


async def test_a_server_without_a_file_cannot_promise_it(redis_url: str, tmp_path: Path) -> None:
    assert redis_url
    with redis_server.to_be_had(redis_server.server(tmp_path)) as passing:
        store = RedisStore(Place(passing.url, durability="full"), clock=StandingClock())
        with pytest.raises(StoreUnavailable, match=r"set its appendonly to yes .* or MEMORY_DURABILITY to normal"):
            await store.open()
