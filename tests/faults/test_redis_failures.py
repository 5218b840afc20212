"""What goes wrong with a Redis is said with what to do about it, and is never an empty answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from redis import Redis, exceptions

from mcp_memory.errors import (
    SchemaMismatch,
    StoreBusy,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreUnavailable,
)
from mcp_memory.stores.redis import failures
from mcp_memory.stores.redis.connecting import Place
from mcp_memory.stores.redis.keys import Keys
from mcp_memory.stores.redis.store import RedisStore
from tests import redis_server
from tests.contracts.entries import EVERYWHERE, candidates, entry, operation, vector
from tests.ports import free_port
from tests.standing_clock import StandingClock

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def opened(place: Place) -> AsyncIterator[RedisStore]:
    store = RedisStore(place, clock=StandingClock())
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture
def place(redis_url: str) -> Iterator[Place]:
    made = redis_server.place(redis_url)
    yield made
    redis_server.erase(made)


@contextmanager
def own_server(folder: Path, *options: str) -> Iterator[redis_server.Running]:
    """Run a server that a test may harm; skipped where none can be had."""
    try:
        with redis_server.server(folder, *redis_server.PASSING, *options) as running:
            yield running
    except redis_server.NoRedis as error:
        pytest.skip(str(error))


async def test_a_server_that_is_not_there(redis_url: str) -> None:
    assert redis_url
    place = Place(f"redis://ann:hunter2@127.0.0.1:{free_port()}/0")
    with pytest.raises(StoreUnavailable, match=r"cannot be reached .* REDIS_URL names the right host") as caught:
        await RedisStore(place, clock=StandingClock()).open()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://localhost", "redis://localhost?colour=red", "redis+cluster://h?colour=red"])
async def test_an_address_that_cannot_be_read(url: str) -> None:
    with pytest.raises(StoreUnavailable, match="cannot be read as the address"):
        await RedisStore(Place(url), clock=StandingClock()).open()


async def test_a_database_that_cannot_be_indexed(tmp_path: Path, redis_url: str) -> None:
    assert redis_url
    with own_server(tmp_path) as running:
        place = Place(running.url.removesuffix("/0") + "/1")
        with pytest.raises(StoreUnavailable, match="end REDIS_URL with /0"):
            await RedisStore(place, clock=StandingClock()).open()


async def test_a_server_that_throws_memories_away_is_warned_of(
    tmp_path: Path, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert redis_url
    with own_server(tmp_path, "--maxmemory-policy", "allkeys-lru") as running:
        async with opened(Place(running.url)):
            assert "use noeviction" in caplog.text


async def test_a_store_that_is_not_open(place: Place) -> None:
    with pytest.raises(StoreUnavailable, match="is not open"):
        await RedisStore(place, clock=StandingClock()).count(EVERYWHERE)


async def test_a_password_that_is_wrong_or_missing(tmp_path: Path, redis_url: str) -> None:
    assert redis_url
    with own_server(tmp_path) as running:
        with Redis.from_url(running.url) as client:
            client.config_set("requirepass", "right")
        wrong = running.url.replace("redis://", "redis://:wrong@")
        for url in (running.url, wrong):
            with pytest.raises(StoreUnavailable, match="refuses the user or password") as caught:
                await RedisStore(Place(url), clock=StandingClock()).open()
            assert "wrong@" not in str(caught.value)
        async with opened(Place(running.url.replace("redis://", "redis://:right@"))) as store:
            assert await store.count(EVERYWHERE) == 0


async def test_a_server_without_the_query_engine(tmp_path: Path, redis_url: str) -> None:
    assert redis_url
    with own_server(tmp_path) as running, Redis.from_url(running.url) as client:
        client.acl_setuser("default", commands=["-ft._list"], enabled=True, nopass=True, keys=["*"])
        with pytest.raises(StoreUnavailable, match=r"allow it the keys mcp-memory:\* and the commands FT"):
            await RedisStore(Place(running.url), clock=StandingClock()).open()
    unknown = exceptions.ResponseError("unknown command 'FT._LIST', with args beginning with: ")
    with (
        pytest.raises(StoreUnavailable, match=r"no Query Engine.*docker run redis:8"),
        failures.translated("redis://h"),
    ):
        raise unknown


async def test_a_server_without_memory_stores_nothing_of_the_call(tmp_path: Path, redis_url: str) -> None:
    assert redis_url
    with own_server(tmp_path) as running, Redis.from_url(running.url) as client:
        async with opened(Place(running.url)) as store:
            await store.add([entry("kept", vector(1))], operation())
            client.config_set("maxmemory", "1mb")
            with pytest.raises(StoreFull, match="raise its maxmemory; nothing of this call was stored"):
                await store.add([entry("lost", vector(1))], operation())
            assert await store.count(EVERYWHERE) == 1
            client.config_set("maxmemory", "0")
            await store.add([entry("stored", vector(1))], operation())
            assert await store.count(EVERYWHERE) == await store.count(EVERYWHERE, ["kept", "stored"]) == 2


async def test_a_replica_can_be_read_and_not_written(tmp_path: Path, redis_url: str) -> None:
    assert redis_url
    with own_server(tmp_path) as running, Redis.from_url(running.url) as client:
        async with opened(Place(running.url)) as store:
            await store.add([entry("tea", vector(1))], operation())
            client.replicaof("127.0.0.1", str(free_port()))
            with pytest.raises(StoreReadOnly, match="address of the primary"):
                await store.add([entry("milk", vector(1))], operation())
            assert len((await candidates(store, vector(1), ("tea",))).handles) == 1


async def test_an_index_that_was_dropped_is_said_and_made_anew(place: Place) -> None:
    """With the vectors of every model that is known."""
    async with opened(place) as store:
        await store.add([entry("tea", vector(1)), entry("milk", vector(0, 1))], operation())
        with Redis.from_url(place.url) as client:
            client.ft(f"{place.keys.index(place.index)}:memories").dropindex()
        with pytest.raises(StoreCorrupt, match="restart this server"):
            await candidates(store, vector(1), ("tea",))
    async with opened(place) as store:
        assert len((await candidates(store, vector(1), nearest=9)).handles) == 2
        assert await store.count(EVERYWHERE, ["tea"]) == 1


async def test_several_programs_may_make_a_store_at_once(place: Place) -> None:
    stores = [RedisStore(place, clock=StandingClock()) for _ in range(6)]
    await asyncio.gather(*(store.open() for store in stores))
    await asyncio.gather(*(store.add([entry(f"tea {n}", vector(1))], operation()) for n, store in enumerate(stores)))
    for store in stores:
        assert len((await candidates(store, vector(1))).handles) == len(stores)
        await store.close()


async def test_memories_of_a_newer_version_are_left_alone(place: Place) -> None:
    async with opened(place):
        pass
    with Redis.from_url(place.url) as client:
        client.set(Keys(place.prefix).schema, 99)
    with pytest.raises(SchemaMismatch, match="schema 99"):
        await RedisStore(place, clock=StandingClock()).open()


MANY = 30_000
SLOW = "@words:(tea|w1*|w2*|w3*|w4*|w5*|w6*|w7*|w8*|w9*)"
"""Finds all of them, and takes the engine several times the least limit, which is a millisecond."""


def fill(place: Place, url: str) -> None:
    """Write what the index takes for very many memories."""
    with Redis.from_url(url) as client, client.pipeline(transaction=False) as pipeline:
        for number in range(1, MANY + 1):
            pipeline.hset(place.keys.memory(number), mapping={"words": f"tea w{number}", "h": number})
        pipeline.execute()


@pytest.mark.parametrize("policy", ["return", "fail"])
async def test_no_search_is_cut_short_by_the_time_limit_of_the_server(
    tmp_path: Path, redis_url: str, policy: str
) -> None:
    """And one that would be is an error, never a part of what there is."""
    assert redis_url
    with own_server(tmp_path) as running, Redis.from_url(running.url) as client:
        place = Place(running.url)
        async with opened(place) as store:
            fill(place, running.url)
            client.execute_command("FT.CONFIG", "SET", "TIMEOUT", 1)
            client.execute_command("FT.CONFIG", "SET", "ON_TIMEOUT", policy)
            server = store._opened()
            grouped = ("GROUPBY", 1, "@words", "REDUCE", "COUNT", 0, "AS", "n", "LIMIT", 0, MANY)
            assert (await server.find("memories", SLOW, "NOCONTENT", "LIMIT", 0, 0)).total == MANY
            assert len(await server.gather("memories", "*", *grouped)) == MANY
            limited = [word for word in server.search("memories", SLOW) if word not in {"TIMEOUT", 0}]
            with pytest.raises(StoreBusy, match="no time to finish"):
                server.hits(await server.call(*limited))
            limited = [*server.aggregate("memories", "*", *grouped)]
            del limited[limited.index("TIMEOUT") : limited.index("TIMEOUT") + 2]
            with pytest.raises(StoreBusy, match="no time to finish"):
                server.groups(await server.call(*limited))


async def test_an_error_within_the_answers_of_a_search_is_raised(place: Place) -> None:
    async with opened(place) as store:
        with pytest.raises(StoreBusy, match="no time to finish"):
            store._opened().hits(exceptions.ResponseError("Timeout limit was reached"))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (exceptions.BusyLoadingError("LOADING Redis is loading the dataset in memory"), StoreBusy),
        (exceptions.TimeoutError("Timeout reading"), StoreBusy),
        (exceptions.MaxConnectionsError("Too many connections"), StoreBusy),
        (exceptions.OutOfMemoryError("OOM command not allowed"), StoreFull),
        (exceptions.ResponseError("OOM command not allowed when used memory > 'maxmemory'. script: x"), StoreFull),
        (exceptions.ResponseError("MISCONF Redis is configured to save RDB snapshots"), StoreFull),
        (exceptions.ResponseError("READONLY You can't write against a read only replica. script: x"), StoreReadOnly),
        (exceptions.ClusterDownError("CLUSTERDOWN The cluster is down"), StoreUnavailable),
        (exceptions.RedisClusterException("no node answers"), StoreUnavailable),
        (exceptions.MovedError("6845 127.0.0.1:7001"), StoreUnavailable),
        (exceptions.AskError("6845 127.0.0.1:7001"), StoreBusy),
        (exceptions.TryAgainError("Multiple keys request during rehashing of slot"), StoreBusy),
        (exceptions.ConnectionError("max number of clients reached"), StoreBusy),
        (exceptions.NoPermissionError("NOPERM"), StoreUnavailable),
        (exceptions.ResponseError("WRONGTYPE Operation against a key"), StoreCorrupt),
        (exceptions.ResponseError("something else"), StoreError),
        (ConnectionRefusedError("refused"), StoreUnavailable),
    ],
)
def test_each_failure_has_its_error(error: Exception, kind: type[StoreError]) -> None:
    with pytest.raises(StoreError) as caught, failures.translated("redis://h:1"):
        raise error
    assert type(caught.value) is kind
    assert str(caught.value).startswith("redis://h:1 ")
    assert caught.value.__cause__ is error


async def test_whoever_comes_while_the_server_is_away_waits_and_is_served(tmp_path: Path, redis_url: str) -> None:
    """A failover takes a second; a command whose answer was lost is repeated and done once."""
    assert redis_url
    with own_server(tmp_path, "--appendonly", "yes") as running:
        async with opened(Place(running.url)) as store:
            await store.add([entry("before", vector(1))], operation())
            running.kill()
            adding = asyncio.create_task(store.add([entry("after", vector(1))], operation()))
            await asyncio.to_thread(running.start)
            assert [done.outcome for done in await adding] == ["stored"]
            assert await store.count(EVERYWHERE, ["before", "after"]) == 2
