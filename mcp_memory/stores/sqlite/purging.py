"""Erasing memories beyond recovery: their rows, their history, and what deleted rows left in the file."""

from __future__ import annotations

from collections.abc import Sequence

import apsw
import numpy as np

from mcp_memory.errors import StoreBusy
from mcp_memory.stores.sqlite import reading, spans, writing
from mcp_memory.stores.sqlite.blocks import seal_again
from mcp_memory.stores.sqlite.statements import sql

STILL_READ = (
    "the memories are erased, but another program that reads {path} keeps traces of them in it: "
    "end that program, then run agent-memory delete memory --purge"
)


def purge(connection: apsw.Connection, handles: Sequence[int]) -> int:
    """Erase memories and all that was recorded of them; what is left in unused pages is for ``erase_unused``."""
    asked = list(dict.fromkeys(handles))
    known = _reached(connection, "known_of", asked)
    every = _closure(connection, "merged_into", asked)
    there = [handle for handle, record in zip(every, reading.records(connection, every), strict=True) if record]
    for handle in every:
        connection.execute(sql("forget_summaries_of"), (handle,))
    for handle in _closure(connection, "took_in", every):
        connection.execute(sql("forget_images_of"), (handle,))
        connection.execute(sql("forget_suggestions_of"), (handle,))
    for handle in every:
        spans.leave_out(connection, handle)
    writing.delete(connection, there)
    seal_again(connection, there)
    connection.execute(sql("rewrite_words"))
    return len(known)


def _closure(connection: apsw.Connection, name: str, handles: Sequence[int]) -> list[int]:
    """Return the handles with all that the statement leads to from them, step by step."""
    found = dict.fromkeys(handles)
    fresh = list(found)
    while fresh:
        fresh = [handle for handle in _reached(connection, name, fresh) if handle not in found]
        found |= dict.fromkeys(fresh)
    return list(found)


def _reached(connection: apsw.Connection, name: str, handles: Sequence[int]) -> list[int]:
    if not handles:
        return []
    rows = connection.execute(sql(name), (apsw.carray(np.array(handles, np.int64)),))
    return [int(str(handle)) for (handle,) in rows]


def erase_unused(connection: apsw.Connection) -> None:
    """Write the file anew without what deleted rows left in it, and empty its log; outside any transaction.

    Raises:
        StoreBusy: somebody reads an older state of the file, which therefore stays in the log.
    """
    connection.execute("VACUUM")
    busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").get
    if busy:
        raise StoreBusy(STILL_READ.format(path=connection.filename))
