"""The SQLite store when processes die, share the file, or meet the end of the disk."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import apsw
import pytest

from mcp_memory.domain.scope import Scope
from mcp_memory.stores.sqlite import migrations
from mcp_memory.stores.sqlite.store import SqliteStore
from tests.contracts.entries import EVERYWHERE, candidates, entry, operation, vector
from tests.standing_clock import StandingClock

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform == "win32", reason="the children use limits and users of POSIX"),
]

CHILD = Path(__file__).with_name("sqlite_child.py")
VERSION_1 = Path(__file__).parents[1] / "migrations" / "v1.sqlite3"


def child(act: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(CHILD), act, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path or "." for path in sys.path)},
        text=True,
    )


def answers(act: str, *arguments: object) -> list[str]:
    with child(act, *arguments) as process:
        assert process.stdout is not None
        lines = process.stdout.read().splitlines()
    assert process.returncode == 0
    return lines


def integrity(path: Path) -> str:
    connection = apsw.Connection(str(path))
    try:
        return str(connection.pragma("integrity_check"))
    finally:
        connection.close()


def version(path: Path) -> int:
    connection = apsw.Connection(str(path))
    try:
        return int(connection.pragma("user_version"))
    finally:
        connection.close()


async def opened(path: Path) -> SqliteStore:
    store = SqliteStore(path, clock=StandingClock())
    await store.open()
    return store


@pytest.mark.parametrize("acknowledged", [1, 2, 40, 300])
async def test_what_was_acknowledged_outlives_a_kill(tmp_path: Path, acknowledged: int) -> None:
    """kill -9 in the middle of a stream of writes."""
    path = tmp_path / "memory.sqlite3"
    with child("add_for_ever", path) as process:
        assert process.stdout is not None
        for _ in range(acknowledged):
            last = int(process.stdout.readline())
        process.kill()
        rest = process.stdout.read().splitlines(keepends=True)
    told = last + 1 + sum(line.endswith("\n") for line in rest)
    store = await opened(path)
    try:
        found = await store.named([str(number) for number in range(told)], Scope())
        assert len(found) == told
        there = await store.count(EVERYWHERE)
        assert there - told in {0, 1}
        assert there == await store.count(EVERYWHERE, ["memory"])
        assert len((await candidates(store, vector(1), nearest=9_999)).handles) == there
    finally:
        await store.close()
    assert integrity(path) == "ok"


async def test_processes_create_a_file_at_the_same_moment(tmp_path: Path) -> None:
    """Whoever comes first writes the schema; the others wait and use it."""
    processes = [child("create_many", tmp_path, number) for number in range(4)]
    for turn in map(str, range(20)):
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(f"{turn}\n")
            process.stdin.flush()
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline().strip() == turn
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    for turn in map(str, range(20)):
        store = await opened(tmp_path / turn / "memory.sqlite3")
        assert await store.count(EVERYWHERE, ["memory"]) == 4
        await store.close()


async def test_processes_bring_a_file_up_to_date_at_the_same_moment(tmp_path: Path) -> None:
    """Whoever comes first keeps the file as it was, and does the steps; the others wait and use it."""
    turns = [str(turn) for turn in range(2)]
    for turn in turns:
        (tmp_path / turn).mkdir()
        heavy(Path(shutil.copy(VERSION_1, tmp_path / turn / "memory.sqlite3")))
    processes = [child("create_many", tmp_path, number) for number in range(4)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n".join(turns))
        process.stdin.close()
    for process in processes:
        with process:
            assert process.stdout is not None
            assert process.stdout.read().split() == turns
    for turn in turns:
        path = tmp_path / turn / "memory.sqlite3"
        store = await opened(path)
        assert await store.count(EVERYWHERE, ["memory"]) == 4
        await store.close()
        assert version(path) == migrations.SCHEMA_VERSION
        assert version(path.with_name("memory.sqlite3.before-2")) == 1


def heavy(path: Path) -> None:
    """Make the file so big that copying it takes a while."""
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE ballast (weight); INSERT INTO ballast VALUES (zeroblob(30000000))")
    connection.close()


async def test_four_processes_share_a_file(tmp_path: Path) -> None:
    """No "database is locked", no stale read, nothing lost; also when all four create the file at once."""
    path, board = tmp_path / "memory.sqlite3", tmp_path / "board"
    board.mkdir()
    processes = [child("add_and_look", path, board, number, 25) for number in range(4)]
    said = []
    for process in processes:
        with process:
            assert process.stdout is not None
            said.append(process.stdout.read())
    assert said == ["done\n"] * 4
    store = await opened(path)
    try:
        assert await store.count(EVERYWHERE) == await store.count(EVERYWHERE, ["memory"]) == 100
    finally:
        await store.close()
    assert integrity(path) == "ok"


def test_a_full_disk_stores_nothing_by_halves_and_is_outlived(tmp_path: Path) -> None:
    """StoreFull, by a real limit of the system; later writes work again."""
    path = tmp_path / "memory.sqlite3"
    assert answers("fill_up", path) == ["full True True", "after 1"]
    assert integrity(path) == "ok"


@pytest.mark.parametrize(("file_mode", "folder_mode"), [(0o444, 0o755), (0o666, 0o555), (0o444, 0o555)])
async def test_what_may_not_be_written_can_be_read(file_mode: int, folder_mode: int) -> None:
    """StoreReadOnly for writes; no empty answer for reads. The child is another user where the tests run as root."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "memory.sqlite3"
        store = await opened(path)
        await store.add([entry("Tea")], operation())
        await store.close()
        path.chmod(file_mode)
        path.parent.chmod(folder_mode)
        try:
            assert answers("read_only", path) == ["count 1", "store_read_only 1"]
        finally:
            path.parent.chmod(0o700)
