"""Memories of the file, whole, on their way from or to another place. Called within one transaction each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import apsw
import numpy as np

from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.archive import Archived, Name, TakenIn
from mcp_memory.ports.memories import Handle, Seen
from mcp_memory.ports.models import Generation
from mcp_memory.stores.sqlite import reading, writing
from mcp_memory.stores.sqlite.blocks import seal_again
from mcp_memory.stores.sqlite.prepared import Prepared
from mcp_memory.stores.sqlite.recording import Recorder
from mcp_memory.stores.sqlite.statements import sql
from mcp_memory.stores.vectors import unpacked


def archived(connection: apsw.Connection, after: int, limit: int) -> list[tuple[Handle, Archived]]:
    """Return the memories after a handle in order of storing, each with its names and its vector."""
    held = reading.scan(connection, after, limit)
    if not held:
        return []
    handles = apsw.carray(np.array([int(handle) for handle, _ in held], np.int64))
    names: dict[int, list[Name]] = defaultdict(list)
    for handle, namespace, user, memory_id in connection.execute(sql("names_of"), (handles,)):
        names[int(str(handle))].append(Name(namespace, user, str(memory_id)))
    vectors: dict[int, tuple[bytes, Generation]] = {}
    for handle, stored, model, dimensions, digest in connection.execute(sql("vectors_of"), (handles,)):
        vectors[int(str(handle))] = bytes(stored), Generation(str(model), int(str(dimensions)), str(digest))
    return [(handle, _whole(handle, record, names[handle], vectors.get(handle))) for handle, record in held]


def _whole(
    handle: int, record: MemoryRecord, names: Sequence[Name], found: tuple[bytes, Generation] | None
) -> Archived:
    if found is None:
        return Archived(record, tuple(names), handle=handle)
    stored, generation = found
    parts, scales = unpacked([stored], generation.dimensions)
    vector = parts[0].astype(np.float32) * scales[0]
    return Archived(record, tuple(names), vector, generation, handle)


def take_in(recorder: Recorder, memories: Sequence[tuple[TakenIn, Prepared]]) -> list[bool]:
    """Store those whose names find nothing yet; say of each whether it was."""
    connection = recorder.connection
    new: list[tuple[TakenIn, Prepared]] = []
    taken: list[bool] = []
    among: set[Name] = set()
    for one, ready in memories:
        name = _name(one)
        taken.append(name not in among and not _found(connection, name))
        if taken[-1]:
            among.add(name)
            new.append((one, ready))
    writing.add(recorder, [ready for _, ready in new], "as_they_are")
    for one, _ in new:
        handle = _found(connection, _name(one))
        if handle is not None:
            _give_names(connection, handle, one.names)
    return taken


def _name(one: TakenIn) -> Name:
    record = one.entry.record
    return Name(record.namespace, record.user_id, record.id)


def _give_names(connection: apsw.Connection, handle: int, names: Sequence[Name]) -> None:
    """Let these names find the memory, but for those that find one already."""
    for name in names:
        if not _found(connection, name):
            connection.execute(sql("name_memory"), (name.id, *_owner(connection, name), handle))


def move_in(connection: apsw.Connection, memories: Sequence[tuple[int, TakenIn, Prepared]]) -> list[bool]:
    """Store memories under their handles where neither these nor their names are taken; say of each whether it was."""
    new: dict[int, tuple[TakenIn, writing.New]] = {}
    among: set[Name] = set()
    stored: list[bool] = []
    for handle, one, ready in memories:
        name = _name(one)
        held = connection.execute(sql("version"), (handle,)).get is not None
        stored.append(not (held or handle in new or name in among or _found(connection, name)))
        if stored[-1]:
            among.add(name)
            numbers = writing.numbers_given(connection, one.entry.record.scope)
            new[handle] = one, writing.New(ready, (name.id, *numbers[:2]), numbers)
    if new:
        writing.insert(connection, [(handle, new[handle][1]) for handle in sorted(new)])
        for handle, (one, _) in new.items():
            _give_names(connection, handle, one.names)
        # Their handles are not the next ones, so that a process which has read the file must do so anew.
        connection.execute(sql("add_change"), (max(new),))
        seal_again(connection, sorted(new))
    return stored


def _found(connection: apsw.Connection, name: Name) -> int | None:
    """Return the memory that a name finds."""
    key = (name.id, *_owner(connection, name))
    found = connection.execute(sql("held_handle"), key).get or connection.execute(sql("alias_handle"), key).get
    return None if found is None else int(found)


def _owner(connection: apsw.Connection, name: Name) -> tuple[int, int]:
    namespace, user, _ = writing.numbers_given(connection, Scope(name.namespace, name.user_id))
    return namespace, user


def move_out(connection: apsw.Connection, seen: Sequence[Seen]) -> None:
    """Remove the memories that are still as they were seen, without recording it."""
    handles = [int(handle) for handle, _ in seen]
    pairs = zip(seen, reading.records(connection, handles), strict=True)
    same = [int(handle) for (handle, version), record in pairs if record is not None and record.version == version]
    writing.delete(connection, same)
