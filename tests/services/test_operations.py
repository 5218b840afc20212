"""What can be looked at and taken back, through the use cases."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from mcp_memory.domain.access import Access, Caller
from mcp_memory.domain.filters import Where
from mcp_memory.domain.operations import OperationKind
from mcp_memory.domain.requests import Compact, Create, Edit, ListOperations, NewMemory, ShowOperation, Undo
from mcp_memory.domain.scope import Scope
from mcp_memory.domain.suggestions import SuggestionState
from mcp_memory.errors import AmbiguousId, CannotUndo, MemoryNotFound, NotAllowed, OperationNotFound
from mcp_memory.machine import new_ids
from mcp_memory.ports.memories import Merge
from mcp_memory.services.entries import Indexer
from mcp_memory.services.memory import Memory
from mcp_memory.services.operations import Operations
from mcp_memory.services.taking_back import AT_ONCE
from tests.contracts.entries import entry, operation

if TYPE_CHECKING:
    from tests.standing_clock import StandingClock

pytestmark = pytest.mark.anyio


async def create(memory: Memory, text: str, memory_id: str, user_id: str | None = None) -> str:
    new = NewMemory(text=text, id=memory_id, user_id=user_id)
    return (await memory.long_term.create(Create(memories=[new]))).operation or ""


async def test_an_edit_answers_the_operation_by_which_it_is_undone(memory: Memory) -> None:
    await create(memory, "Tea", "1")
    edited = await memory.long_term.edit(Edit(memory_id="1", text="Coffee"))
    assert edited.text == "Coffee"
    assert "operation" not in edited.model_dump()
    await memory.operations.undo(Undo(operation_id=edited.operation or ""))
    assert (await memory.long_term.get("1")).text == "Tea"


async def test_an_operation_is_shown_as_it_is_listed(memory: Memory) -> None:
    await create(memory, "Tea", "1")
    operation = (await memory.long_term.delete(["1"])).operation or ""
    undone = await memory.operations.undo(Undo(operation_id=operation))
    shown = await memory.operations.show(ShowOperation(operation_id=operation))
    assert (shown.undone_by, shown.removed, [change.memory_id for change in shown.changes]) == (
        undone.operation, 1, ["1"]
    )  # fmt: skip
    assert (await memory.operations.show(ShowOperation(operation_id=undone.operation or ""))).undoes == operation
    with pytest.raises(OperationNotFound):
        await memory.operations.show(ShowOperation(operation_id=operation, namespace="elsewhere"))


async def test_who_may_write_takes_back_what_they_did_themselves_and_an_admin_anything(memory: Memory) -> None:
    ann, bob = Caller("ann", Access.WRITE), Caller("bob", Access.WRITE)
    new = Create(memories=[NewMemory(text="Tea", id="1")])
    mine = (await memory.long_term.create(new, caller=ann)).operation or ""
    assert (await memory.operations.show(ShowOperation(operation_id=mine))).by == "ann"
    with pytest.raises(NotAllowed):
        await memory.operations.undo(Undo(operation_id=mine), caller=bob)
    undone = await memory.operations.undo(Undo(operation_id=mine), caller=ann)
    assert (await memory.operations.show(ShowOperation(operation_id=undone.operation or ""))).by == "ann"
    await memory.operations.undo(Undo(operation_id=undone.operation or ""), caller=Caller("eve", Access.ADMIN))
    assert (await memory.long_term.get("1")).text == "Tea"


async def test_a_default_scope_hides_and_protects_what_others_did(memory: Memory) -> None:
    operation = await create(memory, "Tea", "1", "ann")
    bob = Scope(user_id="bob")
    assert (await memory.operations.list(ListOperations(), caller=Caller(default=bob))).total == 0
    with pytest.raises(OperationNotFound):
        await memory.operations.undo(Undo(operation_id=operation), caller=Caller(default=bob))
    with pytest.raises(MemoryNotFound):
        await memory.operations.history("1", scope=bob)
    with pytest.raises(MemoryNotFound):
        await memory.operations.undo(Undo(operation_id=operation, only=["2"]))


async def test_what_was_changed_since_cannot_be_undone(memory: Memory) -> None:
    operation = await create(memory, "Tea", "1")
    await memory.long_term.edit(Edit(memory_id="1", text="Coffee"))
    with pytest.raises(CannotUndo, match="1: it was changed since"):
        await memory.operations.undo(Undo(operation_id=operation))


async def test_old_operations_expire_and_memories_stay(memory: Memory, clock: StandingClock) -> None:
    """For ever, where no time is set."""
    await create(memory, "Tea", "1")
    clock.advance(days=91)
    assert await memory.operations.expire() == 0
    await memory.long_term.edit(Edit(memory_id="1", text="Coffee"))
    kept = timedelta(days=90)
    operations = Operations(memory.store, Indexer(memory.embedder), clock, new_ids(), kept)
    assert await operations.expire() == 1
    assert [change.kind for change in (await operations.history("1")).changes] == ["edit"]
    assert (await memory.long_term.get("1")).text == "Coffee"


async def test_what_was_deleted_is_purged_only_for_its_owner(memory: Memory) -> None:
    await create(memory, "Tea", "1", "ann")
    await memory.long_term.delete(["1"])
    await create(memory, "Coffee", "1", "bob")
    with pytest.raises(AmbiguousId):
        await memory.long_term.purge(["1"])
    known = await memory.long_term.recorded(["1"], scope=Scope(user_id="ann"))
    assert [(record.text, record.there) for record in known] == [("Tea", False)]
    assert (await memory.long_term.purge(["1"], scope=Scope(user_id="ann"))).status == "ok, erased 1 memories"
    assert (await memory.long_term.purge(["1"])).status == "ok, erased 1 memories"
    assert (await memory.long_term.purge(["1"])).status == "ok, erased 0 memories"


async def test_a_large_operation_is_taken_back_in_pieces_and_is_told_as_one(memory: Memory) -> None:
    count = 2 * AT_ONCE + 1
    new = [NewMemory(text=f"Fact {number}", id=f"m{number}") for number in range(count)]
    done = operation(OperationKind.IMPORT)
    for start in range(0, count, 100):
        entries = [entry(one.text, id=str(one.id)) for one in new[start : start + 100]]
        await memory.store.add(entries, done)
    await memory.long_term.edit(Edit(memory_id="m7", text="Changed since"))
    told: list[tuple[int, int]] = []

    async def progress(reached: int, total: int, _: str) -> None:
        told.append((reached, total))

    reply = await memory.operations.undo(Undo(operation_id=done.id), progress=progress)
    assert told == [(AT_ONCE, count), (2 * AT_ONCE, count), (count, count)]
    assert (reply.restored, [kept.memory_id for kept in reply.kept]) == (count - 1, ["m7"])
    shown = await memory.operations.show(ShowOperation(operation_id=reply.operation or "", limit=3, offset=count - 3))
    assert (shown.removed, shown.total, len(shown.changes)) == (count - 1, count - 1, 2)
    again = await memory.operations.undo(Undo(operation_id=reply.operation or ""))
    assert (again.restored, await memory.store.count(Where())) == (count - 1, count)


async def test_many_that_were_merged_into_one_are_kept_apart_from_it(memory: Memory) -> None:
    """Every two of them would be more than anybody keeps."""
    count = 60
    await memory.store.add([entry("Tea", id=f"m{n}") for n in range(count)], operation(), duplicates="keep_both")
    handles = [handle for handle, _ in await memory.store.scan(None, count)]
    compaction = operation(OperationKind.COMPACT)
    sources = tuple((handle, 1) for handle in handles)
    await memory.store.merge([Merge(entry("Tea", id="m0"), sources)], compaction)
    await memory.operations.undo(Undo(operation_id=compaction.id))
    first, second, *others = sources
    states = await memory.store.settled([(first, second), *((other, first) for other in others), (second, others[0])])
    assert states == [SuggestionState.DISMISSED] * (count - 1) + [None]
    assert (await memory.long_term.compact(Compact(full=True))).merged == 0
