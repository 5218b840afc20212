"""Migrations of the store: which are pending, and doing them. Each is recorded in the store and runs once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_memory.machine import now
from mcp_memory.ports.given import Report
from mcp_memory.stores.sqlite import migrations as of_sqlite
from mcp_memory.stores.sqlite.copying import unseen

if TYPE_CHECKING:
    from mcp_memory.config import Settings


@dataclass(frozen=True, slots=True)
class Migrated:
    """What was done."""

    names: tuple[str, ...] = ()
    copy: Path | None = None
    """Where the store is kept as it was before."""


def pending(settings: Settings) -> list[str]:
    """Return the names of the migrations that the store still needs, in order; a store that keeps nothing needs none.

    Raises:
        StoreCorrupt, SchemaMismatch: the store is not one that this version can bring up to date.
    """
    _, path = settings.store_location()
    return [] if path is None else [_name(step) for step in of_sqlite.pending(path)]


def migrate(settings: Settings, *, report: Report = unseen) -> Migrated:
    """Do the pending migrations; a file that holds something is copied beside itself first.

    Each is done whole or not at all, so what is ended in the middle goes on at the next call.
    """
    _, path = settings.store_location()
    if path is None:
        return Migrated()
    applied = of_sqlite.apply(path, now, report=report)
    return Migrated(tuple(map(_name, applied.steps)), applied.copy)


def _name(step: of_sqlite.Migration) -> str:
    return f"{step.version:04} {step.name}"
