"""Connections to the file: how they are opened, how they wait for each other, and the threads that use them."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias, TypeVar

import apsw

from mcp_memory.errors import StoreReadOnly, StoreUnavailable
from mcp_memory.stores.sqlite.failures import MOVED, READ_ONLY, translated
from mcp_memory.stores.sqlite.statements import sql

P = TypeVar("P")
T = TypeVar("T")
Kind: TypeAlias = Literal["read", "write", "alone"]
"""In a transaction that reads or writes, or in none."""

READERS = 3
"""Reads that run beside each other; more would only share the same cores."""
MMAP = 1 << 40
"""The whole file is mapped: its pages are then shared by all processes, and private memory stays small."""
QUIET = 16
"""Transactions without a foreign one between them after which a connection maps the file again."""
CHECKPOINT = 8_000
"""Pages of log after which a commit moves them into the file."""
LOG_LIMIT = 64 << 20
_SHORTEST, _LONGEST = 0.000_2, 0.001
"""Seconds between two tries: SQLite's own handler sleeps up to 0.1 s, which is what writers then wait for."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How the file is used."""

    path: Path
    synchronous: Literal["normal", "full"] = "normal"
    busy_seconds: float = 10.0
    read_only: bool = False


def connect(settings: Settings) -> apsw.Connection:
    """Open a connection to an existing file."""
    uri = settings.path.absolute().as_uri()
    mode = "ro" if settings.read_only else "rw"
    flags = apsw.SQLITE_OPEN_URI | (apsw.SQLITE_OPEN_READONLY if settings.read_only else apsw.SQLITE_OPEN_READWRITE)
    connection = apsw.Connection(f"{uri}?mode={mode}", flags=flags)
    try:
        _prepare(connection, settings)
    except BaseException:
        connection.close()
        raise
    return connection


def connect_unchanging(settings: Settings) -> apsw.Connection:
    """Open a connection to a file on a medium where not even the index of the log can be written."""
    uri = f"{settings.path.absolute().as_uri()}?immutable=1"
    connection = apsw.Connection(uri, flags=apsw.SQLITE_OPEN_URI | apsw.SQLITE_OPEN_READONLY)
    connection.execute(sql("open_postings"))
    return connection


def _prepare(connection: apsw.Connection, settings: Settings) -> None:
    # Otherwise SQLite plans a statement anew for each value bound to it, which takes longer than most statements.
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    connection.set_busy_handler(_patience(settings.busy_seconds))
    connection.execute(f"PRAGMA mmap_size = {MMAP}")
    connection.execute(f"PRAGMA synchronous = {settings.synchronous}")
    connection.execute("PRAGMA cache_size = -4000")
    connection.execute("PRAGMA temp_store = memory")
    connection.execute(sql("open_postings"))
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT}")
    connection.execute(f"PRAGMA journal_size_limit = {LOG_LIMIT}")


def _patience(seconds: float) -> Callable[[int], bool]:
    """Return a busy handler that tries again after short sleeps of uneven length, for so many seconds."""
    deadline = 0.0

    def wait(tries: int) -> bool:
        nonlocal deadline
        if tries == 0:
            deadline = time.monotonic() + seconds
        elif time.monotonic() > deadline:
            return False
        time.sleep(random.uniform(_SHORTEST, _LONGEST))  # noqa: S311 - this is no secret
        return True

    return wait


def patiently(act: Callable[[], T], seconds: float) -> T:
    """Repeat an act for which SQLite does not call the busy handler until it succeeds or the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return act()
        except (apsw.BusyError, apsw.ProtocolError):
            if time.monotonic() > deadline:
                raise
            time.sleep(_LONGEST)


@contextmanager
def transaction(connection: apsw.Connection, kind: Literal["read", "write"]) -> Iterator[apsw.Connection]:
    """Run what is within in one transaction: all of it or nothing."""
    connection.execute("BEGIN IMMEDIATE" if kind == "write" else "BEGIN")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        # SQLite rolls back by itself where a disk is full.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


class _Pooled:
    """A connection of a pool. It maps the file as long as no other connection writes to it.

    SQLite takes the map down at each foreign transaction, and faulting its pages in again costs more than reading them.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection
        self._mapped = True
        self._quiet = 0
        self._version = self._data_version()

    def _data_version(self) -> int:
        return int(self.connection.execute("PRAGMA data_version").get)

    def settle(self) -> None:
        """Look after a transaction whether a foreign one came before it."""
        seen, self._version = self._version, self._data_version()
        self._quiet = self._quiet + 1 if seen == self._version else 0
        mapped = self._quiet >= QUIET or (self._mapped and self._quiet > 0)
        if mapped != self._mapped:
            self._mapped = mapped
            self.connection.execute(f"PRAGMA mmap_size = {MMAP if mapped else 0}")


class Connections:
    """A thread that writes and a few that read, and as many connections as were ever needed at once.

    Whoever waits for a thread may be cancelled: what was begun is finished there, so no transaction stays open.
    """

    def __init__(self, settings: Settings, connect: Callable[[Settings], apsw.Connection], *, writable: bool) -> None:
        self._settings = settings
        self._connect = connect
        self._writable = writable
        self._free: list[_Pooled] = []
        self._file = _identity(settings.path)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="memory-writer")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="memory-reader")

    async def read(self, act: Callable[[apsw.Connection], T]) -> T:
        """Run the act in a thread, within one snapshot."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._run, "read", act)

    async def write(self, act: Callable[[apsw.Connection], T]) -> T:
        """Run the act in the writing thread, within one transaction."""
        return await self._in_writer(partial(self._run, "write", act))

    async def write_prepared(self, prepare: Callable[[], P], act: Callable[[apsw.Connection, P], T]) -> T:
        """Run the act in the writing thread, within one transaction, on what was prepared there before it began.

        Other processes need not wait while something is prepared.
        """

        def run() -> T:
            prepared = prepare()
            return self._run("write", lambda connection: act(connection, prepared))

        return await self._in_writer(run)

    async def maintain(self, act: Callable[[apsw.Connection], T]) -> T:
        """Run the act in the writing thread, outside any transaction."""
        return await self._in_writer(partial(self._run, "alone", act))

    async def _in_writer(self, run: Callable[[], T]) -> T:
        if not self._writable:
            raise StoreReadOnly(READ_ONLY.format(path=self._settings.path))
        return await asyncio.get_running_loop().run_in_executor(self._writer, run)

    def _run(self, kind: Kind, act: Callable[[apsw.Connection], T]) -> T:
        path = self._settings.path
        if _identity(path) != self._file:
            raise StoreUnavailable(MOVED.format(path=path))
        with translated(path):
            taken = self._taken()
        try:
            with translated(path, taken.connection):
                if kind == "alone":
                    return act(taken.connection)
                with transaction(taken.connection, kind):
                    result = act(taken.connection)
                taken.settle()
                return result
        finally:
            self._free.append(taken)

    def _taken(self) -> _Pooled:
        """Return the connection that was used last of those that are free: it still holds what it read and wrote."""
        try:
            return self._free.pop()
        except IndexError:
            return _Pooled(self._connect(self._settings))

    async def close(self) -> None:
        """Wait for what is under way, then close every connection."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._close)

    def _close(self) -> None:
        self._readers.shutdown()
        self._writer.shutdown()
        while self._free:
            self._free.pop().connection.close()


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells this file from another one of its name."""
    try:
        found = os.stat(path)  # noqa: PTH116 - twice as fast, and asked before each call
    except OSError:
        return None
    return found.st_dev, found.st_ino
