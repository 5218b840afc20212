"""Copies of the whole database by SQLite's backup interface: one file that stands alone, while others use the first."""

from __future__ import annotations

import filecmp
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import apsw

from mcp_memory.errors import StoreUnavailable
from mcp_memory.ports.given import Report
from mcp_memory.stores.sqlite.failures import translated
from mcp_memory.stores.sqlite.place import create

PAGES = 2_000
"""Copied between two reports."""


def unseen(done: int, total: int, what: str) -> None:
    """Tell nobody."""


def copy(source: apsw.Connection, path: Path, report: Report, what: str) -> None:
    """Write the database as the connection sees it now into a file for this user alone; what stands there is lost."""
    with writing(path):
        path.unlink(missing_ok=True)
        create(path)
    target = apsw.Connection(str(path))
    try:
        # A copy that is not finished is thrown away: it needs no journal.
        target.pragma("journal_mode", "memory")
        with _snapshot(source), target.backup("main", source, "main") as copied:
            finish(copied, report, what)
        # Otherwise it would stand beside a log of its own as soon as somebody looks into it.
        target.pragma("journal_mode", "delete")
    except (apsw.FullError, apsw.IOError):
        with translated(path, target):
            raise
    finally:
        target.close()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the system says of a file that cannot be made into an error with what to do.

    Raises:
        StoreUnavailable: it cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(
            f"{path} cannot be written ({error.strerror}): choose another place, or give this user write access to it"
        ) from error


def finish(copied: apsw.Backup, report: Report, what: str) -> None:
    """Copy what is left to copy."""
    while not copied.done:
        copied.step(PAGES)
        report(copied.page_count - copied.remaining, copied.page_count, what)


@contextmanager
def _snapshot(connection: apsw.Connection) -> Iterator[None]:
    """Hold what the connection sees: a copy would begin anew at every write of another process."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        connection.pragma("schema_version")
        yield
    finally:
        connection.execute("ROLLBACK")


def keep(source: apsw.Connection, wanted: Path, report: Report) -> Path:
    """Copy the database under this name, or the next that is free; return where it is.

    A copy that is there already and holds the same does: a change that fails again and again leaves only one.
    """
    partial = wanted.with_name(f"{wanted.name}.partial")
    try:
        copy(source, partial, report, "keeping a copy")
        name = next(name for name in _names(wanted) if not name.exists() or filecmp.cmp(partial, name, shallow=False))
        if not name.exists():
            with writing(name):
                partial.rename(name)
    finally:
        partial.unlink(missing_ok=True)
    return name


def free(wanted: Path) -> Path:
    """Return this name, or the next that no file has."""
    return next(name for name in _names(wanted) if not name.exists())


def _names(wanted: Path) -> Iterator[Path]:
    yield wanted
    yield from (wanted.with_name(f"{wanted.name}-{number}") for number in count(2))
