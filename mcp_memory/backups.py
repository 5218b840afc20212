"""Backups of the store: a copy made while programs use it, and putting one in its place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_memory.errors import InvalidRequest
from mcp_memory.machine import now
from mcp_memory.ports.given import Report
from mcp_memory.stores.sqlite import backups as of_sqlite
from mcp_memory.stores.sqlite.backups import Existing, Held, Restored
from mcp_memory.stores.sqlite.connection import Settings as Use
from mcp_memory.stores.sqlite.place import refuse_shared

if TYPE_CHECKING:
    from mcp_memory.config import Settings

NOT_A_FILE: Mapping[str, str] = {
    "ephemeral": "ephemeral:// keeps nothing: there is no file to copy and none to put in its place",
    "redis": "a Redis server is backed up by its own means (redis-cli --rdb FILE); "
    "agent-memory export writes what it holds of memories into a file",
}
"""What is said for stores that are no file."""


def backup(settings: Settings, target: Path, *, existing: Existing, report: Report) -> Held:
    """Copy the store, as it is at this moment, into a file that only this user can read; return what it holds.

    Raises:
        InvalidRequest: the store is no file, or the target cannot be used.
        StoreError: there is nothing to copy, it is damaged, or there is no room.
    """
    return of_sqlite.backup(_file(settings), target.absolute(), existing, report)


def restore(settings: Settings, source: Path, *, report: Report) -> Restored:
    """Put a backup in the place of the store in one step, and keep the store as it was beside it.

    Programs that have the store open see the backup from then on.

    Raises:
        InvalidRequest: the store is no file.
        StoreError: the backup cannot be used, or the store cannot be written; nothing was changed.
    """
    path = _file(settings)
    if not settings.memory_allow_shared_folder:
        refuse_shared(path)
    return of_sqlite.restore(Use(path, "full"), source.absolute(), now, report)


def _file(settings: Settings) -> Path:
    kind, path = settings.store_location()
    if path is None:
        raise InvalidRequest(NOT_A_FILE[kind])
    return path
