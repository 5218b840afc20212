"""Whether a connection maps the file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

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
