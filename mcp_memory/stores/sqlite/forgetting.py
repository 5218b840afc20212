"""Reading what memories are forgotten by, and removing them if nothing happened since. Called within a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import apsw

from mcp_memory.domain.forgetting import Aged
from mcp_memory.domain.scope import Scope
from mcp_memory.stores.sqlite import filters, reading, writing
from mcp_memory.stores.sqlite.recording import Recorder
from mcp_memory.stores.sqlite.rows import Row
from mcp_memory.stores.sqlite.statements import sql

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def aged(connection: apsw.Connection, scope: Scope, after: int, limit: int) -> list[tuple[int, Aged]]:
    """Return the memories of the scope after a handle, in order of storing, without their texts."""
    numbers = filters.numbers_of(connection, scope)
    if numbers is None:
        return []
    condition = filters.within(numbers)
    rows = connection.execute(sql("aged", condition.text), (after, *condition.values, limit))
    return [_aged(row) for row in rows]


def _aged(row: Row) -> tuple[int, Aged]:
    handle, memory_id, namespace, user, kind, created, accessed, pinned, version = row
    return int(str(handle)), Aged(
        id=str(memory_id),
        namespace=None if namespace is None else str(namespace),
        user_id=None if user is None else str(user),
        memory_type=str(kind),
        created_at=_EPOCH + timedelta(microseconds=int(str(created))),
        last_accessed=_EPOCH + timedelta(microseconds=int(str(accessed))),
        pinned=bool(pinned),
        version=int(str(version)),
    )


def forget(recorder: Recorder, seen: Sequence[tuple[int, Aged]]) -> list[int]:
    """Remove the memories that are still at the version, and last accessed at the moment, at which they were seen."""
    now = reading.records(recorder.connection, [handle for handle, _ in seen])
    same = [
        handle
        for (handle, before), record in zip(seen, now, strict=True)
        if record is not None and (record.version, record.last_accessed) == (before.version, before.last_accessed)
    ]
    writing.remove(recorder, same)
    return same
