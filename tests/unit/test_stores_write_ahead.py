"""The log of a file is moved into it while others write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from mcp_memory.stores.sqlite.connection import Settings, connect
from mcp_memory.stores.sqlite.write_ahead import LONGEST, WriteAheadLog

PAGES = 50
ROW = b"x" * 4_000
"""About a page."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    path = tmp_path / "memory.sqlite3"
    made = apsw.Connection(str(path))
    made.pragma("journal_mode", "wal")
    made.execute("CREATE TABLE rows (row)")
    made.execute("CREATE VIRTUAL TABLE words USING fts5 (terms)")
    made.close()
    return Settings(path)


@pytest.fixture
def connection(settings: Settings) -> Iterator[apsw.Connection]:
    """Yield a connection, by which the file stays open and its log beside it."""
    opened = connect(settings)
    yield opened
    opened.close()


def write(connection: apsw.Connection, rows: int) -> None:
    with connection:
        connection.executemany("INSERT INTO rows VALUES (?)", [(ROW,)] * rows)


def pages_of(path: Path) -> int:
    return path.stat().st_size // 4_096


def test_a_long_log_is_moved_into_the_file(settings: Settings, connection: apsw.Connection) -> None:
    log = WriteAheadLog(settings, PAGES)
    log.watch(connection)

    write(connection, PAGES)
    log.close()

    assert pages_of(settings.path) > PAGES


def test_a_short_log_is_left(settings: Settings, connection: apsw.Connection) -> None:
    log = WriteAheadLog(settings, PAGES)
    log.watch(connection)

    write(connection, PAGES // 4)
    log.close()

    assert pages_of(settings.path) < PAGES // 4


def test_it_does_not_grow_without_end_while_much_is_written(settings: Settings, connection: apsw.Connection) -> None:
    log = WriteAheadLog(settings, PAGES)
    log.watch(connection)

    for _ in range(40):
        write(connection, PAGES)
    log.close()

    assert pages_of(settings.path.with_name(f"{settings.path.name}-wal")) < 10 * PAGES


def test_a_log_that_does_not_become_shorter_is_not_moved_after_each_commit(
    settings: Settings, connection: apsw.Connection, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Each try at a file that is not there is told of once; to open one that is there takes longer than to fail."""
    log = WriteAheadLog(Settings(tmp_path / "elsewhere.sqlite3"), PAGES)
    log.watch(connection)

    for _ in range(LONGEST * PAGES // 2):
        connection.execute("INSERT INTO rows VALUES (1)")
        connect(settings).close()
    log.close()

    assert 0 < len(caplog.records) < 2 * LONGEST


def test_what_was_written_stays_so_where_the_log_cannot_be_moved(
    connection: apsw.Connection, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = WriteAheadLog(Settings(tmp_path / "elsewhere.sqlite3"), PAGES)
    log.watch(connection)

    write(connection, 5 * PAGES)
    log.close()

    assert connection.execute("SELECT count(*) FROM rows").get == 5 * PAGES
    assert "could not be moved" in caplog.text
