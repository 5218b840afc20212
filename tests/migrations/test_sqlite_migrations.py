"""Files of every released schema are read; what was done to a file is recorded in it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import apsw
import pytest

from mcp_memory.domain.scope import Scope
from mcp_memory.errors import StoreError
from mcp_memory.stores.sqlite import migrations
from mcp_memory.stores.sqlite.store import SqliteStore
from tests.contracts.entries import ANN, EVERYWHERE, NOON, StandingClock, candidates, entry, operation, texts, vector

pytestmark = pytest.mark.anyio

VERSION_1 = Path(__file__).with_name("v1.sqlite3")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return Path(shutil.copy(VERSION_1, tmp_path / "memory.sqlite3"))


@dataclass(frozen=True, slots=True)
class Step(migrations.Migration):
    """A step of our own, after version 1."""

    statements: str = ""

    @property
    def sql(self) -> str:
        return self.statements


def next_step(statements: str) -> tuple[migrations.Migration, ...]:
    return migrations.MIGRATIONS[0], Step(2, "next", statements)


def query(path: Path, statement: str) -> list[tuple[apsw.SQLiteValue, ...]]:
    connection = apsw.Connection(str(path))
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


async def test_a_file_of_version_1_is_read_whole(old: Path) -> None:
    store = SqliteStore(old, clock=StandingClock())
    await store.open()
    assert sorted(texts(await store.page(EVERYWHERE, limit=9))) == [
        "Ann drinks tea",
        "Ann lives in Lyon",
        "Ann lives in Oslo",
    ]
    (((_, tea),), ((_, lyon),)) = await store.named(["tea again"], ANN), await store.named(["lyon"], ANN)
    assert (tea.id, tea.topics, tea.metadata, tea.session_id, tea.version) == ("tea", ["Drinks"], {"cups": 3}, "s", 2)
    assert (lyon.valid_to, lyon.version) == (NOON, 2)
    found = await candidates(store, vector(1), ("oslo",), nearest=1, lexical=1)
    assert {record.id for record in await store.records(found.handles) if record} == {"tea", "oslo"}
    session = await store.session("monday", Scope(), NOON)
    assert session is not None
    assert (session.context, [message.content for message in session.messages]) == ("greetings", ["Hello"])
    await store.add([entry("Ann drinks coffee", vector(1))], operation())
    assert await store.count(EVERYWHERE, ["drinks"]) == 2
    await store.close()


def test_a_new_file_needs_every_step_and_records_them(tmp_path: Path) -> None:
    path = tmp_path / "memory.sqlite3"
    assert migrations.pending(path) == list(migrations.MIGRATIONS)
    assert not path.exists()
    assert migrations.apply(path, StandingClock()) == list(migrations.MIGRATIONS)
    assert migrations.pending(path) == migrations.apply(path, StandingClock()) == []
    recorded = query(path, "SELECT version, name, applied_at FROM migrations")
    assert recorded == [(step.version, step.name, int(NOON.timestamp() * 1e6)) for step in migrations.MIGRATIONS]


def test_an_older_file_is_copied_before_its_first_step(old: Path) -> None:
    steps = next_step("CREATE TABLE later (x)")
    assert migrations.apply(old, StandingClock(), steps) == [*steps[1:]]
    assert query(old, "SELECT count(*) FROM later") == [(0,)]
    copy = old.with_name("memory.sqlite3.before-2")
    assert migrations.pending(copy) == list(migrations.MIGRATIONS[1:])
    assert query(copy, "SELECT count(*) FROM memories") == [(3,)]


def test_a_step_that_fails_leaves_the_file_as_it_was(old: Path) -> None:
    """One transaction for each step."""
    migrations.apply(old, StandingClock())
    with pytest.raises(StoreError):
        migrations.apply(
            old, StandingClock(), next_step("CREATE TABLE later (x); DROP TABLE memories; CREATE nonsense")
        )
    assert query(old, "SELECT count(*) FROM memories") == [(3,)]
    assert query(old, "PRAGMA user_version") == [(migrations.SCHEMA_VERSION,)]
    assert query(old, "SELECT name FROM sqlite_schema WHERE name = 'later'") == []
