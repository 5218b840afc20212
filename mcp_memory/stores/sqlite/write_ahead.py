"""The write-ahead log: moved into the file in a thread of its own, so that no writer waits for the disk."""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor

import apsw

from mcp_memory.stores.sqlite.connection import CHECKPOINT, Settings, connect

LONGEST = 4
"""Times as long as it should be a log may become before a writer waits: it is not to grow without end."""
logger = logging.getLogger(__name__)


class WriteAheadLog:
    """Keeps the log of a file as short as so many pages, more or less."""

    def __init__(self, settings: Settings, pages: int = CHECKPOINT) -> None:
        self._settings = settings
        self._pages = pages
        self._due = pages
        self._mover = ThreadPoolExecutor(1, thread_name_prefix="memory-log")
        self._moving: Future[None] | None = None

    def watch(self, connection: apsw.Connection) -> None:
        """Look after each commit of the connection how long the log has become."""
        connection.set_wal_hook(self._written)

    def _written(self, connection: apsw.Connection, name: str, pages: int) -> int:
        del connection, name
        if pages < self._pages:
            # It has begun anew.
            self._due = self._pages
        elif pages >= min(self._due, LONGEST * self._pages):
            # While others write a log goes on growing however much of it is moved.
            self._due = pages + self._pages // 2
            if self._moving is None or self._moving.done():
                self._moving = self._mover.submit(self._move)
            if pages >= LONGEST * self._pages:
                self._moving.result()
        return apsw.SQLITE_OK

    def _move(self) -> None:
        try:
            connection = connect(self._settings)
            try:
                connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            finally:
                connection.close()
        except apsw.BusyError:
            # Another process is moving it.
            return
        except apsw.Error as error:
            # What the log holds is durable and read from there; the next commit tries again.
            logger.warning("the log of %s could not be moved into it: %s", self._settings.path, error)

    def close(self) -> None:
        """Wait for what is under way."""
        self._mover.shutdown()
