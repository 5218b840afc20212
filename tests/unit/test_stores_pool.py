"""Whether a connection maps the file."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import anyio.lowlevel
import apsw
import pytest

from mcp_memory.stores.sqlite.connection import Settings, connect
from mcp_memory.stores.sqlite.pool import QUIET, Connections

pytestmark = pytest.mark.anyio


@pytest.fixture
async def pool(tmp_path: Path) -> AsyncIterator[Connections]:
    """Yield the connections to a file with one table."""
    path = tmp_path / "memory.sqlite3"
    made = apsw.Connection(str(path))
    made.pragma("journal_mode", "wal")
    made.execute("CREATE TABLE numbers (number)")
    made.execute("CREATE VIRTUAL TABLE words USING fts5 (terms)")
    made.close()
    connections = Connections(Settings(path), connect, writable=True)
    yield connections
    await connections.close()


def add(connection: apsw.Connection) -> None:
    """Change the file."""
    connection.execute("INSERT INTO numbers VALUES (1)")


async def is_mapped(pool: Connections) -> bool:
    """Say whether the next transaction will find the file mapped."""
    return bool(await pool.maintain(lambda connection: connection.pragma("mmap_size")))


async def test_what_nobody_else_writes_to_is_mapped(pool: Connections) -> None:
    for _ in range(QUIET):
        await pool.write(add)
        await pool.read(lambda connection: connection.execute("SELECT count(*) FROM numbers").get)

    assert await is_mapped(pool)


async def test_what_others_write_to_is_not_mapped_until_it_is_quiet(pool: Connections, tmp_path: Path) -> None:
    other = Connections(Settings(tmp_path / "memory.sqlite3"), connect, writable=True)
    await pool.write(add)
    await other.write(add)
    await other.close()

    await pool.write(add)
    assert not await is_mapped(pool)

    for _ in range(QUIET):
        assert not await is_mapped(pool)
        await pool.read(lambda connection: connection.execute("SELECT count(*) FROM numbers").get)
    assert await is_mapped(pool)


async def test_an_error_reaches_whoever_waits(pool: Connections) -> None:
    def fail(connection: apsw.Connection) -> None:
        add(connection)
        raise LookupError("nothing of this is kept")

    with pytest.raises(LookupError, match="nothing of this"):
        await pool.write(fail)
    assert await pool.read(lambda connection: connection.execute("SELECT count(*) FROM numbers").get) == 0


async def test_what_nobody_waits_for_any_longer_is_not_begun(pool: Connections) -> None:
    """What was begun is finished."""
    begun, go_on = threading.Event(), threading.Event()

    def add_slowly(connection: apsw.Connection) -> None:
        begun.set()
        go_on.wait()
        add(connection)

    running = asyncio.ensure_future(pool.write(add_slowly))
    await asyncio.to_thread(begun.wait)
    waiting = asyncio.ensure_future(pool.write(add))
    await anyio.lowlevel.checkpoint()
    running.cancel()
    waiting.cancel()
    await asyncio.wait([running, waiting])
    go_on.set()

    assert running.cancelled()
    assert waiting.cancelled()
    await pool.write(lambda _: None)
    assert await pool.read(lambda connection: connection.execute("SELECT count(*) FROM numbers").get) == 1
