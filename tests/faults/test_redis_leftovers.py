"""What was purged and forgotten leaves nothing on the server, neither of the memories nor of what was done to them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from redis import Redis

from mcp_memory.domain.operations import OperationKind
from mcp_memory.stores.redis.store import RedisStore
from tests import redis_server
from tests.contracts.entries import entry, handle_of, merge, operation, vector
from tests.standing_clock import NOON, StandingClock

pytestmark = pytest.mark.anyio

LASTING = {"schema", "generations", "last", "done"}
"""What there is besides: models, the last numbers that were given, and what goes by itself."""


async def test_nothing_is_left_of_what_was_purged_and_forgotten(redis_url: str) -> None:
    place = redis_server.place(redis_url)
    store = RedisStore(place, clock=StandingClock())
    await store.open()
    said = [
        entry(text, vector(1), id=text, session_id="monday", topics=["drinks"]) for text in ("tea", "milk", "water")
    ]
    await store.add(said, operation())
    handles = [await handle_of(store, one.record.id) for one in said]
    await store.touch(handles, NOON + timedelta(hours=1), unless_since=NOON)
    tea, milk, water = handles
    edit, merging = operation(OperationKind.EDIT), operation(OperationKind.COMPACT)
    await store.replace(water, entry("juice", id="water"), edit, expected_version=1)
    await store.merge(merge(entry("tea with milk", vector(1), id="tea"), (tea, 1), (milk, 1)), merging)
    assert await store.purge(handles) == 3
    assert await store.forget_operations(NOON + timedelta(days=1)) == 3
    with Redis.from_url(redis_url) as client:
        left = [key.decode() for key in client.scan_iter(f"{place.keys.before}*", count=1_000)]
    assert {key.removeprefix(place.keys.before).partition(":")[0] for key in left} == LASTING
    await store.close()
    redis_server.erase(place)


async def test_nothing_is_left_of_an_operation_whose_memory_stays(redis_url: str) -> None:
    place = redis_server.place(redis_url)
    store = RedisStore(place, clock=StandingClock())
    await store.open()
    await store.add([entry("tea", vector(1))], operation())
    assert await store.forget_operations(NOON + timedelta(days=1)) == 1
    with Redis.from_url(redis_url) as client:
        assert client.exists(place.keys.operation(1), place.keys.operations_by_time, place.keys.image(1)) == 0
    await store.close()
    redis_server.erase(place)
