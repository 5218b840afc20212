"""Migrations of the store: which are pending, and doing them. Each is recorded in the store and runs once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_memory.machine import now
from mcp_memory.stores.sqlite import migrations as of_sqlite

if TYPE_CHECKING:
    from mcp_memory.config import Settings


def pending(settings: Settings) -> list[str]:
    """Return the names of the migrations that the store still needs, in order; a store that keeps nothing needs none.

    Raises:
        StoreCorrupt, SchemaMismatch: the store is not one that this version can bring up to date.
    """
    _, path = settings.store_location()
    return [] if path is None else [_name(step) for step in of_sqlite.pending(path)]


def migrate(settings: Settings) -> list[str]:
    """Do the pending migrations and return their names; a file that holds something is copied beside itself first."""
    _, path = settings.store_location()
    return [] if path is None else [_name(step) for step in of_sqlite.apply(path, now)]


def _name(step: of_sqlite.Migration) -> str:
    return f"{step.version:04} {step.name}"
