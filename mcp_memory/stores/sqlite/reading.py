"""Reads of whole records. Every function is called within one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import apsw
import numpy as np

from mcp_memory.domain.filters import Where
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.memories import StoreStats
from mcp_memory.ports.models import Generation
from mcp_memory.stores.sqlite import filters, lexical
from mcp_memory.stores.sqlite.rows import Numbers, Place, Row, handle_and_record
from mcp_memory.stores.sqlite.statements import sql

NAMESPACES = 100
"""How many namespaces are listed at most."""

Held = tuple[int, MemoryRecord]


def records(connection: apsw.Connection, handles: Sequence[int]) -> list[MemoryRecord | None]:
    """Return the records behind the handles, None where one is gone."""
    if not handles:
        return []
    bound = (apsw.carray(np.array(handles, np.int64)),)
    found = dict(map(handle_and_record, connection.execute(sql("records", sql("is_among")), bound)))
    return [found.get(handle) for handle in handles]


def holders(connection: apsw.Connection, hashes: Sequence[tuple[Scope, str]]) -> list[MemoryRecord | None]:
    """Return for each the oldest memory that holds the content in exactly this scope; one without an end before all."""
    scopes = dict.fromkeys(scope for scope, _ in hashes)
    places = {scope: (filters.numbers_of(connection, scope), Place(scope)) for scope in scopes}
    return [_holder(connection, scope, memory_hash, *places[scope]) for scope, memory_hash in hashes]


def _holder(
    connection: apsw.Connection, scope: Scope, memory_hash: str, numbers: Numbers | None, place: Place
) -> MemoryRecord | None:
    if numbers is None:
        return None
    content = numbers[2], place.content(memory_hash)
    if connection.execute(sql("content_handle"), content).get is None:
        return None
    statement = sql("records", sql("has_content")) + "\n" + sql("first_stored")
    found = map(handle_and_record, connection.execute(statement, content))
    same = [record for _, record in found if record.scope == scope and record.memory_hash == memory_hash]
    return min(same, key=lambda record: record.valid_to is not None, default=None)


def named(connection: apsw.Connection, ids: Iterable[str], scope: Scope) -> list[Held]:
    """Return the memories that have, or took in, these ids within the scope."""
    numbers = filters.numbers_of(connection, scope)
    if numbers is None:
        return []
    condition = filters.within(numbers)
    statement = sql("records", f"{sql('has_id')} AND {condition.text}")
    found: dict[int, MemoryRecord] = {}
    for memory_id in dict.fromkeys(ids):
        found |= dict(map(handle_and_record, connection.execute(statement, (memory_id, memory_id, *condition.values))))
    return list(found.items())


def page(connection: apsw.Connection, where: Where, limit: int, offset: int) -> list[MemoryRecord]:
    """Return a page of matching memories, newest first."""
    condition = filters.whole(connection, where)
    if condition is None:
        return []
    statement = sql("records", condition.text) + "\n" + sql("newest_first")
    found = connection.execute(statement, (*condition.values, limit, offset))
    return [record for _, record in map(handle_and_record, found)]


def count(connection: apsw.Connection, where: Where, terms: Sequence[str]) -> int:
    """Return how many memories match, and hold one of the terms where some are given."""
    condition = filters.whole(connection, where)
    if condition is None:
        return 0
    if not terms:
        return int(connection.execute(sql("count", condition.text), condition.values).get)
    holding = [*lexical.postings(connection, terms)]
    if not holding:
        return 0
    statement = sql("count", f"{sql('is_among')} AND {condition.text}")
    return int(connection.execute(statement, (apsw.carray(np.concatenate(holding)), *condition.values)).get)


def duplicates(connection: apsw.Connection, where: Where) -> list[list[int]]:
    """Return the groups of matching memories that share content and scope, oldest first."""
    condition = filters.whole(connection, where)
    if condition is None:
        return []
    statement = sql("shared_contents", condition.text)
    groups: dict[Row, list[int]] = {}
    for *what, handle in connection.execute(statement, (*condition.values, *condition.values)):
        groups.setdefault(tuple(what), []).append(int(str(handle)))
    return [group for group in groups.values() if len(group) > 1]


def scan(connection: apsw.Connection, after: int, limit: int) -> list[Held]:
    """Return the memories after a handle, in order of storing."""
    statement = sql("records", "m.handle > ?") + "\n" + sql("by_handle")
    return list(map(handle_and_record, connection.execute(statement, (after, limit))))


def outdated(connection: apsw.Connection, generation: Generation, after: int, limit: int) -> list[Held]:
    """Return the memories after a handle that have no vector of the generation, in order of storing."""
    found = [
        int(str(handle))
        for number in _other_generations(connection, generation)
        for (handle,) in connection.execute(sql("handles_of_generation"), (number, after, limit))
    ]
    chosen = sorted(found)[:limit]
    held = zip(chosen, records(connection, chosen), strict=True)
    return [(handle, record) for handle, record in held if record is not None]


def count_outdated(connection: apsw.Connection, generation: Generation) -> int:
    """Return how many memories have no vector of the generation."""
    numbers = _other_generations(connection, generation)
    return sum(int(connection.execute(sql("count_of_generation"), (number,)).get) for number in numbers)


def _other_generations(connection: apsw.Connection, generation: Generation | None) -> list[int]:
    """Return the numbers under which vectors of other generations stand, and 0, under which none stand."""
    if generation is None:
        return [0]
    named = (generation.model, generation.dimensions, generation.digest)
    return [0, *(int(str(number)) for (number,) in connection.execute(sql("other_generations"), named))]


def namespaces(connection: apsw.Connection, scope: Scope, prefix: str) -> list[str]:
    """Return the first namespaces with the prefix that hold a memory of the scope."""
    numbers = filters.numbers_of(connection, scope)
    if numbers is None:
        return []
    condition = filters.within(numbers)
    test, values = filters.begins("n.name", prefix)
    statement = sql("namespaces", condition.text).replace("{prefix}", test)
    return [str(name) for (name,) in connection.execute(statement, (*values, *condition.values, NAMESPACES))]


def stats(connection: apsw.Connection, scope: Scope, generation: Generation | None) -> StoreStats:
    """Return how much there is; sessions, place and size are for the caller to add."""
    condition = filters.whole(connection, Where(scope))
    text, values = ("FALSE", []) if condition is None else (condition.text, condition.values)
    others = apsw.carray(np.array(_other_generations(connection, generation), np.int64))
    by_namespace = connection.execute(sql("by_namespace", text), values).fetchall()
    by_type = connection.execute(sql("by_type", text), values).fetchall()
    return StoreStats(
        memories=sum(int(str(number)) for _, number in by_namespace),
        sessions=0,
        by_namespace={str(name): int(str(number)) for name, number in by_namespace},
        by_type={str(name): int(str(number)) for name, number in by_type},
        without_vector=int(connection.execute(sql("without_vector", text), (others, *values)).get),
        location="",
        bytes=0,
        schema_version=int(connection.pragma("user_version")),
    )
