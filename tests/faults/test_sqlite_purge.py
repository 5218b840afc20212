"""What is purged is in no file of the store, whoever else has it open."""

from __future__ import annotations

from pathlib import Path

import apsw
import numpy as np
import pytest

from mcp_memory.domain.operations import OperationKind
from mcp_memory.domain.scope import Scope
from mcp_memory.domain.suggestions import SuggestionKind
from mcp_memory.errors import StoreBusy
from mcp_memory.ports.memories import Handle
from mcp_memory.ports.suggestions import Proposal
from mcp_memory.stores.sqlite.blocks import HANDLES
from mcp_memory.stores.sqlite.store import SqliteStore
from tests.contracts.entries import EVERYWHERE, FIRST, entry, operation, vector
from tests.standing_clock import NOON, StandingClock

pytestmark = pytest.mark.anyio

SECRETS = (b"zanzibar", b"quetzal", b"xylophon", b"Zanzibar", b"Quetzal", b"Xylophon")
"""Rare words: of the text, of an earlier text, and of a label, as the text and the indexes hold them."""


def traces(path: Path) -> set[tuple[str, bytes]]:
    """Return which file of the store holds which of the words."""
    files = [file for file in path.parent.iterdir() if file.name.startswith(path.name)]
    return {(file.name, word) for file in files for word in SECRETS if word in file.read_bytes()}


async def opened(path: Path, busy_seconds: float = 10.0) -> SqliteStore:
    store = SqliteStore(path, clock=StandingClock(), busy_seconds=busy_seconds)
    await store.open()
    return store


async def with_secrets(store: SqliteStore) -> Handle:
    """Store a memory among others, change it, have it searched for, and suggest to merge it."""
    await store.add([entry(f"memory {number}", vector(1, number)) for number in range(300)], operation())
    secret = entry("A trip to Zanzibar", vector(1), id="secret", topics=["Xylophone"], metadata={"why": "Quetzal"})
    await store.add([secret], operation())
    await store.add([entry(f"later memory {number}", vector(1, number)) for number in range(300)], operation())
    ((handle, _),) = await store.named(["secret"], Scope())
    changed = entry("A Quetzal in Zanzibar", vector(0, 1), id="secret", topics=["Xylophone"])
    await store.replace(handle, changed, operation(OperationKind.EDIT), expected_version=1)
    assert await store.count(EVERYWHERE, ["zanzibar"]) == 1
    told = Proposal("s", SuggestionKind.MERGE, (handle, 2), (1, 1), NOON, "Both tell of Zanzibar", text="Zanzibar")
    assert await store.suggest([told]) == 1
    return handle


async def test_what_is_purged_is_in_no_file_of_the_store(tmp_path: Path) -> None:
    path = tmp_path / "memory.sqlite3"
    store, other = await opened(path), await opened(path)
    handle = await with_secrets(store)
    assert await other.count(EVERYWHERE, ["zanzibar"]) == 1
    assert traces(path)
    await store.purge([handle])
    assert traces(path) == set()
    assert await other.count(EVERYWHERE, ["zanzibar"]) == 0
    await other.add([entry("after")], operation())
    await store.close()
    await other.close()
    assert traces(path) == set()


async def test_what_was_deleted_before_can_be_erased_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "memory.sqlite3"
    store = await opened(path)
    handle = await with_secrets(store)
    await store.remove([handle], operation(OperationKind.DELETE))
    assert traces(path)
    known = await store.recorded(["secret"], Scope())
    assert await store.purge([one.handle for one in known]) == 1
    assert traces(path) == set()
    await store.close()


async def test_traces_kept_by_a_reader_are_told_and_erased_later(tmp_path: Path) -> None:
    """A program that reads for long is no obstacle for ever, and never hidden."""
    path = tmp_path / "memory.sqlite3"
    store = await opened(path, busy_seconds=0.05)
    handle = await with_secrets(store)
    reader = apsw.Connection(str(path))
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM memories").get == 601
    with pytest.raises(StoreBusy, match="keeps traces"):
        await store.purge([handle])
    assert await store.count(EVERYWHERE) == 600
    assert traces(path)
    reader.execute("ROLLBACK")
    await store.purge([])
    assert traces(path) == set()
    reader.close()
    await store.close()


async def test_the_code_of_its_vector_is_erased_from_the_sealed_blocks(tmp_path: Path) -> None:
    """Other processes see that it is gone."""
    path = tmp_path / "memory.sqlite3"
    store, other = await opened(path), await opened(path)
    rng = np.random.default_rng(3)
    await store.add([entry(f"m {n}", vector(*rng.normal(size=8)), FIRST) for n in range(HANDLES + 9)], operation())
    assert await other.count(EVERYWHERE) == HANDLES + 9
    connection = apsw.Connection(str(path))
    statement = "SELECT rows, length(codes) FROM blocks"
    assert connection.execute(statement).fetchall() == [(HANDLES, HANDLES * 8)]
    await store.purge([5])
    assert connection.execute(statement).fetchall() == [(HANDLES - 1, (HANDLES - 1) * 8)]
    connection.close()
    assert await other.count(EVERYWHERE) == HANDLES + 8
    await store.close()
    await other.close()
