"""The contract of ``HistoryStore``: a large operation is taken back in pieces, and what hangs together as it was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mcp_memory.domain.operations import OperationKind
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.history import Undone
from mcp_memory.ports.store import Store
from tests.contracts.entries import (
    ANN,
    entry,
    handle_of,
    merge,
    operation,
    restoring,
    vector,
)
from tests.contracts.undoing import distances, everything, undo, words

pytestmark = pytest.mark.anyio

OPEN = Scope()


async def test_what_an_operation_touched_is_told_in_order_and_whose_it_was(store: Store) -> None:
    """As its changes are, but without what the memories were."""
    done, edit = operation(), operation(OperationKind.EDIT)
    await store.add([entry("Ann's", id="a"), entry("Bob's", id="b", user_id="bob"), entry("Old", id="old")], done)
    await store.add([entry("New", id="new", supersedes=["old"])], done)
    await store.replace(await handle_of(store, "a"), entry("Ann's tea", id="a"), edit, expected_version=1)
    touched = await store.touched(done.id, ANN)
    assert {(one.memory_id, one.within) for one in touched} == {
        ("a", True), ("b", False), ("old", True), ("new", True)
    }  # fmt: skip
    assert [one.memory_id for one in touched if one.memory_id == "old"] == ["old", "old"], "stored, then ended"
    for scope in (OPEN, ANN):
        told = [(one.handle, one.unit, one.number, one.change.memory_id) for one in await store.changes(done.id, scope)]
        assert told == [one[:4] for one in await store.touched(done.id, scope) if one.within]
    assert not any(one.within for one in await store.touched(done.id, Scope("nowhere")))
    assert await store.touched("nonsense", OPEN) == []
    (change,) = await store.touched(edit.id, OPEN)
    assert change.number > max(one.number for one in touched)


async def test_what_an_operation_did_to_some_memories_is_told_alone(store: Store) -> None:
    done = operation()
    await store.add([entry(f"Fact {n}", id=str(n), user_id="ann" if n % 2 else "bob") for n in range(6)], done)
    await store.remove([await handle_of(store, "3")], operation(OperationKind.DELETE))
    one, two, three = [one.handle for one in await store.touched(done.id, OPEN) if one.memory_id in {"1", "2", "3"}]
    among = await store.changes(done.id, OPEN, [three, one])
    assert [(change.handle, change.change.memory_id) for change in among] == [(one, "1"), (three, "3")]
    assert [change.handle for change in await store.changes(done.id, ANN, [one, two])] == [one]
    assert await store.changes(done.id, OPEN, []) == []


@pytest.mark.parametrize("kind", ["stored", "merged", "removed"])
async def test_an_operation_is_taken_back_in_pieces_by_one_undo(store: Store, kind: str) -> None:
    """Each piece says by itself what is undone, and all of them are undone by undoing that one."""
    made, done, undoing = operation(), operation(), operation(OperationKind.UNDO)
    await store.add([entry(f"Fact {n}", vector(1, n), id=str(n)) for n in range(6)], made)
    handles = [handle for handle, _ in await everything(store)]
    if kind == "merged":
        for n in range(0, 6, 2):
            merged = entry("Facts", vector(2, n), id=str(n))
            await store.merge(merge(merged, (handles[n], 1), (handles[n + 1], 1)), done)
    elif kind == "removed":
        await store.remove(handles, done)
    else:
        done = made
    before, near = await everything(store), await distances(store)
    undoing = undoing.model_copy(update={"undoes": done.id})
    for start in range(0, 6, 2):
        piece = await restoring(store, done, handles=handles[start : start + 2])
        assert await store.undo(done.id, piece, undoing) == Undone(2, ())
        back = {one.handle for one in await store.touched(done.id, OPEN) if one.undone}
        assert back == set(handles[: start + 2])
    assert await undo(store, done) == Undone(0, ())
    listed = [one.id for one in (await store.operations(OPEN, limit=9))[0]]
    assert listed == list(dict.fromkeys([undoing.id, done.id, made.id]))
    assert await undo(store, undoing) == Undone(6, ())
    assert await everything(store) == before
    assert await distances(store) == near


async def test_what_the_operation_did_after_it_was_looked_at_is_not_taken_back(store: Store) -> None:
    """One that still goes on: its memories hang together with others by then, which are not among those."""
    await store.add([entry("Tea", vector(1, n), id=str(n)) for n in range(3)], operation(), duplicates="keep_both")
    zero, one, two = [handle for handle, _ in await everything(store)]
    compaction, undoing = operation(OperationKind.COMPACT), operation(OperationKind.UNDO)
    await store.merge(merge(entry("Tea", id="0"), (zero, 1), (one, 1)), compaction)
    seen = await restoring(store, compaction)
    await store.merge(merge(entry("Tea", id="2"), (two, 1), (zero, 2)), compaction)
    after = await everything(store)
    undone = await store.undo(compaction.id, seen, undoing)
    assert (undone.restored, {kept.memory_id for kept in undone.kept}) == (0, {"0"})
    assert await everything(store) == after


async def test_a_unit_is_kept_whose_memories_may_not_all_be_changed(store: Store) -> None:
    await store.add([entry("Tea", id=str(n)) for n in range(4)], operation(), duplicates="keep_both")
    handles = [handle for handle, _ in await everything(store)]
    compaction = operation(OperationKind.COMPACT)
    for n in (0, 2):
        await store.merge(merge(entry("Tea", id=str(n)), (handles[n], 1), (handles[n + 1], 1)), compaction)
    whole = await restoring(store, compaction)
    part = replace(
        whole, entries={one: made for one, made in whole.entries.items() if one[0] != handles[1]}, beyond=[handles[1]]
    )
    undone = await store.undo(compaction.id, part, operation(OperationKind.UNDO, undoes=compaction.id))
    assert (undone.restored, [kept.memory_id for kept in undone.kept]) == (2, ["1"])
    assert sorted(one.id for _, one in await everything(store)) == ["0", "2", "3"]


async def test_the_undo_of_a_chain_of_merges_is_undone_exactly(store: Store) -> None:
    """The memory in the middle comes back twice, each time as it then was."""
    await store.add([entry("Tea", vector(1, n), id=str(n)) for n in range(3)], operation(), duplicates="keep_both")
    zero, one, two = [handle for handle, _ in await everything(store)]
    compaction, undoing = operation(OperationKind.COMPACT), "undo-of-chain"
    await store.merge(merge(entry("Green tea", vector(2), id="0"), (zero, 1), (one, 1)), compaction)
    await store.merge(merge(entry("All tea", vector(3, 1), id="2"), (two, 1), (zero, 2)), compaction)
    after, near = await everything(store), await distances(store)
    await undo(store, compaction, id=undoing)
    listed, _ = await store.operations(OPEN, limit=1)
    assert (await undo(store, listed[0])).kept == ()
    assert await everything(store) == after
    assert await distances(store) == near
    assert [memory.id for _, memory in await store.named(["1"], OPEN)] == ["2"]
    assert (await words(store, "all"), await words(store, "green")) == (1, 0)


async def test_what_is_brought_back_half_way_is_found_by_its_own_words(store: Store) -> None:
    """Of a chain of merges only the last can be taken back, since an id was taken meanwhile."""
    await store.add([entry(f"Tea {n}", id=str(n)) for n in range(3)], operation())
    zero, one, two = [handle for handle, _ in await everything(store)]
    compaction = operation(OperationKind.COMPACT)
    await store.merge(merge(entry("Green", id="0"), (zero, 1), (one, 1)), compaction)
    await store.merge(merge(entry("All", id="2"), (two, 1), (zero, 2)), compaction)
    await store.add([entry("Another", id="1")], operation())
    undone = await undo(store, compaction)
    assert (undone.restored, [kept.memory_id for kept in undone.kept]) == (2, ["1"])
    assert (await words(store, "green"), await words(store, "tea")) == (1, 1)
