"""Writing the words of memories: those of few memories wait in ``fresh`` until there are enough to index together.

A transaction of FTS5 writes as many pages for one memory as for many. Searches read both, see ``lexical``.
"""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from mcp_memory.stores.sqlite.statements import sql

MOST_FRESH = 64
"""Memories that wait at most: every search reads their words."""
LONGEST_FRESH = 2_048
"""Characters of one addition that wait at most."""


def add(connection: apsw.Connection, words: Sequence[tuple[int, str]]) -> None:
    """Write the words of new memories, which stand in the order of their handles."""
    first, last = words[0][0], words[-1][0]
    oldest = int(connection.execute(sql("oldest_fresh")).get or first)
    if last - oldest < MOST_FRESH and sum(len(terms) for _, terms in words) <= LONGEST_FRESH:
        connection.executemany(sql("add_fresh"), words)
        return
    if oldest < first:
        connection.execute(sql("index_fresh"))
        connection.execute(sql("empty_fresh"))
    connection.executemany(sql("add_words"), words)


def change(connection: apsw.Connection, handle: int, terms: str) -> None:
    """Write other words of a memory."""
    remove(connection, [handle])
    connection.execute(sql("add_words"), (handle, terms))


def remove(connection: apsw.Connection, handles: Sequence[int]) -> None:
    """Delete the words of memories."""
    each = [(handle,) for handle in handles]
    connection.executemany(sql("remove_fresh"), each)
    connection.executemany(sql("remove_words"), each)
