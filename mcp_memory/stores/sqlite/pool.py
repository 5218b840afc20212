"""The threads that use the file, each call with a connection of its own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias, TypeVar

import apsw

from mcp_memory.errors import StoreReadOnly, StoreUnavailable
from mcp_memory.stores.sqlite.connection import MMAP, Settings, transaction
from mcp_memory.stores.sqlite.failures import MOVED, READ_ONLY, translated
from mcp_memory.stores.sqlite.write_ahead import WriteAheadLog

P = TypeVar("P")
T = TypeVar("T")
Kind: TypeAlias = Literal["read", "write", "alone"]
"""In a transaction that reads or writes, or in none."""

READERS = 3
"""Reads that run beside each other; more would only share the same cores."""
QUIET = 16
"""Transactions without a foreign one between them after which a connection maps the file again."""


class _Pooled:
    """A connection of a pool. It maps the file as long as no other connection writes to it.

    SQLite takes the map down at each foreign transaction, and faulting its pages in again costs more than reading them.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection
        self._mapped = True
        self._quiet = 0
        # What it sees at its first transaction is not foreign.
        connection.execute("PRAGMA data_version").fetchall()
        self._version = connection.data_version()

    def settle(self, kind: Kind) -> None:
        """Look after a transaction whether a foreign one came before it."""
        # Every foreign transaction that was seen raises the number, and so does every own one that may write.
        expected = self._version + (kind == "write")
        self._version = self.connection.data_version()
        self._quiet = self._quiet + 1 if self._version == expected else 0
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
        self._log = WriteAheadLog(settings) if writable else None
        self._free: list[_Pooled] = []
        self._file = _identity(settings.path)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="memory-writer")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="memory-reader")

    async def read(self, act: Callable[[apsw.Connection], T]) -> T:
        """Run the act in a thread, within one snapshot."""
        return await _done_in(self._readers, partial(self._run, "read", act))

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
        if self._log is None:
            raise StoreReadOnly(READ_ONLY.format(path=self._settings.path))
        return await _done_in(self._writer, run)

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
                taken.settle(kind)
                return result
        finally:
            self._free.append(taken)

    def _taken(self) -> _Pooled:
        """Return the connection that was used last of those that are free: it still holds what it read and wrote."""
        try:
            return self._free.pop()
        except IndexError:
            connection = self._connect(self._settings)
            if self._log is not None:
                self._log.watch(connection)
            return _Pooled(connection)

    async def close(self) -> None:
        """Wait for what is under way, then close every connection."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._close)

    def _close(self) -> None:
        self._readers.shutdown()
        self._writer.shutdown()
        if self._log is not None:
            self._log.close()
        while self._free:
            self._free.pop().connection.close()


def _done_in(threads: ThreadPoolExecutor, run: Callable[[], T]) -> asyncio.Future[T]:
    """Return what will become of the call in one of the threads; it is not begun once nobody waits for it.

    ``run_in_executor`` chains a second future to this one, which takes longer than many a read.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    threads.submit(_do, loop, future, run)
    return future


def _do(loop: asyncio.AbstractEventLoop, future: asyncio.Future[T], run: Callable[[], T]) -> None:
    if future.cancelled():
        return
    try:
        loop.call_soon_threadsafe(_answer, future, run())
    except BaseException as error:  # noqa: BLE001 - whoever waits gets it
        loop.call_soon_threadsafe(_fail, future, error)
        # The error knows this frame: it is not to know the future in turn.
        del future


def _answer(future: asyncio.Future[T], result: T) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[T], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells this file from another one of its name."""
    try:
        found = os.stat(path)  # noqa: PTH116 - twice as fast, and asked before each call
    except OSError:
        return None
    return found.st_dev, found.st_ino
