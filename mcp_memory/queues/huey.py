"""Huey over an SQLite file beside the store."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from huey.api import Huey
from huey.storage import SqliteStorage

from mcp_memory.errors import QueueUnavailable
from mcp_memory.queues.deliveries import Deliveries, huey_over

logger = logging.getLogger(__name__)

_SIDES = ("", "-wal", "-shm")
"""The files of an SQLite database in WAL mode."""


class Mailbox(SqliteStorage):
    """Huey's storage, in which one waiting thread looks for all: an idle worker wakes up as seldom as one thread."""

    blocking = True

    def __init__(self, name: str, filename: str) -> None:
        self._poll_seconds = 1.0
        self._turn = threading.Lock()
        self._rung = threading.Event()
        self._stopped = threading.Event()
        super().__init__(name, filename, cache_mb=1)

    def _create_connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection = super()._create_connection()
        # With a log a power cut loses the last messages and damages nothing; the jobs themselves are elsewhere.
        connection.execute("pragma synchronous = normal")
        return connection

    def begin(self, poll_seconds: float) -> None:
        """Let threads wait for messages, and look so often for those of other processes."""
        self._poll_seconds = poll_seconds
        self._stopped.clear()

    def stop(self) -> None:
        """Let no thread wait any more."""
        self._stopped.set()
        self._rung.set()

    def enqueue(self, data: bytes, priority: float | None = None) -> None:
        super().enqueue(data, priority)
        self._rung.set()

    def dequeue(self) -> Any:
        with self._turn:
            while not self._stopped.is_set():
                self._rung.clear()
                data = super().dequeue()
                if data is not None:
                    return data
                self._rung.wait(self._poll_seconds)
        return None


class HueyQueue(Deliveries):
    """Hands ids over by a file that all processes of one store share."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._translated():
            huey = self._opened()
        super().__init__(huey)

    def _opened(self) -> Huey:
        """Open the file; one that is damaged is begun anew, since jobs are found without it."""
        _make_private(self._path)
        try:
            return _huey(self._path)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            logger.warning("the queue %s is damaged (%s) and is begun anew; no job is lost", self._path, error)
        for side in _SIDES:
            self._path.with_name(self._path.name + side).unlink(missing_ok=True)
        _make_private(self._path)
        return _huey(self._path)

    async def close(self) -> None:
        await asyncio.to_thread(self._huey.storage.close)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise QueueUnavailable(f"the queue {self._path} cannot be used: {error}") from error


def _huey(path: Path) -> Huey:
    return huey_over(Mailbox, filename=str(path))


def _make_private(path: Path) -> None:
    """Create an empty file that only this user can read; SQLite gives its other files the mode of the first."""
    with suppress(FileExistsError):
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        try:
            if os.name == "posix":
                os.fchmod(handle, 0o600)
        finally:
            os.close(handle)
