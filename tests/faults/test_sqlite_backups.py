"""Backups of the SQLite file: made while others write, and put in its place while others have it open."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from math import isnan
from pathlib import Path

import apsw
import pytest

from mcp_memory.domain.scope import Scope
from mcp_memory.errors import InvalidRequest, SchemaMismatch, StoreBusy, StoreCorrupt, StoreUnavailable
from mcp_memory.ports.memories import MemoryStore
from mcp_memory.stores.sqlite import backups, blocks
from mcp_memory.stores.sqlite.connection import Settings, transaction
from mcp_memory.stores.sqlite.copying import unseen
from mcp_memory.stores.sqlite.store import SqliteStore
from tests.contracts.entries import EVERYWHERE, candidates, entry, handle_of, operation, session, texts, vector
from tests.standing_clock import NOON, StandingClock

pytestmark = pytest.mark.anyio

RELEASED = Path(__file__).parents[1] / "migrations" / "v1.sqlite3"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "memory.sqlite3"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "copy.sqlite3"


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path, clock=StandingClock())
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def back_up(path: Path, copy: Path, existing: backups.Existing = "refuse") -> backups.Held:
    return backups.backup(path, copy, existing, unseen)


def restore(path: Path, copy: Path, busy_seconds: float = 10.0) -> backups.Restored:
    return backups.restore(Settings(path, busy_seconds=busy_seconds), copy, StandingClock(), unseen)


def query(path: Path, statement: str) -> list[tuple[apsw.SQLiteValue, ...]]:
    with closing(apsw.Connection(str(path))) as connection:
        return connection.execute(statement).fetchall()


def beside(path: Path) -> list[str]:
    return sorted(part.name for part in path.parent.iterdir() if part.is_file())


def content(path: Path) -> bytes:
    return path.read_bytes()


def write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


def scribble(path: Path, start: int) -> None:
    """Write nonsense over a part of the file."""
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"\xff" * 20_000)


def halve(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def modes(*paths: Path) -> list[int]:
    return [stat.S_IMODE(path.stat().st_mode) for path in paths]


async def seen(store: MemoryStore) -> list[tuple[str, bool, bool]]:
    """Return what a search can see: the text, and whether it came by its vector and by its words."""
    found = await candidates(store, vector(1), ("memory",), nearest=99_999, lexical=99_999)
    records = await store.records(found.handles)
    rows = zip(records, found.distance, found.lexical, strict=True)
    return sorted((record.text, not isnan(dist), words > 0) for record, dist, words in rows if record is not None)


async def filled(store: MemoryStore, first: int, end: int) -> None:
    await store.add([entry(f"memory {n}", vector(1, n), id=str(n)) for n in range(first, end)], operation())


async def test_a_backup_is_one_whole_file_for_its_owner_alone(path: Path, copy: Path) -> None:
    """It stands alone: nothing of it is in a log."""
    async with opened(path) as store:
        await filled(store, 0, 9)
        await store.put_session(session(), expected_version=None, now=NOON)
        assert back_up(path, copy) == backups.Held(9, 1, int(str(query(path, "PRAGMA user_version")[0][0])))
        assert beside(copy) == [copy.name]
        assert query(copy, "PRAGMA journal_mode") == [("delete",)]
        assert query(copy, "PRAGMA integrity_check") == [("ok",)]
        if sys.platform != "win32":
            assert modes(copy, copy.parent) == [0o600, 0o700]
    async with opened(copy) as kept:
        assert len(await seen(kept)) == 9


async def test_a_backup_replaces_no_file_unless_it_is_told_to(path: Path, copy: Path) -> None:
    async with opened(path) as store:
        await filled(store, 0, 1)
    write(copy, "my only letter")
    with pytest.raises(InvalidRequest, match="exists"):
        back_up(path, copy)
    assert content(copy) == b"my only letter"
    assert back_up(path, copy, "replace").memories == 1


@pytest.mark.parametrize("ending", ["", "-wal", "-shm"])
async def test_the_store_is_never_its_own_backup(path: Path, ending: str) -> None:
    async with opened(path) as store:
        await filled(store, 0, 1)
        own = path.with_name(path.name + ending)
        with pytest.raises(InvalidRequest, match="part of the store itself"):
            back_up(path, own, "replace")
        with pytest.raises(InvalidRequest, match="part of the store itself"):
            restore(path, own)
        assert len(await seen(store)) == 1


async def test_another_name_of_the_store_is_known(path: Path) -> None:
    """As on a disk that takes "a" and "A" for one name."""
    async with opened(path) as store:
        await filled(store, 0, 1)
        other = path.with_name("other.sqlite3")
        os.link(path, other)
        with pytest.raises(InvalidRequest, match="part of the store itself"):
            back_up(path, other, "replace")
        with pytest.raises(InvalidRequest, match="part of the store itself"):
            restore(path, other)


async def test_a_damaged_store_makes_no_backup_and_leaves_the_last_one(path: Path, copy: Path) -> None:
    async with opened(path) as store:
        await filled(store, 0, 400)
    back_up(path, copy)
    whole = content(copy)
    scribble(path, 8_192)
    with pytest.raises(StoreCorrupt, match="damaged"):
        back_up(path, copy, "replace")
    assert content(copy) == whole
    assert beside(copy) == [copy.name]


async def test_what_is_not_there_cannot_be_backed_up(path: Path, copy: Path) -> None:
    with pytest.raises(StoreUnavailable, match="nothing to back up"):
        back_up(path, copy)
    assert beside(path) == []


@pytest.mark.parametrize("size", [3, blocks.HANDLES + 7, 3 * blocks.HANDLES])
@pytest.mark.parametrize("more", [2, blocks.HANDLES, 2 * blocks.HANDLES + 3])
async def test_programs_that_have_the_store_open_see_the_backup(path: Path, copy: Path, size: int, more: int) -> None:
    """Those that searched before, those that did not, and what is written afterwards."""
    async with opened(path) as writer, opened(path) as reader, opened(path) as idle:
        await filled(writer, 0, size)
        await writer.remove([await handle_of(writer, "1")], operation())
        before = await seen(writer)
        back_up(path, copy)
        await filled(writer, size, size + more)
        await writer.remove([await handle_of(writer, "0")], operation())
        assert len(await seen(reader)) == size + more - 2
        restored = restore(path, copy)
        assert restored.held.memories == size - 1
        assert await seen(reader) == await seen(writer) == await seen(idle) == before
        await filled(reader, 90_000, 90_002)
        after = sorted([*before, ("memory 90000", True, True), ("memory 90001", True, True)])
        assert await seen(writer) == await seen(idle) == await seen(reader) == after
        async with opened(path) as late:
            assert await seen(late) == after
        assert restored.before is not None
        async with opened(restored.before) as kept:
            assert len(await seen(kept)) == size + more - 2


async def test_no_handle_is_given_twice(path: Path, copy: Path) -> None:
    """A program that holds one of a memory that was stored after the backup does not meet another memory there."""
    async with opened(path) as store:
        await filled(store, 0, 3)
        back_up(path, copy)
        await filled(store, 3, 4)
        held = await handle_of(store, "3")
        restore(path, copy)
        await filled(store, 5, 6)
        assert await store.records([held]) == [None]
        assert await handle_of(store, "5") > held  # type: ignore[operator]  # both are numbers here


async def test_a_reader_in_the_middle_goes_on_with_what_it_had(path: Path, copy: Path) -> None:
    """Its snapshot stays whole, and leaves no trace in what later searches see."""
    async with opened(path) as store:
        await filled(store, 0, 3)
        back_up(path, copy)
        await filled(store, 3, 6)
        with closing(apsw.Connection(str(path))) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM memories").fetchall()
            restore(path, copy)
            assert len(await seen(store)) == 3
            assert reader.execute("SELECT count(*) FROM memories").fetchall() == [(6,)]
            store._index.view(reader)  # a search of another thread that began before
            reader.execute("COMMIT")
        assert len(await seen(store)) == 3


async def test_a_backup_is_restored_where_there_is_no_store(path: Path, copy: Path) -> None:
    async with opened(path) as store:
        await filled(store, 0, 3)
    back_up(path, copy)
    new = path.with_name("new") / "memory.sqlite3"
    assert restore(new, copy).before is None
    assert beside(new) == [new.name]
    async with opened(new) as store:
        assert len(await seen(store)) == 3
    assert query(new, "PRAGMA journal_mode") == [("wal",)]


async def test_a_backup_of_an_older_schema_is_brought_forward_on_the_way(path: Path) -> None:
    """The backup itself is only read."""
    whole = content(RELEASED)
    async with opened(path) as store:
        await filled(store, 0, 2)
        restored = restore(path, RELEASED)
        assert sorted(texts(await store.page(EVERYWHERE, limit=9))) == [
            "Ann drinks tea",
            "Ann lives in Lyon",
            "Ann lives in Oslo",
        ]
        await filled(store, 0, 2)
    assert (restored.held.memories, restored.held.sessions) == (3, 1)
    assert content(RELEASED) == whole
    assert [name for name in beside(RELEASED) if name.startswith(RELEASED.name)] == [RELEASED.name]


async def test_pages_of_another_size_are_made_to_fit(path: Path, copy: Path) -> None:
    async with opened(path) as store:
        await filled(store, 0, 3)
        back_up(path, copy)
        query(copy, "PRAGMA page_size = 8192; VACUUM")
        assert query(copy, "PRAGMA page_size") == [(8192,)]
        restore(path, copy)
        assert len(await seen(store)) == 3


async def test_what_is_no_backup_is_refused_and_changes_nothing(path: Path, copy: Path, tmp_path: Path) -> None:
    async with opened(path) as store:
        await filled(store, 0, 400)
    back_up(path, copy)
    foreign, empty, letter, newer = (tmp_path / name for name in ("foreign", "empty", "letter", "newer"))
    query(foreign, "CREATE TABLE bookmarks (url)")
    write(empty, "")
    write(letter, "this is a letter to my aunt\n" * 999)
    shutil.copy(copy, newer)
    query(newer, "PRAGMA user_version = 999")
    scribble(copy, 8_192)
    files = beside(path)
    for given in (foreign, empty, letter, copy):
        with pytest.raises(StoreCorrupt, match=given.name):
            restore(path, given)
    with pytest.raises(SchemaMismatch, match="newer version"):
        restore(path, newer)
    with pytest.raises(StoreUnavailable, match="does not exist"):
        restore(path, tmp_path / "nowhere")
    with pytest.raises(InvalidRequest, match="is a folder"):
        restore(path, tmp_path)
    assert beside(path) == files
    async with opened(path) as store:
        assert len(await seen(store)) == 400


@pytest.mark.parametrize("damage", ["header", "inside", "cut off"])
async def test_a_damaged_store_is_kept_and_replaced(path: Path, copy: Path, damage: str) -> None:
    async with opened(path) as store:
        await filled(store, 0, 400)
    back_up(path, copy)
    if damage == "cut off":
        halve(path)
    else:
        scribble(path, 0 if damage == "header" else 4_096)
    damaged = content(path)
    before = restore(path, copy).before
    assert before is not None
    assert content(before)[:4_096] == damaged[:4_096]
    async with opened(path) as store:
        assert len(await seen(store)) == 400


async def test_a_database_of_another_program_is_not_written_over(path: Path, copy: Path, tmp_path: Path) -> None:
    async with opened(path) as store:
        await filled(store, 0, 1)
    back_up(path, copy)
    foreign = tmp_path / "bookmarks"
    query(foreign, "CREATE TABLE bookmarks (url)")
    whole = content(foreign)
    with pytest.raises(StoreCorrupt, match="another program"):
        restore(foreign, copy)
    assert content(foreign) == whole


async def test_a_store_that_another_program_holds_is_left_as_it_is(path: Path, copy: Path) -> None:
    async with opened(path) as store:
        await filled(store, 0, 1)
        back_up(path, copy)
        await filled(store, 1, 2)
        with (
            closing(apsw.Connection(str(path))) as other,
            transaction(other, "write"),
            pytest.raises(StoreBusy, match="for too long"),
        ):
            restore(path, copy, busy_seconds=0.05)
        assert len(await store.named(["0", "1"], Scope())) == 2
    assert beside(path) == [path.name]


async def test_no_copy_of_the_present_is_written_over_another(path: Path, copy: Path) -> None:
    async with opened(path) as store:
        await filled(store, 0, 1)
        back_up(path, copy)
        kept = []
        for number in range(1, 4):
            await filled(store, number, number + 1)
            kept.append(restore(path, copy).before)
        assert len({*kept}) == 3
        for number, before in enumerate(kept, 1):
            assert before is not None
            assert query(before, "SELECT id FROM memories ORDER BY handle") == [("0",), (str(number),)]
