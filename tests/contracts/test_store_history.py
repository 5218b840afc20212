"""The contract of ``HistoryStore``: what was done is recorded with it, and can be taken back exactly."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from mcp_memory.domain.operations import OperationKind
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.history import Restore, Undone
from mcp_memory.ports.store import Store
from tests.contracts.entries import (
    ANN,
    EVERYWHERE,
    FIRST,
    candidates,
    entry,
    handle_of,
    merge,
    operation,
    texts,
    vector,
)
from tests.contracts.undoing import distances, everything, undo, words
from tests.standing_clock import NOON

pytestmark = pytest.mark.anyio

OPEN = Scope()
LATER = NOON + timedelta(days=1)


async def test_what_changed_nothing_leaves_no_trace(store: Store) -> None:
    await store.add([entry("Tea")], operation())
    await store.add([entry("Tea")], operation())
    await store.remove([], operation())
    found, total = await store.operations(OPEN, limit=9)
    assert ([one.kind for one in found], total) == ([OperationKind.CREATE], 1)


async def test_operations_are_listed_last_first_with_what_they_did(store: Store) -> None:
    edited, deleted = operation(OperationKind.EDIT, note="a typo"), operation(OperationKind.DELETE)
    await store.add([entry("Tea", id="1"), entry("Coffee", id="2"), entry("Milk", id="3")], operation())
    await store.replace(await handle_of(store, "1"), entry("Green tea", id="1"), edited, expected_version=1)
    await store.remove([await handle_of(store, "2")], deleted)
    found, total = await store.operations(OPEN, limit=2)
    assert total == 3
    assert [(one.id, one.kind, one.note) for one in found] == [
        (deleted.id, OperationKind.DELETE, None),
        (edited.id, OperationKind.EDIT, "a typo"),
    ]
    (first,), _ = await store.operations(OPEN, limit=2, offset=2)
    counted = [(one.created, one.changed, one.removed) for one in (first, *reversed(found))]
    assert counted == [(3, 0, 0), (0, 1, 0), (0, 0, 1)]


async def test_an_operation_of_several_transactions_is_one(store: Store) -> None:
    done = operation(OperationKind.IMPORT)
    await store.add([entry("Tea")], done)
    await store.add([entry("Coffee"), entry("Milk", user_id="bob")], done)
    (one,), total = await store.operations(OPEN, limit=9)
    assert (total, one.created) == (1, 3)
    (mine,), _ = await store.operations(Scope("work", "bob"), limit=9)
    assert mine.created == 1


async def test_a_scope_shows_what_was_done_to_its_memories_alone(store: Store) -> None:
    """An owner learns nothing of another's, by list, id or history."""
    done = operation()
    await store.add([entry("Ann's", id="x"), entry("Bob's", id="x", user_id="bob")], done)
    removed = operation(OperationKind.DELETE)
    await store.remove([await handle_of(store, "x", Scope(user_id="bob"))], removed)
    assert [one.id for one in (await store.operations(ANN, limit=9))[0]] == [done.id]
    assert [one.change.user_id for one in await store.changes(done.id, ANN)] == ["ann"]
    assert await store.changes(removed.id, ANN) == []
    assert [change.user_id for change in await store.history("x", ANN)] == ["ann"]
    assert await store.history("x", Scope("nobody")) == []
    assert (await store.operations(Scope("nobody"), limit=9)) == ([], 0)


async def test_history_tells_what_a_memory_was_and_became(store: Store) -> None:
    await store.add([entry("Tea", id="1")], operation())
    handle = await handle_of(store, "1")
    await store.replace(handle, entry("Green tea", id="1"), operation(OperationKind.EDIT), expected_version=1)
    await store.remove([handle], operation(OperationKind.DELETE))
    told = await store.history("1", OPEN)
    assert [(c.kind, c.before and c.before.text, c.after and c.after.text) for c in told] == [
        ("create", None, "Tea"),
        ("edit", "Tea", "Green tea"),
        ("delete", "Green tea", None),
    ]


async def test_history_is_told_in_order_where_an_id_was_used_again(store: Store) -> None:
    done = [operation(kind) for kind in (OperationKind.CREATE, OperationKind.DELETE, OperationKind.CREATE)]
    await store.add([entry("Tea", id="1")], done[0])
    await store.remove([await handle_of(store, "1")], done[1])
    await store.add([entry("Coffee", id="1")], done[2])
    assert [change.operation for change in await store.history("1", OPEN)] == [one.id for one in done]


async def test_every_memory_knows_what_stored_it(store: Store) -> None:
    """Whatever else an operation did, for whomever, in how many transactions, and with others between them."""
    first, second, third = (operation(OperationKind.IMPORT) for _ in range(3))
    await store.add([entry("1", id="1"), entry("2", id="2")], first)
    await store.add([entry("one", id="1"), entry("3", id="3"), entry("4", id="4", user_id="bob")], second)
    await store.replace(await handle_of(store, "2"), entry("two", id="2"), operation(), expected_version=1)
    await store.add([entry("5", id="5"), entry("6", id="6")], first)
    await store.add([entry("7", id="7"), entry("8", id="8", user_id="bob")], third)
    stored = {"1": first, "2": first, "3": second, "4": second, "5": first, "6": first, "7": third, "8": third}
    assert [(await store.history(name, OPEN))[0].operation for name in stored] == [one.id for one in stored.values()]
    assert [
        sorted(one.change.memory_id for one in await store.changes(done.id, OPEN)) for done in (first, second, third)
    ] == [
        ["1", "2", "5", "6"],
        ["1", "3", "4"],
        ["7", "8"],
    ]
    await store.purge([await handle_of(store, name) for name in ("2", "3", "6", "7")])
    counted = {one.id: one.created for one in (await store.operations(OPEN, limit=9))[0]}
    assert [counted[done.id] for done in (first, second, third)] == [2, 1, 1]
    assert [(await store.history(name, OPEN))[0].operation for name in ("1", "4", "5", "8")] == [
        one.id for one in (first, second, first, third)
    ]


async def test_what_stored_a_memory_is_forgotten_alone(store: Store) -> None:
    old, gone, new = (operation(at=NOON + timedelta(days=day)) for day in (2, 0, 3))
    for name, done in (("1", old), ("2", gone), ("3", new)):
        await store.add([entry(name, id=name)], done)
    assert await store.forget_operations(NOON + timedelta(days=1)) == 1
    told = [[one.operation for one in await store.history(name, OPEN)] for name in ("1", "2", "3")]
    assert told == [[old.id], [], [new.id]]


async def test_the_history_of_a_merged_id_goes_on_in_what_took_it_in(store: Store) -> None:
    await store.add([entry("Tea", id="1"), entry("Tea", id="2")], operation(), duplicates="keep_both")
    one, two = await handle_of(store, "1"), await handle_of(store, "2")
    await store.merge(merge(entry("Tea", id="1"), (one, 1), (two, 1)), operation(OperationKind.COMPACT))
    told = await store.history("2", OPEN)
    assert {(c.memory_id, c.kind) for c in told} == {
        ("1", "create"), ("2", "create"), ("1", "compact"), ("2", "compact")
    }  # fmt: skip


async def test_an_edit_is_taken_back_exactly(store: Store) -> None:
    """Record, version, words and vector."""
    original = entry("Tea is hot", vector(1), id="1", topics=["drinks"], metadata={"cups": 2}, access_count=3)
    await store.add([original, entry("Milk", vector(0, 1))], operation())
    before, near = await everything(store), await distances(store)
    edit = operation(OperationKind.EDIT)
    changed = entry("Coffee is hot", vector(0, 0, 1), id="1", topics=["beans"], created_at=LATER)
    await store.replace(await handle_of(store, "1"), changed, edit, expected_version=1)
    assert await distances(store) != near
    undone = await undo(store, edit)
    assert (undone.restored, undone.kept) == (1, ())
    assert await everything(store) == before
    assert await distances(store) == near
    assert (await words(store, "tea"), await words(store, "coffee")) == (1, 0)


async def test_a_removal_is_taken_back_exactly(store: Store) -> None:
    await store.add([entry(f"talk {n}", vector(1, n), id=str(n), session_id="s") for n in range(5)], operation())
    before, near = await everything(store), await distances(store)
    removal = operation(OperationKind.DELETE)
    await store.remove([before[1][0], before[3][0]], removal)
    await distances(store)
    assert (await undo(store, removal)).restored == 2
    assert await everything(store) == before
    assert await distances(store) == near
    neighbours = await candidates(store, vector(1, 0), nearest=1, neighbours=1)
    assert len(neighbours.handles) == 2


async def test_what_was_stored_as_new_is_gone_after_its_undo(store: Store) -> None:
    done = operation()
    await store.add([entry("Tea"), entry("Coffee")], done)
    await store.add([entry("Milk")], operation())
    assert (await undo(store, done)).restored == 2
    assert texts(await store.page(EVERYWHERE, limit=9)) == ["Milk"]


async def test_a_merge_is_taken_back_exactly(store: Store) -> None:
    """All of it, with the names that had led to its sources before."""
    await store.add(
        [entry("Tea", vector(1, n), id=str(n), metadata={str(n): n}) for n in range(4)],
        operation(),
        duplicates="keep_both",
    )
    zero, one, two = [await handle_of(store, str(n)) for n in range(3)]
    await store.merge(merge(entry("Tea", id="0"), (zero, 1), (one, 1)), operation(OperationKind.COMPACT))
    before, near = await everything(store), await distances(store)
    compaction = operation(OperationKind.COMPACT)
    (merged,) = await store.merge(merge(entry("All tea", vector(0, 0, 1), id="2"), (two, 1), (zero, 2)), compaction)
    assert merged is not None
    assert [memory.id for _, memory in await store.named(["1"], OPEN)] == ["2"]
    undone = await undo(store, compaction)
    assert (undone.restored, undone.kept) == (2, ())
    assert await everything(store) == before
    assert await distances(store) == near
    assert [memory.id for _, memory in await store.named(["1"], OPEN)] == ["0"]
    assert [memory.id for _, memory in await store.named(["0"], OPEN)] == ["0"]


async def test_a_memory_merged_twice_in_one_operation_comes_back(store: Store) -> None:
    await store.add([entry("Tea", vector(1, n), id=str(n)) for n in range(3)], operation(), duplicates="keep_both")
    before = await everything(store)
    zero, one, two = [handle for handle, _ in before]
    compaction = operation(OperationKind.COMPACT)
    await store.merge(merge(entry("Tea", id="0"), (zero, 1), (one, 1)), compaction)
    await store.merge(merge(entry("Tea", id="2"), (two, 1), (zero, 2)), compaction)
    assert (await undo(store, compaction)).kept == ()
    assert await everything(store) == before


async def test_what_a_new_memory_ended_holds_again_after_its_undo(store: Store) -> None:
    await store.add([entry("Ann lives in Lyon", id="old")], operation())
    before = await everything(store)
    done = operation()
    await store.add([entry("Ann lives in Oslo", id="new", supersedes=["old"])], done)
    assert (await store.named(["old"], OPEN))[0][1].valid_to == NOON
    assert (await undo(store, done)).restored == 2
    assert await everything(store) == before


async def test_an_undo_can_be_undone_and_done_again(store: Store) -> None:
    await store.add([entry("Tea", vector(1), id="1")], operation())
    edit, undoing = operation(OperationKind.EDIT), "undo-1"
    await store.replace(await handle_of(store, "1"), entry("Coffee", vector(0, 1), id="1"), edit, expected_version=1)
    after = await everything(store)
    await undo(store, edit, id=undoing)
    (listed, *_), _ = await store.operations(OPEN, limit=1)
    assert (listed.id, listed.undoes) == (undoing, edit.id)
    await undo(store, listed, id="undo-2")
    assert await everything(store) == after
    assert (await undo(store, edit)).restored == 1
    assert texts(await store.page(EVERYWHERE, limit=9)) == ["Tea"]


async def test_what_was_undone_is_not_undone_twice(store: Store) -> None:
    done = operation(OperationKind.DELETE)
    await store.add([entry("Tea", id="1")], operation())
    await store.remove([await handle_of(store, "1")], done)
    await undo(store, done)
    assert [one.change.undone for one in await store.changes(done.id, OPEN)] == [True]
    assert await undo(store, done) == Undone(0, ())


async def test_what_was_changed_since_is_kept_and_named(store: Store) -> None:
    """With all of its unit; other units are taken back."""
    await store.add([entry("Tea", id=str(n)) for n in range(4)], operation(), duplicates="keep_both")
    handles = [handle for handle, _ in await everything(store)]
    compaction = operation(OperationKind.COMPACT)
    merges = [
        *merge(entry("Tea", id="0"), (handles[0], 1), (handles[1], 1)),
        *merge(entry("Tea", id="2"), (handles[2], 1), (handles[3], 1)),
    ]
    await store.merge(merges, compaction)
    await store.replace(handles[0], entry("Green tea", id="0"), operation(OperationKind.EDIT), expected_version=2)
    undone = await undo(store, compaction)
    assert (undone.restored, [kept.memory_id for kept in undone.kept]) == (2, ["0"])
    assert sorted((memory.id, memory.text) for _, memory in await everything(store)) == [
        ("0", "Green tea"), ("2", "Tea"), ("3", "Tea")
    ]  # fmt: skip


async def test_a_memory_whose_name_another_took_is_kept_away(store: Store) -> None:
    await store.add([entry("Tea", id="1")], operation())
    removal = operation(OperationKind.DELETE)
    await store.remove([await handle_of(store, "1")], removal)
    await store.add([entry("Coffee", id="1")], operation())
    undone = await undo(store, removal)
    assert (undone.restored, [kept.memory_id for kept in undone.kept]) == (0, ["1"])
    assert texts(await store.page(EVERYWHERE, limit=9)) == ["Coffee"]


async def test_a_unit_that_reaches_out_of_the_scope_is_kept(store: Store) -> None:
    """Whoever may change only some of it may not undo it."""
    await store.add([entry("Tea", id="1")], operation())
    edit = operation(OperationKind.EDIT)
    moved = entry("Tea", id="1", user_id="bob")
    await store.replace(await handle_of(store, "1"), moved, edit, expected_version=1)
    assert (await undo(store, edit, Scope("work", "bob"))) == Undone(0, ())
    assert (await undo(store, edit, ANN)).restored == 1


async def test_a_version_never_comes_twice(store: Store) -> None:
    """Who read a version that was undone since cannot overwrite what came later."""
    await store.add([entry("Tea", id="1")], operation())
    handle = await handle_of(store, "1")
    edit = operation(OperationKind.EDIT)
    await store.replace(handle, entry("Coffee", id="1"), edit, expected_version=1)
    await undo(store, edit)
    again = await store.replace(handle, entry("Milk", id="1"), operation(OperationKind.EDIT), expected_version=1)
    assert again.version == 3


async def test_old_operations_are_forgotten_and_memories_stay(store: Store) -> None:
    old, new = operation(at=NOON - timedelta(days=9)), operation(OperationKind.EDIT, at=NOON)
    await store.add([entry("Tea", id="1")], old)
    await store.replace(await handle_of(store, "1"), entry("Coffee", id="1"), new, expected_version=1)
    assert await store.forget_operations(NOON) == 1
    found, total = await store.operations(OPEN, limit=9)
    assert ([one.id for one in found], total) == ([new.id], 1)
    assert (await undo(store, new)).restored == 1
    assert texts(await store.page(EVERYWHERE, limit=9)) == ["Tea"]


async def test_a_vector_of_another_generation_comes_back_as_it_was(store: Store) -> None:
    await store.add([entry("Tea", vector(1), id="1")], operation())
    removal = operation(OperationKind.DELETE)
    await store.remove([await handle_of(store, "1")], removal)
    changed = await store.changes(removal.id, OPEN)
    other = replace(FIRST, digest="another")
    # The record is the history's, whatever the entry says.
    restored = Restore({(one.handle, one.number): entry("Tea", vector(0, 1), other, id="1") for one in changed})
    await store.undo(removal.id, restored, operation(OperationKind.UNDO, undoes=removal.id))
    found = await candidates(store, vector(1), nearest=9)
    assert np.allclose(found.distance, [0.0], atol=1e-2)


async def test_the_first_memory_of_nobody_is_recorded_too(store: Store) -> None:
    done = operation()
    await store.add([entry("Tea", id="1", namespace=None, user_id=None)], done)
    assert [one.kind for one in await store.history("1", OPEN)] == ["create"]
    assert (await undo(store, done)).restored == 1


async def test_one_operation_is_told_as_it_is_listed(store: Store) -> None:
    done, removal = operation(note="tidy"), operation(OperationKind.DELETE)
    await store.add([entry("Tea", id="1"), entry("Bob's", user_id="bob")], done)
    await store.remove([await handle_of(store, "1")], removal)
    await undo(store, removal)
    listed, _ = await store.operations(OPEN, limit=9)
    assert [await store.operation(one.id, OPEN) for one in listed] == listed
    mine = await store.operation(done.id, ANN)
    assert mine is not None
    assert (mine.note, mine.created) == ("tidy", 1)
    assert await store.operation(removal.id, Scope("work", "bob")) is None
    assert await store.operation("nonsense", OPEN) is None
