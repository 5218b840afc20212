"""Words are found alike, whether their memories came one by one or many at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw
import pytest

from mcp_memory.ports.memories import Entry
from mcp_memory.stores.sqlite.store import SqliteStore
from mcp_memory.stores.sqlite.words import LONGEST_FRESH, MOST_FRESH
from tests.contracts.entries import ANN, EVERYWHERE, candidates, entry, operation
from tests.standing_clock import StandingClock

pytestmark = pytest.mark.anyio

SIZE = 2 * MOST_FRESH + 5


def entries() -> list[Entry]:
    return [entry(f"number {n} {'even' if n % 2 == 0 else 'odd odd'} walking", id=str(n)) for n in range(SIZE)]


async def filled(path: Path, at_once: int) -> SqliteStore:
    store = SqliteStore(path, clock=StandingClock())
    await store.open()
    made = entries()
    for first in range(0, SIZE, at_once):
        await store.add(made[first : first + at_once], operation())
    return store


async def look(store: SqliteStore) -> list[object]:
    found = await candidates(store, None, ("walks", "odd", "even"), lexical=9_999)
    counts = [await store.count(EVERYWHERE, [term]) for term in ("walk", "odd", "even", "three", "number")]
    return [sorted(zip(found.handles, found.lexical.tolist(), strict=True)), counts]


def waiting(path: Path) -> int:
    connection = apsw.Connection(str(path))
    try:
        return int(connection.execute("SELECT count(*) FROM fresh").get)
    finally:
        connection.close()


@pytest.mark.parametrize("at_once", [1, 7, MOST_FRESH])
async def test_few_at_a_time_are_found_as_all_at_once_are(tmp_path: Path, at_once: int) -> None:
    """After changes and removals too, of what waits to be indexed and of what does not."""
    few, many = await filled(tmp_path / "few", at_once), await filled(tmp_path / "many", SIZE)
    assert 0 < waiting(tmp_path / "few") <= MOST_FRESH
    assert waiting(tmp_path / "many") == 0
    assert await look(few) == await look(many)
    for store in (few, many):
        named = dict.fromkeys((handle for handle, _ in await store.scan(None, SIZE)), 1)
        first, second, *_, third, fourth = named
        await store.remove([first, fourth], operation())
        for handle, name in ((second, "1"), (third, str(SIZE - 2))):
            await store.replace(handle, entry("three walkers", id=name), operation(), expected_version=1)
    assert await look(few) == await look(many)
    assert await few.count(EVERYWHERE, ["three"]) == 2
    await asyncio.gather(few.close(), many.close())


async def test_a_long_text_does_not_wait(tmp_path: Path) -> None:
    """What waits is read by every search."""
    store = await filled(tmp_path / "file", 1)
    await store.add([entry("word " * LONGEST_FRESH)], operation())
    assert waiting(tmp_path / "file") == 0
    assert await store.count(EVERYWHERE, ["word"]) == 1
    assert len(await store.named(["0"], ANN)) == 1
    await store.close()
