"""Connections to the file: how they are opened, how they wait for each other, and their transactions."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import apsw

from mcp_memory.stores.sqlite.statements import sql

T = TypeVar("T")

MMAP = 1 << 40
"""The whole file is mapped: its pages are then shared by all processes, and private memory stays small."""
CHECKPOINT = 8_000
"""Pages of log after which they are moved into the file."""
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
