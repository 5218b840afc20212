"""What the SQLite store keeps in RAM is what stands in the file, however it got there."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw
import numpy as np
import pytest

from mcp_memory.domain.filters import Where
from mcp_memory.ports.memories import Handle
from mcp_memory.stores.sqlite import blocks
from mcp_memory.stores.sqlite.connection import transaction
from mcp_memory.stores.sqlite.index import Index
from mcp_memory.stores.sqlite.statements import sql
from mcp_memory.stores.sqlite.store import SqliteStore
from mcp_memory.stores.vectors import SCALE
from tests.contracts.entries import ANN, EVERYWHERE, FIRST, SECOND, candidates, entry, operation, restoring, vector
from tests.standing_clock import NOON, StandingClock

pytestmark = pytest.mark.anyio


async def opened(path: Path) -> SqliteStore:
    store = SqliteStore(path, clock=StandingClock())
    await store.open()
    return store


async def look(store: SqliteStore) -> list[tuple[object, ...]]:
    """Return all that a search can see, for two generations."""
    seen: list[tuple[object, ...]] = []
    for generation in (FIRST, SECOND):
        found = await candidates(store, vector(1), ("even",), generation=generation, nearest=9_999, lexical=9_999)
        distance = np.nan_to_num(found.distance, nan=-1).round(3).tolist()
        seen += sorted(
            zip(found.handles, distance, found.lexical.round(3).tolist(), found.before.tolist(), strict=True)
        )
    return [*seen, (await store.count(EVERYWHERE), await store.count(Where(ANN, current_at=NOON)))]


@pytest.mark.parametrize("size", [5, blocks.HANDLES - 1, blocks.HANDLES, 3 * blocks.HANDLES + 7])
async def test_a_new_process_sees_what_an_old_one_sees(tmp_path: Path, size: int) -> None:
    """With sealed blocks or without; after changes and removals in sealed blocks too."""
    path = tmp_path / "memory.sqlite3"
    old = await opened(path)
    await old.add(
        [
            entry(
                f"number {n} {'even' if n % 2 == 0 else 'odd'}",
                None if n % 10 == 3 else vector(1, n),
                FIRST if n % 3 else SECOND,
                id=str(n),
                session_id=f"s{n // 20}",
                valid_to=NOON if n % 50 == 7 else None,
            )
            for n in range(size)
        ],
        operation(),
    )
    handles: list[Handle] = [handle for handle, _ in await old.scan(None, size)]
    before = await look(old)
    assert before == await look(await opened(path))
    await old.remove(handles[1::97], operation())
    for place in range(0, size, 211):
        changed = entry("now even", vector(0, 1), SECOND, id=str(place), user_id="bob", session_id="s0")
        await old.replace(handles[place], changed, operation(), expected_version=1)
    after = await look(old)
    assert after != before
    new = await opened(path)
    assert after == await look(new)
    await asyncio.gather(old.close(), new.close())


async def test_many_changes_are_sealed_and_forgotten(tmp_path: Path) -> None:
    """The table of changes does not grow for ever, and who had not read them yet reads everything anew."""
    path = tmp_path / "memory.sqlite3"
    old = await opened(path)
    await old.add([entry(f"number {n} even", vector(1, n), id=str(n)) for n in range(blocks.HANDLES + 5)], operation())
    await look(old)
    for handle, _ in await old.scan(None, 40):
        await old.remove([handle], operation())
    connection = apsw.Connection(str(path))
    with transaction(connection, "write"):
        blocks.forget_changes(connection, most=20)
    new = await opened(path)
    assert connection.execute("SELECT count(*) FROM changes").get == 0
    connection.close()
    assert await look(new) == await look(old)
    assert await new.count(EVERYWHERE) == blocks.HANDLES + 5 - 40
    await asyncio.gather(old.close(), new.close())


async def test_two_generations_are_searched_by_turns_from_many_tasks(tmp_path: Path) -> None:
    """The codes held are those of one generation; nobody meets the other's."""
    store = await opened(tmp_path / "memory.sqlite3")
    await store.add([entry(f"one {n}", vector(1, n), FIRST, id=f"a{n}") for n in range(600)], operation())
    await store.add([entry(f"two {n}", vector(1, n), SECOND, id=f"b{n}") for n in range(600)], operation())
    asked = [candidates(store, vector(1), generation=(FIRST, SECOND)[n % 2], nearest=9_999) for n in range(20)]
    found = await asyncio.gather(*asked)
    for number, one in enumerate(found):
        assert len(one.handles) == 600
        assert (min(map(int, one.handles)) > 600) is (number % 2 == 1)
    await store.close()


@pytest.mark.parametrize("size", [5, blocks.HANDLES - 1, blocks.HANDLES, 3 * blocks.HANDLES + 7])
async def test_what_an_undo_brings_back_every_process_sees_where_it_was(tmp_path: Path, size: int) -> None:
    """Its handle is its place among its neighbours, also in a block that was sealed anew without it."""
    path = tmp_path / "memory.sqlite3"
    old, other = await opened(path), await opened(path)
    entries = [entry(f"number {n} even", vector(1, n), id=str(n), session_id=f"s{n // 20}") for n in range(size)]
    await old.add(entries, operation())
    handles: list[Handle] = [handle for handle, _ in await old.scan(None, size)]
    before = await look(old)
    removal = operation()
    gone = handles[1::7]
    await old.remove(gone, removal)
    assert await look(old) == await look(other) != before
    connection = apsw.Connection(str(path))
    with transaction(connection, "write"):
        blocks.forget_changes(connection, most=1)
    connection.close()
    late = await opened(path)
    await look(late)
    undone = await late.undo(removal.id, await restoring(late, removal), operation())
    assert (undone.restored, undone.kept) == (len(gone), ())
    new = await opened(path)
    assert await look(old) == await look(other) == await look(late) == await look(new) == before
    await asyncio.gather(old.close(), other.close(), late.close(), new.close())


async def test_a_snapshot_neither_sees_what_is_newer_nor_leaves_its_vectors_behind(tmp_path: Path) -> None:
    """Threads of a process share the columns and the vectors, but not their snapshots."""
    path = tmp_path / "memory.sqlite3"
    store = await opened(path)
    await store.add([entry("one", vector(1, 0), id="1"), entry("two", vector(1, 1), id="2")], operation())
    handles: list[Handle] = [handle for handle, _ in await store.scan(None, 2)]
    index, old, new = Index(), apsw.Connection(str(path)), apsw.Connection(str(path))
    with transaction(old, "read"):
        number = old.execute("SELECT number FROM generations").get
        before = index.view(old, number, FIRST.dimensions)
        await store.add([entry("three", vector(0, 1), id="3")], operation())
        changed = entry("other", vector(0, 1), id="1")
        await store.replace(handles[0], changed, operation(), expected_version=1)
        with transaction(new, "read"):
            after = index.view(new, number, FIRST.dimensions)
        assert len(index.view(old, number, FIRST.dimensions).columns.handle) == 2 < len(after.columns.handle)
        rows = np.arange(2)
        index.keep(before, rows, np.zeros((2, SCALE + FIRST.dimensions), np.uint8))
    stored, there = after.cache.get(rows)
    assert not there[0]
    assert stored[1].any()
    old.close()
    new.close()
    await store.close()


async def test_old_vectors_are_found_without_a_look_at_the_others(tmp_path: Path) -> None:
    """By an index, and nothing but the index."""
    path = tmp_path / "memory.sqlite3"
    await (await opened(path)).close()
    connection = apsw.Connection(str(path))
    for name, values in (("handles_of_generation", (0, 0, 9)), ("count_of_generation", (0,))):
        plan = connection.execute(f"EXPLAIN QUERY PLAN {sql(name)}", values).fetchall()
        assert ["COVERING INDEX facets_by_generation" in str(step[-1]) for step in plan] == [True]
    connection.close()
