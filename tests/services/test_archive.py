"""Moving records between places, through the use case."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mcp_memory.domain.requests import Create, GetSession, NewMemory, PutSession, Undo
from mcp_memory.embedders.hashing import HashingEmbedder
from mcp_memory.errors import MemoryNotFound
from mcp_memory.machine import new_ids
from mcp_memory.ports.archive import Page
from mcp_memory.services.archive import Archive
from mcp_memory.services.entries import Indexer
from mcp_memory.services.memory import Memory
from mcp_memory.sources.archive_file import ArchiveFile, write
from mcp_memory.stores.sqlite.store import SqliteStore
from tests.standing_clock import StandingClock

pytestmark = pytest.mark.anyio

NOTHING_ELSE = dict.fromkeys(("suggestions", "views", "summaries", "tokens"), 0)


@pytest.fixture
async def other(tmp_path: Path, clock: StandingClock) -> AsyncIterator[Archive]:
    """An empty store of another kind."""
    store = SqliteStore(tmp_path / "other.sqlite3", clock=clock)
    await store.open()
    yield Archive(store, Indexer(HashingEmbedder()), clock, new_ids())
    await store.close()


async def fill(memory: Memory) -> None:
    facts = [NewMemory(text=f"Fact number {n}", id=f"m{n}", user_id="ann" if n % 2 else None) for n in range(450)]
    await memory.long_term.create(Create(memories=facts))
    for number in range(60):
        put = PutSession.model_validate(
            {
                "session_id": f"s{number}",
                "namespace": "work" if number % 3 else None,
                "messages": [{"role": "user", "content": f"Hello {number}"}],
                "data": {"number": number},
            }
        )
        await memory.working.put(put)


async def test_all_pages_of_memories_and_sessions_arrive(memory: Memory, other: Archive, tmp_path: Path) -> None:
    await fill(memory)
    imported = await other.take_in(memory.archive)
    assert (imported.taken("memories"), imported.taken("sessions"), imported.there) == (450, 60, 0)
    compared = await other.holds(memory.archive, imported.history)
    assert compared.records == {"operations": 1, "changes": 450, "memories": 450, "sessions": 60} | NOTHING_ELSE
    assert set(compared.missing.values()) == {0}
    path = tmp_path / "all.jsonl"
    written = await write(memory.archive, path, StandingClock())
    assert (written["memories"], written["sessions"]) == (450, 60)
    assert set((await other.holds(ArchiveFile(path), "whole")).missing.values()) == {0}


async def test_a_session_keeps_its_messages_and_one_that_is_here_is_not_touched(memory: Memory, other: Archive) -> None:
    await fill(memory)
    await other.take_in(memory.archive)
    await memory.working.put(PutSession(session_id="s0", context="Written here since"))
    back = await memory.archive.take_in(other)
    assert (back.taken("memories"), back.taken("sessions"), back.there) == (0, 0, 961)
    assert (await memory.working.get(GetSession(session_id="s0"))).context == "Written here since"
    assert (await memory.working.get(GetSession(session_id="s1"))).messages[0].content == "Hello 1"


async def test_what_was_deleted_here_comes_back_only_if_that_is_wanted(memory: Memory, other: Archive) -> None:
    await fill(memory)
    await other.take_in(memory.archive)
    await memory.long_term.delete(["m7", "m8"])
    stays = await memory.archive.take_in(other, what_was_deleted="stays_deleted")
    assert (stays.taken("memories"), stays.there) == (0, 510)
    with pytest.raises(MemoryNotFound):
        await memory.long_term.get("m7")
    returned = await memory.archive.take_in(other)
    assert returned.taken("memories") == 2
    assert (await memory.long_term.get("m7")).text == "Fact number 7"
    await memory.operations.undo(Undo(operation_id=returned.operation or ""))
    with pytest.raises(MemoryNotFound):
        await memory.long_term.get("m7")


async def test_a_difference_is_counted(memory: Memory, other: Archive) -> None:
    await fill(memory)
    await other.take_in(memory.archive)
    await memory.working.put(PutSession(session_id="s0", context="Changed"))
    await memory.long_term.create(Create(memories=[NewMemory(text="Another", id="m1", user_id="ann")]))
    missing = (await other.holds(memory.archive, "whole")).missing
    assert {kind: count for kind, count in missing.items() if count} == {
        "operations": 1,
        "changes": 1,
        "memories": 1,
        "sessions": 1,
    }
    assert (await other.holds(memory.archive, "left")).missing == {
        "memories": 1,
        "sessions": 1,
        "views": 0,
        "tokens": 0,
    }


async def test_a_dry_run_takes_nothing_in(memory: Memory, other: Archive) -> None:
    await fill(memory)
    dry = await other.take_in(memory.archive, dry_run=True)
    assert (dry.taken("memories"), dry.taken("sessions"), dry.operation, dry.dry_run) == (450, 60, None, True)
    pages: list[Page] = [page async for page in other.pages()]
    assert pages == []
