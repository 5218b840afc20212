"""What was stored as new, as spans of successive handles; found by a handle without an index of them."""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

import apsw

from mcp_memory.stores.sqlite.statements import sql


class Span(NamedTuple):
    """Memories of one owner that an operation stored as new."""

    own: int
    """1: it stands in the row of its operation; 0: in one of ``creations``."""
    operation: int
    first: int
    last: int
    namespace: int
    user: int


def span_of(connection: apsw.Connection, handle: int) -> Span | None:
    """Return the span of a memory; None where its operation is forgotten."""
    row = connection.execute(sql("span_of_handle"), (_began_last(connection, handle), handle)).fetchone()
    return None if row is None else Span(*(int(str(value)) for value in row))


def _began_last(connection: apsw.Connection, handle: int) -> int:
    """Return the last operation that began before the handle was given, or by giving it."""

    def first_from(number: int) -> int:
        return int(connection.execute(sql("first_from"), (number,)).get)

    newest = int(connection.execute(sql("newest_operation")).get or 0)
    return bisect_right(range(1, newest + 1), handle, key=first_from)


def leave_out(connection: apsw.Connection, handle: int) -> None:
    """Take the memory out of its span."""
    span = span_of(connection, handle)
    if span is None:
        return
    left = [ends for ends in ((span.first, handle - 1), (handle + 1, span.last)) if ends[0] <= ends[1]]
    if span.own:
        kept = left.pop(0) if left else (handle, handle - 1)
        connection.execute(sql("narrow_operation"), (*kept, span.operation))
    else:
        connection.execute(sql("forget_creation"), (span.first,))
    rest = (span.operation, span.namespace, span.user)
    connection.executemany(sql("add_creation"), [(*ends, *rest) for ends in left])
