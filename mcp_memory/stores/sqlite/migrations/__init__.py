"""The schema's versions in order: what was done to a file is recorded in its table ``migrations``.

A change to the schema is a new file here and a new line in MIGRATIONS; a released file is never edited.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import apsw

from mcp_memory.domain.moments import microseconds
from mcp_memory.errors import SchemaMismatch, StoreCorrupt
from mcp_memory.ports import Clock
from mcp_memory.stores.sqlite.connection import Settings, connect, patiently, transaction
from mcp_memory.stores.sqlite.failures import CORRUPT, translated
from mcp_memory.stores.sqlite.place import prepare
from mcp_memory.stores.sqlite.statements import sql

APPLICATION = 0x4D454D52
"""Marks the file as ours ("MEMR"), see PRAGMA application_id."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema."""

    version: int
    name: str

    @property
    def sql(self) -> str:
        """The statements of the step."""
        return Path(__file__).with_name(f"{self.version:04}_{self.name}.sql").read_text(encoding="utf-8")


MIGRATIONS: tuple[Migration, ...] = (
    Migration(1, "initial"),
    Migration(2, "writes"),
    Migration(3, "operations"),
    Migration(4, "jobs"),
    Migration(7, "suggestions"),
)
SCHEMA_VERSION = MIGRATIONS[-1].version


def pending(path: Path) -> list[Migration]:
    """Return the steps that the file still needs, in order; all of them where there is no file.

    Raises:
        StoreCorrupt: the file is no database of ours.
        SchemaMismatch: a newer version of this program wrote it.
    """
    if not path.exists() or path.stat().st_size == 0:
        return list(MIGRATIONS)
    settings = Settings(path, read_only=True)
    with translated(path):
        connection = connect(settings)
        try:
            return pending_of(connection, path)
        finally:
            connection.close()


def pending_of(connection: apsw.Connection, path: Path, steps: Sequence[Migration] = MIGRATIONS) -> list[Migration]:
    """Return the steps that an open file still needs."""
    # In one statement: another process may be creating the schema at this moment.
    application, version, empty = connection.execute(sql("identity")).get
    if application != APPLICATION and not (empty and application == 0):
        raise StoreCorrupt(CORRUPT.format(path=path, error="it is a database of another program"))
    if version > steps[-1].version:
        raise SchemaMismatch(
            f"{path} was written by a newer version of mcp-memory (schema {version}, this one knows "
            f"{steps[-1].version}): update mcp-memory, or choose another MEMORY_STORE_URL"
        )
    return [step for step in steps if step.version > version]


def apply(path: Path, clock: Clock, steps: Sequence[Migration] = MIGRATIONS) -> list[Migration]:
    """Bring the file to the newest schema; return the steps that were done.

    A file that holds something is copied beside itself before its first step.
    """
    prepare(path)
    settings = Settings(path)
    with translated(path):
        connection = connect(settings)
    try:
        with translated(path, connection):
            return apply_to(connection, settings, clock, steps)
    finally:
        connection.close()


def apply_to(
    connection: apsw.Connection, settings: Settings, clock: Clock, steps: Sequence[Migration] = MIGRATIONS
) -> list[Migration]:
    """Do the pending steps over an open connection."""
    first = pending_of(connection, settings.path, steps)
    if first and first[0].version > 1:
        _keep(connection, settings, first[0], steps)
    if first and first[0].version == 1:
        # Another process may be doing the same; the switch to a log does not wait by itself.
        patiently(lambda: connection.pragma("journal_mode", "wal"), settings.busy_seconds)
    done = []
    for step in first:
        with transaction(connection, "write"):
            # Another process may have come first.
            if step in pending_of(connection, settings.path, steps):
                _apply(connection, step, clock)
                done.append(step)
    return done


def _keep(connection: apsw.Connection, settings: Settings, first: Migration, steps: Sequence[Migration]) -> None:
    """Copy the file as it is before its first step, unless another process has done that step."""
    # Who holds the lock is the only one who copies, and the copy is of the old schema.
    with transaction(connection, "write"):
        if first in pending_of(connection, settings.path, steps):
            # A connection that writes cannot be copied from.
            source = connect(settings)
            try:
                backup(source, settings.path.with_name(f"{settings.path.name}.before-{first.version}"))
            finally:
                source.close()


def _apply(connection: apsw.Connection, step: Migration, clock: Clock) -> None:
    connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations "
        "(version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT"
    )
    connection.execute(step.sql)
    connection.execute("INSERT INTO migrations VALUES (?, ?, ?)", (step.version, step.name, microseconds(clock())))
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {step.version}")


def backup(connection: apsw.Connection, path: Path) -> None:
    """Copy the database as it is now into another file, while others go on using it."""
    path.unlink(missing_ok=True)
    prepare(path)
    target = apsw.Connection(str(path))
    try:
        with target.backup("main", connection, "main") as copy:
            while not copy.done:
                copy.step(10_000)
    finally:
        target.close()
