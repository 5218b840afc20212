"""The SQLite store over files that are damaged, foreign, locked, moved or in the wrong place: an error, with advice."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest

from mcp_memory.domain.scope import Scope
from mcp_memory.errors import (
    SchemaMismatch,
    StoreBusy,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreUnavailable,
)
from mcp_memory.stores.sqlite.store import SqliteStore
from tests.contracts.entries import ANN, EVERYWHERE, candidates, entry, operation, session, vector
from tests.standing_clock import NOON, StandingClock

pytestmark = pytest.mark.anyio


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A file that holds two memories and a session, closed."""
    made = tmp_path / "memory.sqlite3"
    async with opened(made) as store:
        await store.add([entry("Tea", vector(1), id="tea"), entry("Milk", vector(0, 1), id="milk")], operation())
        await store.put_session(session(), expected_version=None, now=NOON)
    return made


def truncated(path: Path) -> bytes:
    """Cut off the second half; return what is left."""
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    return path.read_bytes()


def content(path: Path) -> bytes:
    return path.read_bytes()


def scribble(path: Path) -> None:
    """Write nonsense over all pages but the first."""
    with path.open("r+b") as file:
        file.seek(4_096)
        file.write(b"\xff" * (path.stat().st_size - 4_096))


@contextlib.asynccontextmanager
async def opened(path: Path, **options: object) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path, clock=StandingClock(), **options)  # type: ignore[arg-type]  # a test's options
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def test_garbage_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "memory.sqlite3"
    path.write_bytes(b"this is a letter to my aunt\n" * 999)
    with pytest.raises(StoreCorrupt, match=r"memory\.sqlite3 .*backup"):
        await SqliteStore(path, clock=StandingClock()).open()
    assert path.read_bytes() == b"this is a letter to my aunt\n" * 999
    assert os.listdir(tmp_path) == [path.name]  # noqa: PTH208 - a test may wait for the disk


async def test_a_truncated_file_is_an_error_and_no_empty_answer(path: Path) -> None:
    left = truncated(path)
    with pytest.raises(StoreCorrupt, match=r"backup"):
        async with opened(path) as store:
            await store.add([entry("new")], operation())
    assert content(path) == left


async def test_damage_inside_is_an_error_and_no_empty_answer(path: Path) -> None:
    """Pages of nonsense where a table was."""
    scribble(path)
    with pytest.raises(StoreCorrupt):
        async with opened(path) as store:
            await store.page(EVERYWHERE, limit=9)


async def test_the_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bookmarks.sqlite3"
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE bookmarks (url)")
    connection.close()
    whole = path.read_bytes()
    with pytest.raises(StoreCorrupt, match="another program"):
        await SqliteStore(path, clock=StandingClock()).open()
    assert path.read_bytes() == whole


async def test_a_newer_schema_is_refused(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(SchemaMismatch, match="update mcp-memory"):
        await SqliteStore(path, clock=StandingClock()).open()


async def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="is a folder"):
        await SqliteStore(tmp_path, clock=StandingClock()).open()


async def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="cannot be created"):
        await SqliteStore(tmp_path / "file" / "memory.sqlite3", clock=StandingClock()).open()


async def test_a_log_that_cannot_be_opened_is_an_error(path: Path) -> None:
    """A folder where SQLite's log should be: what the log would hold must not be left out silently."""
    path.with_name(f"{path.name}-wal").mkdir()
    with pytest.raises(StoreError):
        async with opened(path) as store:
            await store.page(EVERYWHERE, limit=9)


async def test_a_lock_held_too_long_is_busy_and_later_writes_work(path: Path) -> None:
    """StoreBusy after the time that the constructor sets; reads go on meanwhile."""
    async with opened(path, busy_seconds=0.05) as store:
        other = apsw.Connection(str(path))
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy, match="try again"):
            await store.add([entry("new")], operation())
        assert await store.count(EVERYWHERE) == 2
        other.execute("ROLLBACK")
        other.close()
        await store.add([entry("new")], operation())
        assert await store.count(EVERYWHERE) == 3


async def test_a_short_lock_is_waited_for(path: Path) -> None:
    """Writers of one file wait for each other."""
    async with opened(path) as one, opened(path) as two:
        both = (store.add([entry(f"memory {n}")], operation()) for n in range(50) for store in (one, two))
        await asyncio.gather(*both)
        assert await one.count(EVERYWHERE) == await two.count(EVERYWHERE) == 2 + 50


async def test_no_room_left_is_full_and_leaves_the_store_usable(path: Path) -> None:
    """StoreFull, where SQLite itself meets its limit of pages."""
    async with opened(path) as store:
        await store._write(lambda connection: connection.execute("PRAGMA max_page_count = 1").fetchall())
        with pytest.raises(StoreFull, match="free space"):
            await store.add([entry("x" * 100_000, vector(1))], operation())
        assert await store.count(EVERYWHERE) == await store.count(EVERYWHERE, ["tea", "milk"]) == 2
        assert len((await candidates(store, vector(1))).handles) == 2
        await store._write(lambda connection: connection.execute("PRAGMA max_page_count = 1000000").fetchall())
        await store.add([entry("x" * 100_000, vector(1))], operation())
        assert await store.count(EVERYWHERE) == 3


async def test_a_store_opened_for_reading_refuses_to_write(path: Path) -> None:
    async with opened(path, read_only=True) as store:
        assert await store.count(EVERYWHERE) == 2
        assert len((await candidates(store, vector(1), ("tea",), neighbours=1)).handles) == 2
        with pytest.raises(StoreReadOnly, match="write access"):
            await store.add([entry("new")], operation())
        ((handle, _),) = await store.named(["tea"], Scope())
        with pytest.raises(StoreReadOnly):
            await store.touch([handle], NOON, unless_since=NOON)


async def test_a_file_that_is_not_there_is_not_created_for_reading(tmp_path: Path) -> None:
    path = tmp_path / "memory.sqlite3"
    with pytest.raises(StoreUnavailable):
        await SqliteStore(path, clock=StandingClock(), read_only=True).open()
    assert not path.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be moved on Windows")
async def test_a_file_that_was_deleted_is_no_longer_written(path: Path) -> None:
    """What would be acknowledged would be lost: SQLite itself goes on with the deleted file."""
    async with opened(path) as store:
        await store.add([entry("new")], operation())
        os.remove(path)  # noqa: PTH107 - a test may wait for the disk
        for act in (store.add([entry("lost")], operation()), store.page(EVERYWHERE, limit=9)):
            with pytest.raises(StoreUnavailable, match="moved, replaced or deleted"):
                await act


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be moved on Windows")
async def test_a_file_that_was_replaced_is_no_longer_used(path: Path) -> None:
    async with opened(path) as store:
        await store.count(EVERYWHERE)
        copy = path.with_name("copy")
        shutil.copy(path, copy)
        copy.replace(path)
        with pytest.raises(StoreUnavailable, match="moved, replaced or deleted"):
            await store.count(EVERYWHERE)


async def test_a_closed_store_says_so(path: Path) -> None:
    store = SqliteStore(path, clock=StandingClock())
    with pytest.raises(StoreUnavailable, match="not open"):
        await store.count(EVERYWHERE)
    await store.open()
    await store.close()
    await store.close()
    with pytest.raises(StoreUnavailable, match="not open"):
        await store.count(EVERYWHERE)


async def test_what_was_answered_is_there_after_opening_again(path: Path) -> None:
    async with opened(path) as store:
        assert {record.id for record in await store.page(EVERYWHERE, limit=9)} == {"tea", "milk"}
        assert await store.session("monday", ANN, NOON) is not None
        assert len((await candidates(store, vector(1))).handles) == 2


async def test_a_cancelled_caller_leaves_no_transaction_open(path: Path) -> None:
    """What was begun is done whole or not at all, and the next caller is not held up."""
    async with opened(path, busy_seconds=0.05) as store, opened(path, busy_seconds=0.05) as other:
        for number in range(5):
            many = [entry(f"memory {number} {n}", vector(1, n)) for n in range(200)]
            task = asyncio.create_task(store.add(many, operation()))
            await asyncio.wait([task], timeout=0)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            await store.add([entry(f"after {number}")], operation())
            await other.add([entry(f"other {number}")], operation())
        assert (await store.count(EVERYWHERE) - 2 - 10) % 200 == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
async def test_only_the_owner_can_read_what_is_created(tmp_path: Path) -> None:
    """File 0600, its log too, folder 0700; the umask of the tests is not asked."""
    path = tmp_path / "new" / "memory.sqlite3"
    async with opened(path) as store:
        await store.add([entry("Tea")], operation())
        modes = {part.name: stat.S_IMODE(part.stat().st_mode) for part in (path.parent, *path.parent.iterdir())}
    assert modes.pop("new") == 0o700
    assert modes.keys() == {"memory.sqlite3", "memory.sqlite3-wal", "memory.sqlite3-shm"}
    assert set(modes.values()) == {0o600}
