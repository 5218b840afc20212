"""Backups, restoring, migrations and re-embedding when processes share the file, are killed, or meet a full disk."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import apsw
import pytest

from mcp_memory.embedders.hashing import HashingEmbedder
from mcp_memory.services.entries import CHUNK
from mcp_memory.services.upkeep import Upkeep
from mcp_memory.stores.sqlite import backups, migrations
from mcp_memory.stores.sqlite.connection import Settings
from mcp_memory.stores.sqlite.copying import PAGES, unseen
from mcp_memory.stores.sqlite.store import SqliteStore
from tests.contracts.entries import candidates, entry, handle_of, operation, vector
from tests.migrations.steps import ROWS, steps_with_a_long_one
from tests.standing_clock import StandingClock

pytestmark = pytest.mark.anyio

CHILD = Path(__file__).with_name("upkeep_child.py")
RELEASED = Path(__file__).parents[1] / "migrations" / "v1.sqlite3"


class Child:
    """Another process that does one act; what it asks is answered."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def asked(self) -> str:
        """Return the next line that it says."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def answer(self) -> None:
        """Let it go on."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def reach(self, what: str) -> None:
        """Let it go on until it says this."""
        while not (said := self.asked()).startswith(what):
            assert said
            self.answer()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def child(act: str, *arguments: object) -> Iterator[Child]:
    with subprocess.Popen(
        [sys.executable, str(CHILD), act, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path or "." for path in sys.path)},
        text=True,
    ) as process:
        yield Child(process)


def query(path: Path, statement: str) -> list[tuple[apsw.SQLiteValue, ...]]:
    with closing(apsw.Connection(str(path))) as connection:
        return connection.execute(statement).fetchall()


def named(path: Path, ending: str) -> list[str]:
    return sorted(part.name for part in path.parent.iterdir() if ending in part.name)


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A file of several thousand pages."""
    made = tmp_path / "memory.sqlite3"
    store = SqliteStore(made, clock=StandingClock())
    await store.open()
    await store.add([entry(f"memory {n} " + "x" * 9_000, vector(1, n), id=str(n)) for n in range(1_500)], operation())
    await store.close()
    return made


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return Path(shutil.copy(RELEASED, tmp_path / "memory.sqlite3"))


def restore(path: Path, copy: Path) -> backups.Restored:
    return backups.restore(Settings(path), copy, StandingClock(), unseen)


async def test_a_backup_is_of_one_moment_while_another_process_writes(path: Path) -> None:
    """It does not begin anew with each write: it would never end."""
    copy = path.with_name("copy.sqlite3")
    reached: list[int] = []
    with child("write", path) as writer:

        def write(done: int, _: int, what: str) -> None:
            if what == "backing up":
                reached.append(done)
                writer.answer()
                assert int(writer.asked()) == len(reached) - 1
                assert reached == sorted(set(reached))

        assert backups.backup(path, copy, "refuse", write).memories == 1_500
    assert len(reached) > 1
    assert query(path, "SELECT count(*) FROM memories") == [(1_500 + len(reached),)]
    assert query(copy, "SELECT count(*) FROM memories") == [(1_500,)]


async def test_another_process_searches_what_was_restored(path: Path) -> None:
    """Its index in RAM is of the store before; it is asked before and after."""
    copy = path.with_name("copy.sqlite3")
    backups.backup(path, copy, "refuse", unseen)
    with child("look", path) as other, child("write", path) as writer:
        for _ in range(3):
            writer.answer()
            writer.asked()
        store = SqliteStore(path, clock=StandingClock())
        await store.open()
        await store.remove([await handle_of(store, "0")], operation())
        other.answer()
        assert other.asked() == "1502 1499"
        restore(path, copy)
        other.answer()
        assert other.asked() == "1500 1500"
        writer.answer()
        writer.asked()
        other.answer()
        assert other.asked() == "1501 1500"
        await store.close()


@pytest.mark.parametrize("moment", ["reading the backup", "checking", "keeping a copy", "restoring"])
async def test_a_kill_while_restoring_leaves_the_store_as_it_was(path: Path, moment: str) -> None:
    """kill -9, at the latest when half of the backup is written; the next try does it."""
    copy = path.with_name("copy.sqlite3")
    backups.backup(path, copy, "refuse", unseen)
    query(path, "DELETE FROM memories WHERE handle <= 1000")
    with child("restore", path, copy) as process:
        process.reach(moment)
        process.kill()
    assert query(path, "SELECT count(*) FROM memories") == [(500,)]
    assert restore(path, copy).held.memories == 1_500
    assert query(path, "SELECT count(*) FROM memories") == [(1_500,)]
    assert query(path, "PRAGMA integrity_check") == [("ok",)]


async def test_a_kill_while_a_copy_is_kept_leaves_none_that_looks_whole(path: Path) -> None:
    with child("migrate", path) as process:
        process.reach(f"keeping a copy {PAGES}")
        process.kill()
    kept = f"{path.name}.before-{migrations.SCHEMA_VERSION + 1}"
    assert named(path, ".before-") == [f"{kept}.partial"]
    done = migrations.apply(path, StandingClock(), steps_with_a_long_one())
    assert done.copy == path.with_name(kept)
    assert named(path, ".before-") == [kept]
    assert query(done.copy, "SELECT count(*) FROM memories") == [(1_500,)]
    assert query(done.copy, "PRAGMA integrity_check") == [("ok",)]


@pytest.mark.parametrize("written", [0, 2_000_000])
def test_a_kill_in_the_middle_of_a_step_leaves_a_file_that_can_be_used(old: Path, written: int) -> None:
    """kill -9 with nothing of the step on disk yet, or much; the next call goes on where it was, and keeps one copy."""
    steps = steps_with_a_long_one()
    migrations.apply(old, StandingClock())
    copies = [f"{old.name}.before-{steps[number].version}" for number in (1, -1)]
    log = old.with_name(f"{old.name}-wal")
    with child("migrate", old) as process:
        process.reach(f"migrating to schema {steps[-1].version}")
        process.answer()
        while log.stat().st_size < written:
            assert process.process.poll() is None
        process.kill()
    assert query(old, "PRAGMA user_version") == [(steps[-2].version,)]
    assert query(old, "PRAGMA integrity_check") == [("ok",)]
    assert query(old, "SELECT count(*) FROM memories") == [(3,)]
    assert named(old, ".before-") == sorted(copies)
    assert migrations.apply(old, StandingClock(), steps) == migrations.Applied(steps[-1:], old.with_name(copies[-1]))
    assert named(old, ".before-") == sorted(copies)
    assert query(old, "SELECT count(*) FROM later") == [(ROWS,)]
    assert query(old, "SELECT version FROM migrations") == [(step.version,) for step in steps]


@pytest.mark.skipif(sys.platform == "win32", reason="the limit is one of POSIX")
@pytest.mark.parametrize(
    ("limit", "copies"),
    [
        pytest.param(100_000, [], id="for the copy"),
        pytest.param(1_000_000, [f"memory.sqlite3.before-{migrations.MIGRATIONS[1].version}"], id="for the step"),
    ],
)
def test_a_full_disk_leaves_a_file_that_can_be_used(old: Path, limit: int, copies: list[str]) -> None:
    """StoreFull, by a real limit of the system; with more room it is done."""
    with child("migrate_without_room", old, limit) as process:
        full = process.asked().split()
        assert full[0] == "full"
        assert [name for name in full[1:] if ".before-" in name] == copies
        assert process.asked() == "done"
    assert query(old, "PRAGMA integrity_check") == [("ok",)]
    assert query(old, "SELECT count(*) FROM later") == [(ROWS,)]


async def test_a_kill_while_vectors_are_made_anew_loses_a_chunk_at_most(path: Path) -> None:
    """kill -9; who goes on does the rest, and every memory is found by its vector."""
    with child("reembed", path) as process:
        process.reach(f"re-embedding {3 * CHUNK}")
        process.kill()
    embedder = HashingEmbedder()
    store = SqliteStore(path, clock=StandingClock())
    await store.open()
    assert await store.count_outdated(embedder.generation) == 1_500 - 3 * CHUNK
    assert await Upkeep(store, embedder).reembed() == 1_500 - 3 * CHUNK
    (asked,) = await embedder.embed(["memory 7"])
    found = await candidates(store, asked, generation=embedder.generation, nearest=9_999)
    assert (len(found.handles), found.without_vector) == (1_500, 0)
    await store.close()


def test_two_processes_that_migrate_at_once_keep_the_file_as_it_was(old: Path) -> None:
    """Whoever comes second does no step again and copies nothing over the copy of the first."""
    with child("migrate", old) as one, child("migrate_quietly", old) as other:
        one.reach("keeping a copy")
        assert other.asked() == "ready"
        other.answer()
        one.answer()
        one.reach("done")
        assert other.asked() == "done"
    assert query(old.with_name(named(old, ".before-")[0]), "PRAGMA user_version") == [(1,)]
    assert query(old, "SELECT version FROM migrations") == [(step.version,) for step in steps_with_a_long_one()]
