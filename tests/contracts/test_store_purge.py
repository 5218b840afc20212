"""The contract of ``recorded`` and ``purge``: what is erased is nowhere, and what was not asked for stays."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mcp_memory.domain.operations import OperationKind
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.memories import Handle
from mcp_memory.ports.store import Store
from tests.contracts.entries import ANN, EVERYWHERE, entry, handle_of, merge, operation, texts, vector
from tests.contracts.undoing import OPEN, undo, words
from tests.standing_clock import NOON

pytestmark = pytest.mark.anyio


async def purge(store: Store, memory_id: str) -> int:
    return await store.purge([known.handle for known in await store.recorded([memory_id], OPEN)])


async def told(store: Store) -> set[str]:
    """Return every text that any operation still tells of."""
    found = set()
    for one in (await store.operations(OPEN, limit=99))[0]:
        for changed in await store.changes(one.id, OPEN):
            found |= {record.text for record in (changed.change.before, changed.change.after) if record}
    return found


async def two(store: Store) -> tuple[Handle, Handle]:
    await store.add([entry("Tea", vector(1), id="1"), entry("Milk", vector(0, 1), id="2")], operation())
    return await handle_of(store, "1"), await handle_of(store, "2")


async def test_what_is_purged_leaves_nothing(store: Store) -> None:
    handle, _ = await two(store)
    edit = operation(OperationKind.EDIT)
    await store.replace(handle, entry("Green tea", id="1"), edit, expected_version=1)
    assert await store.purge([handle, handle]) == 1
    assert await store.history("1", OPEN) == []
    assert await store.recorded(["1"], OPEN) == []
    assert await store.changes(edit.id, OPEN) == []
    assert await words(store, "tea", "green") == 0
    assert texts(await store.page(EVERYWHERE, limit=9)) == ["Milk"]
    assert await told(store) == {"Milk"}


async def test_an_operation_no_longer_counts_what_was_purged(store: Store) -> None:
    done = operation()
    await store.add([entry(str(number), id=str(number)) for number in range(5)], done)
    for memory_id in ("2", "0", "4"):
        assert await purge(store, memory_id) == 1
    ((listed,), _) = await store.operations(OPEN, limit=9)
    assert (listed.created, await told(store)) == (2, {"1", "3"})
    assert (await purge(store, "1"), await purge(store, "3")) == (1, 1)
    assert await store.operations(OPEN, limit=9) == ([], 0)


async def test_what_was_deleted_is_known_and_can_be_purged(store: Store) -> None:
    handle, _ = await two(store)
    await store.replace(handle, entry("Green tea", id="1"), operation(OperationKind.EDIT), expected_version=1)
    await store.remove([handle], operation(OperationKind.DELETE))
    await store.add([entry("Coffee", id="1")], operation())
    known = await store.recorded(["1"], OPEN)
    assert {(one.record.text, one.there) for one in known} == {("Green tea", False), ("Coffee", True)}
    assert await purge(store, "1") == 2
    assert await store.recorded(["1"], OPEN) == []
    assert await told(store) == {"Milk"}


async def test_only_the_owners_memories_are_known_to_a_scope(store: Store) -> None:
    await store.add([entry("Ann's", id="x"), entry("Bob's", id="x", user_id="bob")], operation())
    assert [one.record.text for one in await store.recorded(["x"], ANN)] == ["Ann's"]
    moved = entry("Once Ann's", id="y", user_id="bob")
    await store.add([entry("Once Ann's", id="y")], operation())
    handle = await handle_of(store, "y")
    await store.replace(handle, moved, operation(OperationKind.EDIT), expected_version=1)
    assert await store.recorded(["y"], ANN) == await store.recorded(["y"], Scope("nobody")) == []
    assert [one.handle for one in await store.recorded(["y"], Scope(user_id="bob"))] == [handle]


async def test_what_was_merged_away_is_purged_with_what_took_it_in(store: Store) -> None:
    """By either id."""
    one, other = await two(store)
    edit = operation(OperationKind.EDIT)
    await store.replace(other, entry("Hot milk", id="2"), edit, expected_version=1)
    await store.merge(merge(entry("Tea and milk", id="1"), (one, 1), (other, 2)), operation(OperationKind.COMPACT))
    assert {known.record.text for known in await store.recorded(["2"], OPEN)} == {"Hot milk", "Tea and milk"}
    assert await store.purge([one]) == 1
    assert await told(store) == set()
    assert await store.recorded(["1", "2"], OPEN) == []


async def test_a_merge_that_was_undone_leaves_nothing_in_the_history_of_the_other(store: Store) -> None:
    """The other memory stays; the merged text that it had for a while is gone."""
    one, other = await two(store)
    third = entry("Third", id="3")
    await store.add([third], operation())
    chain = operation(OperationKind.COMPACT)
    await store.merge(merge(entry("Tea and milk", id="1"), (one, 1), (other, 1)), chain)
    last = operation(OperationKind.COMPACT)
    three = await handle_of(store, "3")
    await store.merge(merge(entry("Tea, milk, third", id="3"), (three, 1), (one, 2)), last)
    assert (await undo(store, last)).restored == (await undo(store, chain)).restored == 2
    assert await purge(store, "2") == 1
    assert await told(store) == {"Tea", "Third"}
    assert sorted(texts(await store.page(EVERYWHERE, limit=9))) == ["Tea", "Third"]


async def test_what_it_ended_stays_with_its_history(store: Store) -> None:
    await store.add([entry("Lyon", id="old")], operation())
    await store.add([entry("Oslo", id="new", supersedes=["old"])], operation(at=NOON + timedelta(1)))
    assert await purge(store, "new") == 1
    assert [change.kind for change in await store.history("old", OPEN)] == ["create", "create"]


async def test_what_is_not_there_counts_nothing(store: Store) -> None:
    await two(store)
    assert await store.purge([10**6]) == await store.purge([]) == 0
    assert await store.recorded(["nothing"], OPEN) == []
