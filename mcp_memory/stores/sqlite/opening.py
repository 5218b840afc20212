"""Opening the file: what is checked, created and brought up to date before the first call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import apsw

from mcp_memory.errors import SchemaMismatch, StoreUnavailable
from mcp_memory.ports.given import Clock
from mcp_memory.stores.sqlite.blocks import forget_changes
from mcp_memory.stores.sqlite.connection import (
    Settings,
    connect,
    connect_unchanging,
    transaction,
)
from mcp_memory.stores.sqlite.failures import translated
from mcp_memory.stores.sqlite.migrations import apply_to, pending_of
from mcp_memory.stores.sqlite.place import prepare
from mcp_memory.stores.sqlite.pool import Connections


async def opened(settings: Settings, clock: Clock) -> Connections:
    """Return the connections to a file that can be used."""
    return await asyncio.to_thread(_opened, settings, clock)


def _opened(settings: Settings, clock: Clock) -> Connections:
    path = settings.path
    if path.is_dir():
        raise StoreUnavailable(f"{path} is a folder: name a file in MEMORY_STORE_URL")
    if not settings.read_only:
        prepare(path)
    with translated(path):
        writable = not settings.read_only and _made_ready(settings, clock)
    opener = connect if writable else _checked_reader(settings)
    return Connections(settings, opener, writable=writable)


def _made_ready(settings: Settings, clock: Clock) -> bool:
    """Do what the file needs before use; say whether it can be written."""
    try:
        connection = connect(settings)
    except (apsw.CantOpenError, apsw.ReadOnlyError):
        # Not even the log beside the file can be opened for writing.
        return False
    try:
        if connection.readonly("main"):
            return False
        apply_to(connection, settings, clock)
        with transaction(connection, "write"):
            forget_changes(connection)
    except (apsw.CantOpenError, apsw.ReadOnlyError):
        return False
    finally:
        connection.close()
    return True


def reader(settings: Settings) -> Callable[[Settings], apsw.Connection]:
    """Return how the file can be opened for reading alone."""
    alone = replace(settings, read_only=True)
    try:
        connect(alone).close()
    except (apsw.CantOpenError, apsw.ReadOnlyError):
        if _log(settings.path).exists():
            # What the log holds would be left out of every answer.
            raise
        connect_unchanging(alone).close()
        return lambda _: connect_unchanging(alone)
    return lambda _: connect(alone)


def connect_to_read(path: Path) -> apsw.Connection:
    """Open a connection for one look at a file, after which no other file is left beside it."""
    settings = Settings(path)
    try:
        return connect(settings)
    except (apsw.CantOpenError, apsw.ReadOnlyError):
        return reader(settings)(settings)


def _checked_reader(settings: Settings) -> Callable[[Settings], apsw.Connection]:
    path = settings.path
    with translated(path):
        opener = reader(settings)
        connection = opener(settings)
        try:
            if pending_of(connection, path):
                raise SchemaMismatch(f"{path} has the schema of an older mcp-memory and cannot be written to change it")
        finally:
            connection.close()
    return opener


def _log(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def size(path: Path) -> int:
    """Return the bytes that the file and its log take."""
    return sum(part.stat().st_size for part in (path, _log(path)) if part.exists())
