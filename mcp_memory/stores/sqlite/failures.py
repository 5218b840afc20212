"""SQLite's errors as ours, translated once. Nothing else of the package catches a driver's error to rename it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from mcp_memory.errors import (
    StoreBusy,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreUnavailable,
)

BUSY = "another process has held {path} for too long: try again, or end the process that holds it"
READ_ONLY = "{path} can be read but not written: give this user write access to the file and its folder"
FULL = "there is no room left for {path}: free space on its disk, or raise the limit; nothing of this call was stored"
CORRUPT = (
    "{path} is damaged or is no mcp-memory database ({error}): it was left as it is. Put a backup in its place, "
    "or move it away to begin anew"
)
UNAVAILABLE = "{path} cannot be opened or read ({error}): check that its folder exists and that this user may use it"
MOVED = "{path} was moved, replaced or deleted while it was in use: restart this server"
FAILED = "{path} failed: {error}"

ERRORS: dict[type[apsw.Error], tuple[type[StoreError], str]] = {
    apsw.BusyError: (StoreBusy, BUSY),
    apsw.LockedError: (StoreBusy, BUSY),
    apsw.ProtocolError: (StoreBusy, BUSY),
    apsw.ReadOnlyError: (StoreReadOnly, READ_ONLY),
    apsw.FullError: (StoreFull, FULL),
    apsw.CorruptError: (StoreCorrupt, CORRUPT),
    apsw.NotADBError: (StoreCorrupt, CORRUPT),
    apsw.FormatError: (StoreCorrupt, CORRUPT),
    apsw.CantOpenError: (StoreUnavailable, UNAVAILABLE),
    apsw.PermissionsError: (StoreUnavailable, UNAVAILABLE),
    apsw.AuthError: (StoreUnavailable, UNAVAILABLE),
    apsw.IOError: (StoreUnavailable, UNAVAILABLE),
    apsw.NoLFSError: (StoreUnavailable, UNAVAILABLE),
    apsw.NoMemError: (StoreError, FAILED),
}
"""The fitting error of ours; what is missing here is a mistake of this package and becomes a plain StoreError."""

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def translated(path: Path, connection: apsw.Connection | None = None) -> Iterator[None]:
    """Turn what SQLite raises within into the store error that fits, with what to do about it."""
    try:
        yield
    except apsw.Error as error:
        kind, message = ERRORS.get(type(error), (StoreError, FAILED))
        if isinstance(error, apsw.IOError) and connection is not None and connection.system_errno in _NO_ROOM:
            kind, message = StoreFull, FULL
        if getattr(error, "extendedresult", None) == apsw.SQLITE_READONLY_DBMOVED:
            kind, message = StoreUnavailable, MOVED
        raise kind(message.format(path=path, error=error)) from error
