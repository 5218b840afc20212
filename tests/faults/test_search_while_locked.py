"""Reading goes on where counting the access cannot be written."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

import apsw
import pytest

from mcp_memory.domain.requests import Create, Search
from mcp_memory.embedders.hashing import HashingEmbedder
from mcp_memory.machine import new_ids
from mcp_memory.services.long_term import LongTerm
from mcp_memory.stores.sqlite.store import SqliteStore
from tests.standing_clock import StandingClock

pytestmark = pytest.mark.anyio


async def test_a_search_is_answered_while_another_holds_the_lock(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What was found is told; that the access was not counted is logged."""
    path, clock = tmp_path / "memory.sqlite3", StandingClock()
    store = SqliteStore(path, clock=clock, busy_seconds=0.05)
    await store.open()
    long_term = LongTerm(store, HashingEmbedder(), clock, new_ids(), enabled=True)
    await long_term.create(Create.model_validate({"memories": [{"text": "Ann drinks green tea"}]}))
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    clock.advance(hours=1)
    with caplog.at_level(logging.WARNING):
        found = await long_term.search(Search(text="green tea"))
    assert [hit.text for hit in found.memories] == ["Ann drinks green tea"]
    assert "the access was not counted" in caplog.text
    other.execute("ROLLBACK")
    other.close()
    await long_term.search(Search(text="green tea"))
    assert (await long_term.get(found.memories[0].id)).access_count == 1
    assert clock() - (await long_term.get(found.memories[0].id)).last_accessed == timedelta()
    await store.close()


async def test_a_search_of_what_was_just_used_waits_for_no_lock(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It has nothing to write."""
    path, clock = tmp_path / "memory.sqlite3", StandingClock()
    store = SqliteStore(path, clock=clock, busy_seconds=0.05)
    await store.open()
    long_term = LongTerm(store, HashingEmbedder(), clock, new_ids(), enabled=True)
    await long_term.create(Create.model_validate({"memories": [{"text": "Ann drinks green tea"}]}))
    await long_term.search(Search(text="green tea"))
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    assert (await long_term.search(Search(text="green tea"))).total == 1
    assert "the access was not counted" not in caplog.text
    other.execute("ROLLBACK")
    other.close()
    await store.close()
