"""A Redis that is not there yet, or that never will be as it is named: who waits for it, and who is told at once."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pytest
from redis import Redis
from redis.exceptions import BusyLoadingError
from redis.exceptions import ConnectionError as RedisConnectionError

from mcp_memory.errors import StoreReadOnly, StoreUnavailable
from mcp_memory.stores.redis.connecting import Place
from mcp_memory.stores.redis.patience import SHORTLY
from mcp_memory.stores.redis.store import RedisStore
from tests import redis_server
from tests.contracts.entries import EVERYWHERE, entry, operation
from tests.patience import PATIENCE
from tests.ports import free_port
from tests.standing_clock import StandingClock

pytestmark = pytest.mark.anyio
LONG = 3600
"""Seconds to wait for a start: a test that waits in vain does not end."""


@pytest.fixture
def running(tmp_path: Path) -> Iterator[redis_server.Running]:
    with redis_server.to_be_had(redis_server.server(tmp_path)) as made:
        yield made


@contextmanager
def closing() -> Iterator[tuple[int, list[int]]]:
    """Listen, and end every connection; yield the port, and a list that grows with each."""
    seen: list[int] = []
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def end() -> None:
            while True:
                connection, _ = listener.accept()
                if not over.is_set():
                    # Before it ends: then the other side goes on.
                    seen.append(len(seen))
                connection.close()
                if over.is_set():
                    return

        thread = threading.Thread(target=end)
        thread.start()
        try:
            yield port, seen
        finally:
            over.set()
            socket.create_connection(("127.0.0.1", port)).close()
            thread.join()


async def refused(place: Place, words: str) -> None:
    with pytest.raises(StoreUnavailable, match=words) as caught:
        await RedisStore(place, clock=StandingClock()).open()
    assert "\n" not in str(caught.value)


async def test_an_address_where_nobody_answers_is_tried_a_few_times(caplog: pytest.LogCaptureFixture) -> None:
    """A person waits for the answer."""
    with closing() as (port, seen):
        words = "ended the connection .* REDIS_URL begins with rediss://, .* has ssl_certfile and ssl_keyfile"
        await refused(Place(f"redis://127.0.0.1:{port}"), words)
        assert len(seen) == 1 + SHORTLY
    assert not caplog.records


async def test_a_server_that_is_started_meanwhile_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    """As long as was asked, and it is said."""
    with closing() as (port, seen):
        place = Place(f"redis://ann:hunter2@127.0.0.1:{port}", wait_seconds=1)
        await refused(place, "ended the connection")
        assert len(seen) > 1 + SHORTLY
    (line,) = caplog.messages
    assert line.startswith(f"waits up to 1 s for redis://ann:********@127.0.0.1:{port}: ")


@pytest.mark.parametrize("seconds", [0, LONG])
async def test_a_wrong_password_is_tried_once(running: redis_server.Running, seconds: float) -> None:
    """Also by a worker that would wait for the start of the server."""
    with Redis.from_url(running.url) as client:
        client.acl_setuser("ann", enabled=True, passwords=["+right"], categories=["+@all"], keys=["*"])
        for name in ("ann:wrong", "bob:right"):
            client.acl_log_reset()
            url = running.url.replace("://", f"://{name}@")
            await refused(Place(url, wait_seconds=seconds), "refuses the user or password")
            (logged,) = client.acl_log()
            assert logged["count"] == 1


@pytest.mark.parametrize("seconds", [0, LONG])
async def test_a_password_that_is_missing_is_said(running: redis_server.Running, seconds: float) -> None:
    with Redis.from_url(running.url) as client:
        client.config_set("requirepass", "right")
    await refused(Place(running.url, wait_seconds=seconds), "refuses the user or password")


async def test_a_host_that_nobody_knows_is_said() -> None:
    await refused(Place("redis://nowhere.invalid"), "names a host that nobody knows .* REDIS_URL")


SLOWLY = ("--save", "", "--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024")
"""Loads a thousand keys in a second, and says so meanwhile."""


async def until_loading(running: redis_server.Running) -> None:
    """Wait until a server says that it loads its data."""
    with Redis.from_url(running.url, retry=None) as client:
        end = monotonic() + PATIENCE
        while monotonic() < end:
            try:
                await asyncio.to_thread(client.ping)
            except BusyLoadingError:
                return
            except RedisConnectionError:
                continue
            pytest.fail("it loaded too quickly")


async def test_a_server_that_loads_its_data_is_waited_for(tmp_path: Path) -> None:
    """Also by whoever waits for nothing else."""
    with redis_server.to_be_had(redis_server.server(tmp_path, *SLOWLY)) as running:
        store = RedisStore(Place(running.url), clock=StandingClock())
        await store.open()
        await store.add([entry(f"tea {number}", id=str(number)) for number in range(150)], operation())
        await store.close()
        with Redis.from_url(running.url) as client:
            client.save()
        running.kill()
        starting = asyncio.create_task(asyncio.to_thread(running.start))
        await until_loading(running)
        await store.open()
        assert await store.count(EVERYWHERE, ["tea"]) == 150
        await store.close()
        await starting


async def test_a_replica_from_the_beginning_is_no_failover(running: redis_server.Running) -> None:
    """To write to it is not tried again, each time over a new connection."""
    store = RedisStore(Place(running.url), clock=StandingClock())
    await store.open()
    await store.close()
    with Redis.from_url(running.url) as client:
        client.replicaof("127.0.0.1", str(free_port()))
        await store.open()
        client.config_resetstat()
        with pytest.raises(StoreReadOnly, match="address of the primary"):
            await store.add([entry("milk")], operation())
        assert client.info("stats")["total_connections_received"] == 0
    await store.close()
