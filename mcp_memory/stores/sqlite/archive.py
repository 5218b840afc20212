"""Memories of the file, whole, on their way from or to another place. Called within one transaction each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import apsw
import numpy as np

from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.archive import Archived, Name, TakenIn
from mcp_memory.ports.memories import Handle
from mcp_memory.ports.models import Generation
from mcp_memory.stores.sqlite import reading, writing
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
    return [(handle, _whole(record, names[int(handle)], vectors.get(int(handle)))) for handle, record in held]


def _whole(record: MemoryRecord, names: Sequence[Name], found: tuple[bytes, Generation] | None) -> Archived:
    if found is None:
        return Archived(record, tuple(names))
    stored, generation = found
    parts, scales = unpacked([stored], generation.dimensions)
    vector = parts[0].astype(np.float32) * scales[0]
    return Archived(record, tuple(names), vector, generation)


def take_in(recorder: Recorder, memories: Sequence[tuple[TakenIn, Prepared]]) -> list[bool]:
    """Store those whose names find nothing yet; say of each whether it was."""
    connection = recorder.connection
    new: list[tuple[TakenIn, Prepared]] = []
    taken: list[bool] = []
    among: set[Name] = set()
    for one, ready in memories:
        record = one.entry.record
        name = Name(record.namespace, record.user_id, record.id)
        taken.append(name not in among and not _found(connection, name))
        if taken[-1]:
            among.add(name)
            new.append((one, ready))
    writing.add(recorder, [ready for _, ready in new], "as_they_are")
    for one, _ in new:
        record = one.entry.record
        handle = _found(connection, Name(record.namespace, record.user_id, record.id))
        for name in one.names:
            if not _found(connection, name):
                connection.execute(sql("name_memory"), (name.id, *_owner(connection, name), handle))
    return taken


def _found(connection: apsw.Connection, name: Name) -> int | None:
    """Return the memory that a name finds."""
    key = (name.id, *_owner(connection, name))
    found = connection.execute(sql("held_handle"), key).get or connection.execute(sql("alias_handle"), key).get
    return None if found is None else int(found)


def _owner(connection: apsw.Connection, name: Name) -> tuple[int, int]:
    namespace, user, _ = writing.numbers_given(connection, Scope(name.namespace, name.user_id))
    return namespace, user
