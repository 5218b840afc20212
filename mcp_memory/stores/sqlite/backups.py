"""Backups of the file: a copy that is made while others write, and putting one in the place of the file.

Functions and not verbs of the store: what is restored is often a file that no store can open.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import apsw

from mcp_memory.errors import InvalidRequest, StoreCorrupt, StoreUnavailable
from mcp_memory.ports.given import Clock, Report
from mcp_memory.stores.sqlite import copying
from mcp_memory.stores.sqlite.connection import Settings, connect, patiently, transaction
from mcp_memory.stores.sqlite.failures import translated
from mcp_memory.stores.sqlite.migrations import APPLICATION, MIGRATIONS, pending_of, upgrade
from mcp_memory.stores.sqlite.opening import connect_to_read
from mcp_memory.stores.sqlite.place import prepare
from mcp_memory.stores.sqlite.statements import sql

Existing: TypeAlias = Literal["refuse", "replace"]
"""What is done with a file that has the name of the backup."""
ENDINGS = ("", "-wal", "-shm", "-journal")
"""Of the names of the files that SQLite keeps side by side."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a file holds, and of which schema it is."""

    memories: int
    sessions: int
    schema_version: int


@dataclass(frozen=True, slots=True)
class Restored:
    """What is in place now, and where the file is kept as it was before."""

    held: Held
    before: Path | None


def backup(path: Path, target: Path, existing: Existing, report: Report) -> Held:
    """Copy the file as it is at this moment; the copy takes its name only when it is whole.

    Raises:
        InvalidRequest: the target is there already, or is the store itself.
        StoreError: there is nothing to copy, or what there is, is damaged; a file of the target's name is as it was.
    """
    _refuse_itself(path, target)
    _refuse_existing(target, existing)
    if not path.exists():
        raise StoreUnavailable(f"{path} does not exist: there is nothing to back up")
    with _beside(target, ".partial") as partial:
        with _reading(path) as source:
            pending_of(source, path)
            copying.copy(source, partial, report, "backing up")
        held = _checked(partial, f"{path} is damaged ({{error}}): a copy of it would be, too, and was not kept", report)
        _refuse_existing(target, existing)
        with copying.writing(target):
            partial.replace(target)
    return held


def restore(settings: Settings, source: Path, clock: Clock, report: Report) -> Restored:
    """Put a backup in the place of the file in one step; programs that have it open see the backup from then on.

    The file as it was is kept beside it. A backup of an older schema is brought to this one on the way.

    Raises:
        StoreError: the backup cannot be used, or the file cannot be written; the file is as it was.
    """
    _refuse_itself(settings.path, source)
    if not source.is_file():
        raise StoreUnavailable(f"{source} does not exist")
    before = settings.path.with_name(f"{settings.path.name}.before-restore-{clock():%Y%m%dT%H%M%SZ}")
    with _beside(settings.path, ".restoring") as staged:
        with _reading(source) as origin:
            _refuse_strange(origin, source)
            copying.copy(origin, staged, report, "reading the backup")
        held = _checked(staged, f"{source} is damaged ({{error}}); nothing was changed", report)
        with translated(staged), closing(connect(Settings(staged))) as connection:
            upgrade(connection, staged, clock)
            kept = _put_in_place(connection, settings, before, report)
    return Restored(held, kept)


def _refuse_itself(path: Path, other: Path) -> None:
    if other.is_dir():
        raise InvalidRequest(f"{other} is a folder: name a file in it")
    if any(_is_same(path.with_name(path.name + ending), other) for ending in ENDINGS):
        raise InvalidRequest(f"{other} is part of the store itself: name another file")


def _is_same(one: Path, other: Path) -> bool:
    """Say whether both lead to one file, also where a disk takes "a" and "A" for one name."""
    if os.path.realpath(one) == os.path.realpath(other):
        return True
    return one.exists() and other.exists() and one.samefile(other)


def _refuse_existing(target: Path, existing: Existing) -> None:
    if existing == "refuse" and target.exists():
        raise InvalidRequest(f"{target} exists: name another file, or replace it with --force")


@contextmanager
def _reading(path: Path) -> Iterator[apsw.Connection]:
    """Open a file to be read; whatever SQLite says within is said of it."""
    with translated(path):
        try:
            with closing(connect_to_read(path)) as connection:
                yield connection
        except (apsw.CorruptError, apsw.NotADBError) as error:
            raise StoreCorrupt(f"{path} is damaged or no database of mcp-memory ({error})") from error


@contextmanager
def _beside(path: Path, ending: str) -> Iterator[Path]:
    """Give a file for this user alone beside another one; it is gone at the end if it is still there."""
    with copying.writing(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(ending, f"{path.name}.", path.parent)
    os.close(handle)
    try:
        yield Path(name)
    finally:
        for left in ENDINGS:
            Path(name + left).unlink(missing_ok=True)


def _refuse_strange(connection: apsw.Connection, path: Path) -> None:
    """Refuse what is no backup of ours, or one of a newer version."""
    application, _, _ = connection.execute(sql("identity")).get
    if application != APPLICATION:
        raise StoreCorrupt(f"{path} is a database of another program, or empty")
    pending_of(connection, path)


def _checked(path: Path, message: str, report: Report) -> Held:
    """Read every page of a copy; return what it holds.

    Raises:
        StoreCorrupt: it is damaged.
    """
    report(0, 1, "checking the copy")
    try:
        with closing(connect(Settings(path))) as connection:
            found = str(connection.execute("PRAGMA integrity_check(1)").get)
            report(1, 1, "checking the copy")
            if found != "ok":
                raise StoreCorrupt(message.format(error=found))
            memories, sessions = connection.execute(sql("holds")).get
            return Held(int(memories), int(sessions), int(connection.pragma("user_version")))
    except (apsw.CorruptError, apsw.NotADBError, apsw.SQLError) as error:
        raise StoreCorrupt(message.format(error=error)) from error


def _put_in_place(staged: apsw.Connection, settings: Settings, before: Path, report: Report) -> Path | None:
    """Write the staged database over the file; return where the file is kept."""
    path = settings.path
    _refuse_foreign(path)
    try:
        return _written_over(staged, settings, before, report)
    except StoreCorrupt:
        # Nobody can use what is there. Programs that have it open say that it was moved and what to do.
        aside = _moved(path, before)
    _written_over(staged, settings, before, report)
    return aside


def _refuse_foreign(path: Path) -> None:
    if not path.exists():
        return
    try:
        with closing(connect_to_read(path)) as connection:
            application, _, empty = connection.execute(sql("identity")).get
    except (apsw.CorruptError, apsw.NotADBError):
        return
    if application != APPLICATION and not (empty and application == 0):
        raise StoreCorrupt(f"{path} is a database of another program: choose another MEMORY_STORE_URL")


def _moved(path: Path, wanted: Path) -> Path:
    """Move a file with its log out of the way; return where it is."""
    aside = copying.free(wanted)
    with copying.writing(path):
        for ending in ENDINGS:
            part = path.with_name(path.name + ending)
            if part.exists():
                part.replace(aside.with_name(aside.name + ending))
    return aside


def _written_over(staged: apsw.Connection, settings: Settings, before: Path, report: Report) -> Path | None:
    path = settings.path
    prepare(path)
    with translated(path), closing(connect(settings)) as live, closing(connect(settings)) as present:
        # Whoever still needs the first step holds nothing.
        empty = MIGRATIONS[0] in pending_of(present, path)
        patiently(lambda: live.pragma("journal_mode", "wal"), settings.busy_seconds)
        _fit(staged, int(live.pragma("page_size")))
        with live.backup("main", staged, "main") as copied:
            # Copies nothing yet, and holds off every other writer until all is done.
            patiently(lambda: copied.step(0), settings.busy_seconds)
            kept = None if empty else copying.keep(present, before, report)
            if not empty:
                _outrun(staged, present)
            copying.finish(copied, report, "restoring")
        live.execute("PRAGMA wal_checkpoint(PASSIVE)")
    return kept


def _fit(staged: apsw.Connection, page_size: int) -> None:
    """Give the staged database pages of the file's size: others cannot be written over these."""
    if int(staged.pragma("page_size")) != page_size:
        staged.pragma("page_size", page_size)
        staged.execute("VACUUM")


def _outrun(staged: apsw.Connection, present: apsw.Connection) -> None:
    """Let numbers go on from the file's: programs that have it open then load anew, and no handle is given twice."""
    last, seq, _ = map(int, present.execute(sql("last_numbers")).get)
    its_last, its_seq, _ = map(int, staged.execute(sql("last_numbers")).get)
    seq = max(seq, its_seq) + 1
    with transaction(staged, "write"):
        staged.execute(sql("forget_last_numbers"))
        staged.execute(sql("remember_last_numbers"), (max(last, its_last), seq))
        staged.execute(sql("remember_forgotten"), (seq,))
