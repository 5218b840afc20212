"""Good order of the file: what is done now and then for speed and space, in pieces that let other writers through."""

from __future__ import annotations

from dataclasses import replace

import apsw

from mcp_memory.stores.sqlite.connection import Settings, connect
from mcp_memory.stores.sqlite.statements import sql

MERGED_PAGES = 200
"""Of the lexical index, in one transaction."""
MOST_MERGES = 500


def merge_step(connection: apsw.Connection) -> bool:
    """Merge some pages of the lexical index; say whether there may be more. Called within one transaction."""
    before = connection.total_changes()
    connection.execute(sql("merge_words"), (MERGED_PAGES,))
    # FTS5 says that there was nothing to do by changing less than two rows.
    return connection.total_changes() - before > 1


def gather_statistics(connection: apsw.Connection) -> None:
    """Let SQLite look again at tables that have changed much. Called within one transaction."""
    connection.execute("PRAGMA optimize")


def move_log(settings: Settings) -> None:
    """Move the log into the file; shorten it if nobody is reading or writing at this moment."""
    connection = connect(replace(settings, busy_seconds=0))
    try:
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        # Whoever would have to wait for others leaves it to the next time.
        connection.set_busy_handler(None)
        try:
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except apsw.BusyError:
            return
    finally:
        connection.close()
