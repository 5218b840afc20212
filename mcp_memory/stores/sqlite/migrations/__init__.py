"""The schema's versions in order: what was done to a file is recorded in its table ``migrations``.

A change to the schema is a new file here and a new line in MIGRATIONS; a released file is never edited. At a release
the newest version goes into RELEASED, and a file of it into ``tests/migrations``.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import apsw

from mcp_memory.domain.moments import microseconds
from mcp_memory.errors import SchemaMismatch, StoreCorrupt
from mcp_memory.ports.given import Clock, Report
from mcp_memory.stores.sqlite.connection import Settings, connect, patiently, transaction
from mcp_memory.stores.sqlite.copying import keep, unseen
from mcp_memory.stores.sqlite.failures import CORRUPT, translated
from mcp_memory.stores.sqlite.place import prepare
from mcp_memory.stores.sqlite.statements import sql

logger = logging.getLogger(__name__)

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
    Migration(5, "returned"),
    Migration(7, "suggestions"),
    Migration(8, "generations"),
    Migration(9, "tokens"),
    Migration(10, "views"),
)
SCHEMA_VERSION = MIGRATIONS[-1].version
RELEASED: tuple[int, ...] = (1,)
"""The newest version of each release: such files are with users."""


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


@dataclass(frozen=True, slots=True)
class Applied:
    """What was done to a file."""

    steps: tuple[Migration, ...] = ()
    copy: Path | None = None
    """Where the file is kept as it was before the first of them."""


def apply(path: Path, clock: Clock, steps: Sequence[Migration] = MIGRATIONS, report: Report = unseen) -> Applied:
    """Bring the file to the newest schema.

    A file that holds something is copied beside itself before its first step.
    """
    prepare(path)
    settings = Settings(path)
    with translated(path):
        connection = connect(settings)
    try:
        with translated(path, connection):
            return apply_to(connection, settings, clock, steps, report)
    finally:
        connection.close()


def apply_to(
    connection: apsw.Connection,
    settings: Settings,
    clock: Clock,
    steps: Sequence[Migration] = MIGRATIONS,
    report: Report = unseen,
) -> Applied:
    """Do the pending steps over an open connection, each in a transaction of its own."""
    run = _Run(connection, settings, clock, steps, report)
    # A copy that was put in the place of the file may have no log. Another process may be doing the same; the switch
    # does not wait by itself.
    patiently(lambda: connection.pragma("journal_mode", "wal"), settings.busy_seconds)
    done = tuple(step for step in run.awaited if run.did(step))
    if run.copy is not None:
        logger.warning("%s was migrated; as it was before it is kept in %s", settings.path, run.copy)
    return Applied(done, run.copy)


class _Run:
    """The steps that one process does to a file."""

    def __init__(
        self,
        connection: apsw.Connection,
        settings: Settings,
        clock: Clock,
        steps: Sequence[Migration],
        report: Report,
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._clock = clock
        self._steps = steps
        self._report = report
        self.awaited = pending_of(connection, settings.path, steps)
        self.copy: Path | None = None

    def did(self, step: Migration) -> bool:
        """Do the step, unless another process came first; say whether it was done here."""
        path = self._settings.path
        # A connection that writes cannot be copied from.
        with closing(connect(self._settings)) as present, transaction(self._connection, "write"):
            if step not in pending_of(self._connection, path, self._steps):
                return False
            if self.copy is None and self.awaited[0] is not self._steps[0]:
                # No other process writes now: what is copied is what is changed.
                self.copy = keep(present, path.with_name(f"{path.name}.before-{step.version}"), self._report)
            self._report(self.awaited.index(step), len(self.awaited), f"migrating to schema {step.version}")
            _apply(self._connection, step, self._clock)
        return True


def upgrade(connection: apsw.Connection, path: Path, clock: Clock, steps: Sequence[Migration] = MIGRATIONS) -> None:
    """Do the pending steps to a file that nobody else uses and that is itself a copy."""
    for step in pending_of(connection, path, steps):
        with transaction(connection, "write"):
            _apply(connection, step, clock)


def _apply(connection: apsw.Connection, step: Migration, clock: Clock) -> None:
    connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations "
        "(version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT"
    )
    connection.execute(step.sql)
    connection.execute("INSERT INTO migrations VALUES (?, ?, ?)", (step.version, step.name, microseconds(clock())))
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {step.version}")
