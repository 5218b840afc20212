"""Accesses: counting them, and finding memories by what they said then. Called within a transaction."""

from __future__ import annotations

from collections.abc import Sequence

import apsw
import numpy as np

from mcp_memory.domain.identity import normalised
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.scope import Scope
from mcp_memory.stores.sqlite import reading
from mcp_memory.stores.sqlite.reading import Held
from mcp_memory.stores.sqlite.rows import Place
from mcp_memory.stores.sqlite.statements import sql


def touch(connection: apsw.Connection, handles: Sequence[int], now: int, unless_since: int) -> None:
    """Count an access of the memories for which one is due, and note what all of them say."""
    if not handles:
        return
    bound = apsw.carray(np.array(handles, np.int64))
    connection.execute(sql("touch"), (bound, now, unless_since))
    noted = []
    for handle, namespace, user, text, returned in connection.execute(sql("said"), (bound,)).fetchall():
        owner = Scope(None if namespace is None else str(namespace), None if user is None else str(user))
        number = _number(owner, normalised(str(text)))
        if number != returned:
            noted.append((number, handle))
    connection.executemany(sql("note_returned"), noted)


def returned(connection: apsw.Connection, texts: Sequence[tuple[Scope, str]]) -> list[list[Held]]:
    """Return for each text the memories of its owner that say it, and said it when they were touched."""
    said = [(scope, normalised(text)) for scope, text in texts]
    numbers = [_number(scope, text) for scope, text in said]
    if not numbers:
        return []
    bound = apsw.carray(np.array(sorted(set(numbers)), np.int64))
    handles: dict[int, list[int]] = {}
    for handle, number in connection.execute(sql("returned"), (bound,)):
        handles.setdefault(int(str(number)), []).append(int(str(handle)))
    if not handles:
        return [[] for _ in texts]
    every = [handle for among in handles.values() for handle in among]
    records = dict(zip(every, reading.records(connection, every), strict=True))
    return [
        [(handle, record) for handle in handles.get(number, ()) if (record := _same(records[handle], scope, text))]
        for (scope, text), number in zip(said, numbers, strict=True)
    ]


def _number(owner: Scope, text: str) -> int:
    return Place(owner).text(text)


def _same(record: MemoryRecord | None, owner: Scope, text: str) -> MemoryRecord | None:
    """Return the record if it is the owner's and says the text now."""
    if record is None or (record.namespace, record.user_id) != (owner.namespace, owner.user_id):
        return None
    return record if normalised(record.text) == text else None
