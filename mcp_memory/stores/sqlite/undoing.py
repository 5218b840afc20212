"""Taking back what an operation did. Every function is called within one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

import apsw

from mcp_memory.domain.operations import Kept
from mcp_memory.ports.history import Restore, Undone
from mcp_memory.ports.memories import Entry, Handle
from mcp_memory.stores.sqlite import reading, writing
from mcp_memory.stores.sqlite.blocks import seal_again
from mcp_memory.stores.sqlite.history import Step, steps_of
from mcp_memory.stores.sqlite.recording import Recorder
from mcp_memory.stores.sqlite.statements import sql

Entries: TypeAlias = Mapping[tuple[Handle, int], Entry | None]

CHANGED_SINCE = "it was changed since"
NAME_TAKEN = "another memory has its id now"
OUT_OF_REACH = "what it was changed together with is out of reach"


def undo(recorder: Recorder, operation_id: str, restore: Restore) -> Undone:
    """Take back what the operation did to these memories; what was changed since is kept with all of its unit."""
    entries = restore.entries
    handles = list(map(int, restore.handles))
    units: dict[int, list[Step]] = {}
    for step in reversed(steps_of(recorder.connection, operation_id, handles=handles)):
        if step.undone is None:
            # Last first: a memory may have been merged twice, and what came last is what it stands on now.
            units.setdefault(step.unit, []).append(step)
    kept: list[Kept] = []
    again: list[int] = []
    restored = 0
    for unit, steps in units.items():
        reasons = list(_reasons(recorder.connection, steps, entries))
        kept += reasons
        if not reasons:
            again += _restored(recorder, unit, steps, entries)
            restored += len({step.handle for step in steps})
    seal_again(recorder.connection, again)
    return Undone(restored, tuple(kept))


def _reasons(connection: apsw.Connection, steps: Sequence[Step], entries: Entries) -> Iterator[Kept]:
    """Say why a unit cannot be taken back."""
    among = list(dict.fromkeys(step.handle for step in steps))
    records = zip(among, reading.records(connection, among), strict=True)
    expected = {handle: None if record is None else record.version for handle, record in records}
    for step in steps:
        reason = None
        if (step.handle, step.number) not in entries:
            reason = OUT_OF_REACH
        elif step.after != expected[step.handle]:
            reason = CHANGED_SINCE
        elif step.before is not None and _holder(connection, step) not in (None, *among):
            reason = NAME_TAKEN
        expected[step.handle] = None if step.before is None else step.before.version
        if reason is not None:
            yield Kept(memory_id=step.memory_id, reason=reason)


def _holder(connection: apsw.Connection, step: Step) -> int | None:
    """Return the memory that has the name of the one that is to come back."""
    if step.before is None:
        return None
    owner = writing.numbers_given(connection, step.before.scope)[:2]
    found = connection.execute(sql("held_handle"), (step.before.id, *owner)).get
    return None if found is None else int(found)


def _restored(recorder: Recorder, unit: int, steps: Sequence[Step], entries: Entries) -> Iterator[int]:
    """Bring the memories of a unit back; return those that had been gone."""
    connection = recorder.connection
    first = {step.handle: step for step in steps}
    now = dict(zip(first, reading.records(connection, list(first)), strict=True))
    vectors = {handle: _vector(connection, handle, steps) for handle in first}
    for handle, record in now.items():
        if record is not None:
            before = first[handle].before
            after = None if before is None else before.version
            recorder.changing(handle, record, after, unit=unit, vector=True)
    writing.delete(connection, [handle for handle, record in now.items() if record is not None])
    for handle, step in first.items():
        entry = entries[handle, step.number]
        if step.before is not None and entry is not None:
            _put_back(recorder, handle, replace(entry, record=step.before), vectors[handle])
            if now[handle] is None:
                recorder.restored(handle, unit, step.before, writing.numbers_given(connection, step.before.scope))
    for handle, step in first.items():
        connection.executemany(sql("set_alias"), [(*name, handle) for name in step.aliases])
    _mark(recorder, steps)
    return (handle for handle, record in now.items() if record is None)


def _vector(connection: apsw.Connection, handle: int, steps: Sequence[Step]) -> tuple[int, bytes | None] | None:
    """Return the generation and vector that the memory had before the steps, which are given last first."""
    for step in reversed(steps):
        if step.handle == handle and step.generation is not None:
            return step.generation, step.vector
    row = connection.execute(sql("vector_of"), (handle,)).fetchone()
    return None if row is None else (int(str(row[0])), row[1] if isinstance(row[1], bytes) else None)


def _put_back(recorder: Recorder, handle: int, entry: Entry, vector: tuple[int, bytes | None] | None) -> None:
    connection = recorder.connection
    numbers = writing.numbers_given(connection, entry.record.scope)
    new = writing.numbered(entry, numbers)
    connection.execute(sql("remove_alias"), new.name)
    writing.insert(connection, [(handle, new)])
    connection.execute(sql("add_change"), (handle,))
    if vector is not None and vector[1] is not None:
        connection.execute(sql("change_vector"), (*vector, handle))


def _mark(recorder: Recorder, steps: Sequence[Step]) -> None:
    """Note that the steps are taken back; what they had themselves taken back stands again."""
    connection = recorder.connection
    connection.executemany(sql("mark_undone"), [(recorder.number, step.number) for step in steps if step.number])
    number = connection.execute(sql("operation_number"), (steps[0].operation.id,)).get
    connection.executemany(sql("stand_again"), [(number, step.handle) for step in steps])


def forget(connection: apsw.Connection, before: int) -> int:
    """Delete the record of operations from before a moment, given in microseconds; return how many there were."""
    old = [(int(str(number)),) for (number,) in connection.execute(sql("old_operations"), (before,)).fetchall()]
    for name in ("forget_images", "forget_creations", "forget_operation"):
        connection.executemany(sql(name), old)
    return len(old)
